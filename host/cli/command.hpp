// What a person can ask `berth` for, one plain struct for each command. Made by command_builder, done by the rooms
// named *_commands. Knows neither how it was typed nor how it is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "../provider/values.hpp"
#include "command_table.hpp"

namespace berth::inline host_v1::cli {

enum class OutputFormat { table, json, jsonl, name };
enum class Verbosity { quiet, normal, verbose, debug };
enum class Keep { no, yes };
enum class Missing { is_error, is_ignored };
enum class Follow { no, yes };

/// What may stand before or after every command.
struct GlobalOptions {
    std::optional<std::string> configuration;
    std::vector<std::string> plugin_directories;
    OutputFormat output = OutputFormat::table;
    Verbosity verbosity = Verbosity::normal;
};

/// A sandbox to be made.
struct CreateOptions {
    SandboxConfig config;  ///< `persistent` is set by who creates it
    std::string provider;
    std::vector<std::string> require;
};

/// A process to be started.
struct ProcessOptions {
    Variables env;
    std::optional<std::string> directory;
    std::optional<Milliseconds> timeout;
    std::vector<std::string> arguments;  ///< argv, never empty
    bool interactive = false;
    bool terminal = false;
};

struct RunCommand {
    CreateOptions create;
    ProcessOptions process;
    Keep keep = Keep::no;
};
struct CreateCommand {
    CreateOptions create;
};
struct ListCommand {
    std::optional<std::string> provider;
};
struct InspectCommand {
    std::string sandbox;
};
struct ReadyCommand {
    std::string sandbox;
};
struct StatsCommand {
    std::string sandbox;
};
struct RestartCommand {
    std::string sandbox;
};
struct RemoveCommand {
    std::vector<std::string> sandboxes;
    Missing missing = Missing::is_error;
};
struct ExecCommand {
    std::string sandbox;
    ProcessOptions process;
};
struct CopyCommand {
    std::string source;
    std::string target;
};
struct SnapshotCreateCommand {
    std::string sandbox;
    std::string name;
};
struct SnapshotRestoreCommand {
    std::string sandbox;
    std::string snapshot;
};
struct SnapshotListCommand {
    std::optional<std::string> provider;
};
struct SnapshotRemoveCommand {
    std::vector<std::string> snapshots;
};
struct LogsCommand {
    std::string sandbox;
    LogOptions options;
    Follow follow = Follow::no;
};
struct EnvironmentGetCommand {
    std::string sandbox;
};
struct EnvironmentSetCommand {
    std::string sandbox;
    Variables set;
    std::vector<std::string> unset;
};
struct ProviderListCommand {};
struct PluginListCommand {};
struct PluginInspectCommand {
    std::string plugin;  ///< a name, or a path when it holds a slash or ends in .so
};
/// Which plugins `berth plugin clear` means.
enum class Clear { named, all };
struct PluginClearCommand {
    std::vector<std::string> plugins;  ///< names, paths or hashes
    Clear which = Clear::named;
};
struct ConfigCheckCommand {};
struct ConfigShowCommand {};
struct ConfigSchemaCommand {};
struct DoctorCommand {};
struct VersionCommand {};
struct CompletionCommand {
    std::string shell;
};
/// Asked by the completion scripts: what could the last word become?
struct CompleteCommand {
    std::vector<std::string> words;  ///< after "berth"; the last is the unfinished one
};
/// `berth COMMAND --help`; nullptr: of its group, or of berth itself.
struct HelpCommand {
    const CommandRow* of = nullptr;
    std::string group = {};
};

using Command =
    std::variant<HelpCommand, RunCommand, CreateCommand, ListCommand, InspectCommand, ReadyCommand, StatsCommand,
                 RestartCommand, RemoveCommand, ExecCommand, CopyCommand, SnapshotCreateCommand, SnapshotRestoreCommand,
                 SnapshotListCommand, SnapshotRemoveCommand, LogsCommand, EnvironmentGetCommand, EnvironmentSetCommand,
                 ProviderListCommand, PluginListCommand, PluginInspectCommand, PluginClearCommand, ConfigCheckCommand,
                 ConfigShowCommand, ConfigSchemaCommand, DoctorCommand, VersionCommand, CompletionCommand,
                 CompleteCommand>;

struct Invocation {
    GlobalOptions global;
    Command command;
};

}  // namespace berth::inline host_v1::cli

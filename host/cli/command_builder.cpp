#include "command_builder.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "../base/duration.hpp"
#include "../base/error.hpp"
#include "../base/size.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "reference.hpp"

namespace berth::inline host_v1::cli {

namespace {

[[noreturn]] void wrong_value(std::string_view flag, std::string_view value, std::string_view expected) {
    throw Error(cli_diagnostics::wrong_value, std::string(flag) + " cannot be " + quoted(value),
                "expected " + std::string(expected));
}

std::optional<std::string> one(const ParsedLine& line, std::string_view flag) {
    const auto values = line.values(flag);
    return values.empty() ? std::nullopt : std::optional(values.back());
}

std::string text_or_nothing(const ParsedLine& line, std::string_view flag) {
    return one(line, flag).value_or("");
}

std::optional<Milliseconds> duration(const ParsedLine& line, std::string_view flag) {
    const auto value = one(line, flag);
    if (!value) return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (!parsed) wrong_value("--" + std::string(flag), *value, "a time with its unit, such as 500ms, 30s, 5m or 2h");
    return parsed;
}

/// Limits count in whole MiB; a part of one is rounded up, so that nobody gets less than asked for.
std::optional<std::uint64_t> mebibytes(const ParsedLine& line, std::string_view flag) {
    const auto value = one(line, flag);
    if (!value) return std::nullopt;
    constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;
    const auto bytes = parse_size(*value);
    if (!bytes || (*bytes != 0 && *bytes < mebibyte)) {
        wrong_value("--" + std::string(flag), *value, "a size of at least 1MiB with its unit, such as 512MiB or 2GiB");
    }
    return *bytes / mebibyte + (*bytes % mebibyte == 0 ? 0 : 1);
}

std::optional<double> percent_of_cores(const ParsedLine& line) {
    const auto value = one(line, "cpus");
    if (!value) return std::nullopt;
    double cores = 0;
    const auto* end = value->data() + value->size();
    const auto [rest, error] = std::from_chars(value->data(), end, cores, std::chars_format::fixed);
    if (error != std::errc() || rest != end || !std::isfinite(cores) || cores < 0 || std::signbit(cores)) {
        wrong_value("--cpus", *value, "a number of cores, such as 2 or 0.5");
    }
    return cores * 100;
}

std::optional<std::uint64_t> whole_number(const ParsedLine& line, std::string_view flag) {
    const auto value = one(line, flag);
    if (!value) return std::nullopt;
    std::uint64_t number = 0;
    const auto* end = value->data() + value->size();
    const auto [rest, error] = std::from_chars(value->data(), end, number);
    if (error != std::errc() || rest != end) wrong_value("--" + std::string(flag), *value, "a whole number");
    return number;
}

std::pair<std::string, std::string> pair_of(std::string_view what, const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) wrong_value(what, text, "NAME=VALUE");
    return {text.substr(0, equals), text.substr(equals + 1)};
}

/// Error texts never show more of a variable than its name.
std::pair<std::string, std::string> variable_of(std::string_view what, const std::string& text) {
    const auto equals = text.find('=');
    auto name = text.substr(0, equals);
    if (equals == std::string::npos) wrong_value(what, name, "NAME=VALUE");
    if (!is_variable_name(name)) wrong_value(what, name, "a name of letters, digits and _, not beginning with a digit");
    return {std::move(name), text.substr(equals + 1)};
}

Variables environment(const ParsedLine& line, const EnvironmentVariables& own) {
    Variables variables;
    for (const auto& text : line.values("env")) {
        if (text.find('=') != std::string::npos) {
            auto [name, value] = variable_of("--env", text);
            variables[std::move(name)] = std::move(value);
            continue;
        }
        if (!is_variable_name(text)) wrong_value("--env", text, "NAME=VALUE, or the NAME of a variable of your own");
        if (const auto value = own.get(text)) variables[text] = *value;
    }
    return variables;
}

std::vector<std::string> words_between_commas(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const auto comma = text.find(',');
        words.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return words;
        text.remove_prefix(comma + 1);
    }
}

void set_network(const ParsedLine& line, SandboxConfig& config) {
    const auto value = one(line, "network");
    if (!value) return;
    constexpr std::string_view allow = "allow:";
    if (*value == "none") {
        config.network = NetworkMode::none;
    } else if (*value == "host") {
        config.network = NetworkMode::host;
    } else if (*value == "outbound") {
        config.network = NetworkMode::outbound;
    } else if (value->starts_with(allow) && value->size() > allow.size()) {
        config.network = NetworkMode::allow_list;
        config.network_allow = words_between_commas(std::string_view(*value).substr(allow.size()));
        for (const auto& host : config.network_allow) {
            if (host.empty()) wrong_value("--network", *value, "allow:HOST,HOST without an empty place");
        }
    } else {
        wrong_value("--network", *value, "none, host, outbound, or allow:HOST,HOST");
    }
}

FileOperation upload_of(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
        wrong_value("--upload", text, "SRC:DST, a path here and one in the sandbox");
    }
    FileOperation operation;
    operation.local_path = text.substr(0, colon);
    operation.sandbox_path = path_in_target(operation.local_path, text.substr(colon + 1));
    return operation;
}

CreateOptions create_options(const ParsedLine& line, const EnvironmentVariables& own) {
    CreateOptions options;
    options.provider = text_or_nothing(line, "provider");
    options.require = line.values("require");
    auto& config = options.config;
    config.name = text_or_nothing(line, "name");
    config.template_name = one(line, "template");
    config.environment.env = environment(line, own);
    config.environment.cwd = one(line, "workdir");
    config.environment.timeout = duration(line, "timeout");
    config.environment.memory_limit_mib = mebibytes(line, "memory");
    config.environment.cpu_limit = percent_of_cores(line);
    config.pids_limit = whole_number(line, "pids");
    config.disk_limit_mib = mebibytes(line, "disk");
    config.ttl = duration(line, "ttl");
    config.idle_ttl = duration(line, "idle-ttl");
    for (const auto& text : line.values("label")) {
        auto [name, value] = pair_of("--label", text);
        config.labels[std::move(name)] = std::move(value);
    }
    for (const auto& text : line.values("upload")) {
        config.initial_files.push_back(upload_of(text));
    }
    config.setup_commands = line.values("setup");
    set_network(line, config);
    return options;
}

ProcessOptions process_options(const ParsedLine& line) {
    ProcessOptions options;
    options.arguments = line.argv;
    options.interactive = line.has("interactive");
    options.terminal = line.has("tty");
    if (options.arguments.empty()) {
        throw Error(cli_diagnostics::wrong_usage, "no command to run was given",
                    "usage: berth " + line.command->full_name() + " " + std::string(line.command->arguments));
    }
    return options;
}

ExecCommand exec_command(const ParsedLine& line, const EnvironmentVariables& own) {
    ExecCommand command{line.words.at(0), process_options(line)};
    command.process.env = environment(line, own);
    command.process.directory = one(line, "workdir");
    command.process.timeout = duration(line, "timeout");
    return command;
}

LogsCommand logs_command(const ParsedLine& line, Moment now) {
    LogsCommand command;
    command.sandbox = line.words.at(0);
    command.options.lines = whole_number(line, "lines");
    command.follow = line.has("follow") ? Follow::yes : Follow::no;
    if (const auto since = one(line, "since")) {
        if (const auto ago = parse_duration(*since); ago && *since != "0") {
            command.options.since = now - *ago;
        } else if (const auto moment = parse_timestamp(*since)) {
            command.options.since = *moment;
        } else {
            wrong_value("--since", *since,
                        "a time ago such as 10m, a moment such as 2026-11-23T06:00:00Z, or Unix seconds");
        }
    }
    return command;
}

EnvironmentSetCommand environment_set_command(const ParsedLine& line) {
    EnvironmentSetCommand command;
    command.sandbox = line.words.at(0);
    for (std::size_t index = 1; index < line.words.size(); ++index) {
        auto [name, value] = variable_of("a variable", line.words[index]);
        command.set[std::move(name)] = std::move(value);
    }
    command.unset = line.values("unset");
    for (const auto& name : command.unset) {
        if (!is_variable_name(name)) wrong_value("--unset", name, "the name of a variable");
    }
    if (command.set.empty() && command.unset.empty()) {
        throw Error(cli_diagnostics::wrong_usage, "nothing to set and nothing to unset",
                    "usage: berth env set REF K=V... [--unset K]");
    }
    return command;
}

PluginClearCommand plugin_clear_command(const ParsedLine& line) {
    if (line.has("all") == line.words.empty()) {
        return {line.words, line.words.empty() ? Clear::all : Clear::named};
    }
    throw Error(cli_diagnostics::wrong_usage,
                line.words.empty() ? "nothing to clear was named" : "--all leaves nothing to be named",
                "usage: berth plugin clear FILE|NAME..., or --all");
}

CompletionCommand completion_command(const ParsedLine& line) {
    const auto& shell = line.words.at(0);
    if (shell != "bash" && shell != "zsh" && shell != "fish") wrong_value("the shell", shell, "bash, zsh or fish");
    return {shell};
}

RunCommand run_command(const ParsedLine& line, const EnvironmentVariables& own) {
    return {create_options(line, own), process_options(line), line.has("keep") ? Keep::yes : Keep::no};
}

Command build_command(const ParsedLine& line, const EnvironmentVariables& own, Moment now) {
    const auto& words = line.words;
    switch (line.command->command) {
        case CommandName::run:
            return run_command(line, own);
        case CommandName::create:
            return CreateCommand{create_options(line, own)};
        case CommandName::list:
            return ListCommand{one(line, "provider")};
        case CommandName::inspect:
            return InspectCommand{words.at(0)};
        case CommandName::ready:
            return ReadyCommand{words.at(0)};
        case CommandName::stats:
            return StatsCommand{words.at(0)};
        case CommandName::restart:
            return RestartCommand{words.at(0)};
        case CommandName::remove:
            return RemoveCommand{words, line.has("ignore-missing") ? Missing::is_ignored : Missing::is_error};
        case CommandName::exec:
            return exec_command(line, own);
        case CommandName::copy:
            return CopyCommand{words.at(0), words.at(1)};
        case CommandName::snapshot_create:
            return SnapshotCreateCommand{words.at(0), words.at(1)};
        case CommandName::snapshot_restore:
            return SnapshotRestoreCommand{words.at(0), words.at(1)};
        case CommandName::snapshot_list:
            return SnapshotListCommand{one(line, "provider")};
        case CommandName::snapshot_remove:
            return SnapshotRemoveCommand{words};
        case CommandName::logs:
            return logs_command(line, now);
        case CommandName::environment_get:
            return EnvironmentGetCommand{words.at(0)};
        case CommandName::environment_set:
            return environment_set_command(line);
        case CommandName::provider_list:
            return ProviderListCommand{};
        case CommandName::plugin_list:
            return PluginListCommand{};
        case CommandName::plugin_inspect:
            return PluginInspectCommand{words.at(0)};
        case CommandName::plugin_clear:
            return plugin_clear_command(line);
        case CommandName::config_check:
            return ConfigCheckCommand{};
        case CommandName::config_show:
            return ConfigShowCommand{};
        case CommandName::config_schema:
            return ConfigSchemaCommand{};
        case CommandName::doctor:
            return DoctorCommand{};
        case CommandName::version:
            return VersionCommand{};
        case CommandName::completion:
            return completion_command(line);
        case CommandName::complete:
            return CompleteCommand{line.argv};
    }
    return VersionCommand{};
}

OutputFormat output_format(const ParsedLine& line) {
    const auto value = one(line, "output");
    if (!value || *value == "table") return OutputFormat::table;
    if (*value == "json") return OutputFormat::json;
    if (*value == "jsonl") return OutputFormat::jsonl;
    if (*value == "name") return OutputFormat::name;
    wrong_value("--output", *value, "table, json, jsonl or name");
}

Verbosity verbosity(const ParsedLine& line) {
    if (line.has("quiet")) return Verbosity::quiet;
    const auto times = line.count("verbose");
    return times == 0 ? Verbosity::normal : times == 1 ? Verbosity::verbose : Verbosity::debug;
}

}  // namespace

std::string path_in_target(std::string_view source, std::string_view target) {
    if (target.empty() || target.back() != '/') return std::string(target);
    return join_target(target, last_name(source));
}

Invocation build_invocation(const ParsedLine& line, const EnvironmentVariables& variables, Moment now) {
    Invocation invocation;
    auto& global = invocation.global;
    global.output = output_format(line);
    global.verbosity = verbosity(line);
    global.configuration = one(line, "config");
    global.plugin_directories = line.values("plugin-dir");
    if (line.has("help")) {
        invocation.command = HelpCommand{line.command, line.group};
    } else if (line.command == nullptr) {
        invocation.command = VersionCommand{};
    } else {
        invocation.command = build_command(line, variables, now);
    }
    return invocation;
}

}  // namespace berth::inline host_v1::cli

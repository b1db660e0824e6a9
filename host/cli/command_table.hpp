// The one table of commands and flags: what there is, in which words it is explained. The parser, the help texts, the
// completion and the suggestions are all made from it. Knows neither how words are parsed nor what a command does.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::inline host_v1::cli {

/// What a word can be completed with.
enum class Completes { nothing, file, directory, provider, sandbox, sandbox_or_file, plugin, format, network, shell };

struct FlagRow {
    std::string_view letter;  ///< "e", or empty
    std::string_view name;    ///< "env"
    std::string_view value;   ///< "K=V" in help texts; empty: a switch
    bool repeatable = false;
    std::string_view help;
    Completes completes = Completes::nothing;
};

/// Which command it is: the typed commands are built by it.
enum class CommandName {
    run,
    create,
    list,
    inspect,
    ready,
    stats,
    restart,
    remove,
    exec,
    copy,
    snapshot_create,
    snapshot_restore,
    snapshot_list,
    snapshot_remove,
    logs,
    environment_get,
    environment_set,
    provider_list,
    plugin_list,
    plugin_inspect,
    plugin_clear,
    config_check,
    config_show,
    config_schema,
    doctor,
    version,
    completion,
    complete
};

/// Whether the words after the command's own are an argv that is passed on untouched.
enum class Passes { nothing, argv };

inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

struct CommandRow {
    CommandName command = CommandName::version;
    std::string_view group;      ///< "snapshot" of `snapshot create`, or empty
    std::string_view name;       ///< "create"
    std::string_view arguments;  ///< "REF NAME", as help texts show it
    std::size_t least = 0;       ///< words besides flags
    std::size_t most = 0;
    Passes passes = Passes::nothing;
    std::string_view summary;  ///< one line, a sentence without its full stop
    std::string_view details;  ///< more sentences, wrapped by hand at 100 columns; may be empty
    std::string_view example;  ///< what follows "Example:", one line or more
    std::span<const FlagRow> flags;
    Completes first = Completes::nothing;  ///< of the first word
    Completes rest = Completes::nothing;
    bool hidden = false;

    /// "snapshot create"
    [[nodiscard]] std::string full_name() const;
};

[[nodiscard]] std::span<const CommandRow> commands() noexcept;
[[nodiscard]] std::span<const FlagRow> global_flags() noexcept;
/// "snapshot", "env", ...: words that need another word.
struct GroupRow {
    std::string_view name;
    std::string_view summary;
};
[[nodiscard]] std::span<const GroupRow> groups() noexcept;

/// The row of `group name`, or nullptr.
[[nodiscard]] const CommandRow* find_command(std::string_view group, std::string_view name) noexcept;
/// The flag of a command or of all commands, by "-e" or "--env", or nullptr.
[[nodiscard]] const FlagRow* find_flag(const CommandRow* command, std::string_view word) noexcept;
/// Names a person may type first; of a group, the second.
[[nodiscard]] std::vector<std::string> command_words(std::string_view group);
/// "--env", "-e", ... of the command and of all commands.
[[nodiscard]] std::vector<std::string> flag_words(const CommandRow* command);

}  // namespace berth::inline host_v1::cli

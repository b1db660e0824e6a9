// The table is prose more than code, hence its length.
#include "command_table.hpp"

#include <array>
#include <cstddef>

namespace berth::inline host_v1::cli {

namespace {

// clang-format off
constexpr FlagRow help_flag{"h", "help", "", false, "Show this help"};

constexpr std::array global{
    FlagRow{"", "config", "FILE", false, "Use this berth.yaml (else $BERTH_CONFIG, ~/.config/berth/, /etc/berth/)", Completes::file},
    FlagRow{"", "plugin-dir", "DIR", true, "Look for plugins here first; may be repeated", Completes::directory},
    FlagRow{"o", "output", "FORMAT", false, "table, json, jsonl or name", Completes::format},
    FlagRow{"v", "verbose", "", true, "Say on stderr what happens; twice for every detail"},
    FlagRow{"q", "quiet", "", false, "No progress and no warnings on stderr"},
    help_flag,
};

constexpr FlagRow interactive_flag{"i", "interactive", "", false, "Pass standard input on (without it, the command's is at its end)"};
constexpr FlagRow tty_flag{"t", "tty", "", false, "Run it on a terminal; all output is stdout; with -i every key goes there"};
constexpr FlagRow env_flag{"e", "env", "K=V", true, "Set a variable; `-e K` takes the value from your own environment"};
constexpr FlagRow directory_flag{"w", "workdir", "DIR", false, "Working directory in the sandbox"};
constexpr FlagRow timeout_flag{"", "timeout", "TIME", false, "End a process that runs longer: 30s, 5m; 0 is no limit"};
constexpr FlagRow provider_flag{"", "provider", "NAME", false, "Use this provider of berth.yaml", Completes::provider};

constexpr std::array create_flags{
    provider_flag,
    FlagRow{"", "template", "NAME", false, "What to start from: an image, runtime or snapshot of the provider"},
    FlagRow{"", "name", "NAME", false, "A label for people; need not be unique"},
    env_flag,
    FlagRow{"l", "label", "K=V", true, "A label for programs"},
    directory_flag,
    FlagRow{"", "memory", "SIZE", false, "Memory limit: 512MiB, 2GiB; 0 is no limit"},
    FlagRow{"", "cpus", "N", false, "CPU limit in cores, such as 1.5; 0 is no limit"},
    FlagRow{"", "pids", "N", false, "Limit of processes and threads; 0 is no limit"},
    FlagRow{"", "disk", "SIZE", false, "Limit of what can be written: 512MiB, 10GiB; 0 is no limit"},
    timeout_flag,
    FlagRow{"", "ttl", "TIME", false, "Destroy the sandbox after this time"},
    FlagRow{"", "idle-ttl", "TIME", false, "Destroy the sandbox after this time without calls"},
    FlagRow{"", "network", "MODE", false, "none, host, outbound, or allow:HOST,HOST", Completes::network},
    FlagRow{"", "require", "NAME", true, "Refuse a provider without this method or feature"},
    FlagRow{"", "upload", "SRC:DST", true, "Copy a file or directory in before anything runs", Completes::file},
    FlagRow{"", "setup", "LINE", true, "Run this shell line in the new sandbox; may be repeated"},
};

template <std::size_t First, std::size_t Second>
constexpr std::array<FlagRow, First + Second> joined(const std::array<FlagRow, First>& first, const std::array<FlagRow, Second>& second) {
    std::array<FlagRow, First + Second> all{};
    for (std::size_t index = 0; index < First; ++index) all[index] = first[index];
    for (std::size_t index = 0; index < Second; ++index) all[First + index] = second[index];
    return all;
}

constexpr auto run_flags = joined(
    std::array{interactive_flag, tty_flag, FlagRow{"", "keep", "", false, "Leave the sandbox there; its name goes to stderr"}},
    create_flags);
constexpr std::array exec_flags{interactive_flag, tty_flag, env_flag, directory_flag, timeout_flag};
constexpr std::array provider_only{provider_flag};
constexpr std::array remove_flags{FlagRow{"", "ignore-missing", "", false, "A sandbox that is not there is no failure"}};
constexpr std::array logs_flags{
    FlagRow{"n", "lines", "N", false, "Only the last N lines"},
    FlagRow{"", "since", "TIME", false, "Only what is newer: 10m (ago), 2026-11-23T06:00:00Z, or Unix seconds"},
    FlagRow{"f", "follow", "", false, "Go on as new lines come"},
};
constexpr std::array clear_flags{FlagRow{"", "all", "", false, "Clear every plugin"}};
constexpr std::array env_set_flags{FlagRow{"", "unset", "K", true, "Remove a variable"}};

constexpr std::array table{
    CommandRow{CommandName::run, "", "run", "[FLAGS] -- COMMAND [ARGUMENT...]", 0, 0, Passes::argv,
        "Make a sandbox, run a command in it, destroy it",
        "The command's output is passed on byte for byte, and its exit code is yours. Ctrl-C ends the command in the\n"
        "sandbox, and the sandbox is destroyed then, too.",
        "berth run -- sh -c 'echo out; echo err >&2; exit 7'\nberth run -i --memory 512MiB --network none -- python3 - < script.py",
        run_flags},
    CommandRow{CommandName::create, "", "create", "[FLAGS]", 0, 0, Passes::nothing,
        "Make a sandbox and print its full name, provider/id",
        "It lives on until `berth rm`, or until its --ttl is over.",
        "ref=$(berth create --name build --upload ./src:/workspace/src)", create_flags},
    CommandRow{CommandName::exec, "", "exec", "[FLAGS] REF [--] COMMAND [ARGUMENT...]", 1, 1, Passes::argv,
        "Run a command in a sandbox",
        "Flags of berth stand before REF; the first word after it begins the command. What follows `--` is never read\n"
        "as a flag and never split again: write `-- sh -c '...'` for a shell line.",
        "berth exec -i \"$ref\" -- tar -xzf - < archive.tar.gz", exec_flags, Completes::sandbox, Completes::nothing},
    CommandRow{CommandName::copy, "", "cp", "SRC DST", 2, 2, Passes::nothing,
        "Copy files and directories into a sandbox or out of it",
        "One side is REF:/path, the other a path here. A target that is a directory, or ends in `/`, is copied into;\n"
        "`DIR/.` copies what is in a directory. A local path that looks like REF:/path is written ./like/this:one.",
        "berth cp ./src \"$ref\":/workspace/\nberth cp \"$ref\":/workspace/out.tar .", {}, Completes::sandbox_or_file, Completes::sandbox_or_file},
    CommandRow{CommandName::list, "", "ls", "", 0, 0, Passes::nothing,
        "List the sandboxes of all providers",
        "A provider that fails does not hide the others: its error goes to stderr and the exit code is 125.",
        "berth ls -o name", provider_only},
    CommandRow{CommandName::inspect, "", "inspect", "REF", 1, 1, Passes::nothing,
        "Show all that is known of a sandbox", "", "berth inspect -o json \"$ref\"", {}, Completes::sandbox},
    CommandRow{CommandName::ready, "", "ready", "REF", 1, 1, Passes::nothing,
        "Say whether a sandbox can run commands; exit code 0 or 1", "", "until berth ready -q \"$ref\"; do sleep 1; done", {}, Completes::sandbox},
    CommandRow{CommandName::stats, "", "stats", "REF", 1, 1, Passes::nothing,
        "Show what a sandbox uses now; what its provider does not know stays empty", "", "berth stats \"$ref\"", {}, Completes::sandbox},
    CommandRow{CommandName::logs, "", "logs", "[FLAGS] REF", 1, 1, Passes::nothing,
        "Show the log of a sandbox", "", "berth logs -n 100 -f \"$ref\"", logs_flags, Completes::sandbox},
    CommandRow{CommandName::restart, "", "restart", "REF", 1, 1, Passes::nothing,
        "End all processes of a sandbox and start it again", "Its name, files and variables stay.", "berth restart \"$ref\"", {}, Completes::sandbox},
    CommandRow{CommandName::remove, "", "rm", "REF...", 1, any_number, Passes::nothing,
        "Destroy sandboxes", "All are tried, whatever fails.", "berth rm $(berth ls -o name)", remove_flags, Completes::sandbox, Completes::sandbox},
    CommandRow{CommandName::environment_get, "env", "get", "REF", 1, 1, Passes::nothing,
        "Show the variables of a sandbox", "", "berth env get -o json \"$ref\"", {}, Completes::sandbox},
    CommandRow{CommandName::environment_set, "env", "set", "REF [K=V...]", 1, any_number, Passes::nothing,
        "Set variables for later commands", "", "berth env set \"$ref\" LANG=C.UTF-8 --unset DEBUG", env_set_flags, Completes::sandbox},
    CommandRow{CommandName::snapshot_create, "snapshot", "create", "REF NAME", 2, 2, Passes::nothing,
        "Keep the files and variables of a sandbox as they are now", "Prints the snapshot's full name, provider/id.",
        "snapshot=$(berth snapshot create \"$ref\" before-upgrade)", {}, Completes::sandbox},
    CommandRow{CommandName::snapshot_restore, "snapshot", "restore", "REF SNAPSHOT", 2, 2, Passes::nothing,
        "Put a sandbox back to a snapshot", "Files made since vanish and its processes end.",
        "berth snapshot restore \"$ref\" \"$snapshot\"", {}, Completes::sandbox},
    CommandRow{CommandName::snapshot_list, "snapshot", "ls", "", 0, 0, Passes::nothing,
        "List snapshots", "", "berth snapshot ls", provider_only},
    CommandRow{CommandName::snapshot_remove, "snapshot", "rm", "SNAPSHOT...", 1, any_number, Passes::nothing,
        "Delete snapshots", "", "berth snapshot rm \"$snapshot\"", {}},
    CommandRow{CommandName::provider_list, "provider", "ls", "", 0, 0, Passes::nothing,
        "List the providers of berth.yaml: which work, and why others do not", "", "berth provider ls", {}},
    CommandRow{CommandName::plugin_list, "plugin", "ls", "", 0, 0, Passes::nothing,
        "List every plugin file that was found, refused ones included",
        "Shows whose each file is, and whether berth.yaml pins its content. Runs none of their code.",
        "berth plugin ls --plugin-dir ./build", {}},
    CommandRow{CommandName::plugin_inspect, "plugin", "inspect", "FILE|NAME", 1, 1, Passes::nothing,
        "Show what a plugin file says of itself, and why it would or would not load",
        "Makes every check that comes before loading, each with its result, also behind one that fails. Runs none of\n"
        "the file's code. The exit code is 0 when it would load.",
        "berth plugin inspect ./acme.so", {}, Completes::plugin},
    CommandRow{CommandName::plugin_clear, "plugin", "clear", "[--all] [FILE|NAME...]", 0, any_number, Passes::nothing,
        "Take plugins out of quarantine",
        "A plugin whose process died too often is not run any more until its file is another one or it is cleared here.\n"
        "`berth plugin ls` shows which ones and why. A host that runs takes it up with its next call. What is not in\n"
        "quarantine is no failure.",
        "berth plugin clear acme", clear_flags, Completes::plugin, Completes::plugin},
    CommandRow{CommandName::config_check, "config", "check", "", 0, 0, Passes::nothing,
        "Find every mistake in berth.yaml", "", "berth config check --config ./berth.yaml", {}},
    CommandRow{CommandName::config_show, "config", "show", "", 0, 0, Passes::nothing,
        "Show the configuration in effect, secrets masked", "", "berth config show", {}},
    CommandRow{CommandName::config_schema, "config", "schema", "", 0, 0, Passes::nothing,
        "Print the JSON schema of berth.yaml, for editors", "", "berth config schema > berth.schema.json", {}},
    CommandRow{CommandName::doctor, "", "doctor", "", 0, 0, Passes::nothing,
        "Say what works here and what does not, why, and what would enable it",
        "Looks at berth.yaml, at every plugin file, and opens every provider. The exit code is 0 when all of them open.",
        "berth doctor\nberth doctor -o json", {}},
    CommandRow{CommandName::version, "", "version", "", 0, 0, Passes::nothing,
        "Show which Berth this is", "", "berth version -o json", {}},
    CommandRow{CommandName::completion, "", "completion", "bash|zsh|fish", 1, 1, Passes::nothing,
        "Print the completion script of a shell",
        "bash:  source <(berth completion bash)\n"
        "zsh:   source <(berth completion zsh)\n"
        "fish:  berth completion fish | source",
        "berth completion bash > /etc/bash_completion.d/berth", {}, Completes::shell},
    CommandRow{CommandName::complete, "", "__complete", "[WORD...]", 0, any_number, Passes::argv,
        "Used by the completion scripts", "", "", {}, Completes::nothing, Completes::nothing, true},
};

constexpr std::array group_table{
    GroupRow{"env", "Variables of a sandbox: get, set"},
    GroupRow{"snapshot", "Snapshots: create, restore, ls, rm"},
    GroupRow{"provider", "Providers of berth.yaml: ls"},
    GroupRow{"plugin", "Plugin files: ls, inspect, clear"},
    GroupRow{"config", "The configuration: check, show, schema"},
};
// clang-format on

}  // namespace

std::string CommandRow::full_name() const {
    return group.empty() ? std::string(name) : std::string(group) + " " + std::string(name);
}

std::span<const CommandRow> commands() noexcept {
    return table;
}

std::span<const FlagRow> global_flags() noexcept {
    return global;
}

std::span<const GroupRow> groups() noexcept {
    return group_table;
}

const CommandRow* find_command(std::string_view group, std::string_view name) noexcept {
    for (const auto& row : table) {
        if (row.group == group && row.name == name) return &row;
    }
    return nullptr;
}

const FlagRow* find_flag(const CommandRow* command, std::string_view word) noexcept {
    const auto search = [word](std::span<const FlagRow> flags) -> const FlagRow* {
        for (const auto& flag : flags) {
            if (word.substr(0, 2) == "--" ? word.substr(2) == flag.name
                                          : !flag.letter.empty() && word.substr(1) == flag.letter) {
                return &flag;
            }
        }
        return nullptr;
    };
    if (word.size() < 2 || word.front() != '-') return nullptr;
    if (command != nullptr) {
        if (const auto* flag = search(command->flags)) return flag;
    }
    return search(global);
}

std::vector<std::string> command_words(std::string_view group) {
    std::vector<std::string> words;
    for (const auto& row : table) {
        if (row.group == group && !row.hidden) words.emplace_back(row.name);
    }
    if (group.empty()) {
        for (const auto& row : group_table) {
            words.emplace_back(row.name);
        }
    }
    return words;
}

std::vector<std::string> flag_words(const CommandRow* command) {
    std::vector<std::string> words;
    const auto add = [&words](std::span<const FlagRow> flags) {
        for (const auto& flag : flags) {
            words.push_back("--" + std::string(flag.name));
            if (!flag.letter.empty()) words.push_back("-" + std::string(flag.letter));
        }
    };
    if (command != nullptr) add(command->flags);
    add(global);
    return words;
}

}  // namespace berth::inline host_v1::cli

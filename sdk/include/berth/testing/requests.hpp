// What a test asks a plugin for: plain values, all of them optional. The driver lends them to the plugin as the host
// does.
#ifndef BERTH_TESTING_REQUESTS_HPP
#define BERTH_TESTING_REQUESTS_HPP

#include <functional>

#include "arena.hpp"

namespace berth::inline sdk_v1::testing {

class FakeCall;

/// One file, directory or link to upload.
struct UploadEntry {
    std::string path;  ///< The whole sandbox path.
    std::string content = {};
    EntryKind kind = EntryKind::file;
    std::string link_target = {};
    std::optional<std::uint32_t> mode = 0644;
    std::uint64_t operation = 0;
    bool changes = false;  ///< The file changes while it is read: the source answers CONFLICT at its end.
};

struct SandboxRequest {
    EnvironmentValues environment = {};
    std::optional<std::string> name = {};
    std::optional<std::string> template_name = {};
    std::vector<std::string> setup_commands = {};
    Variables labels = {};
    std::string idempotency_key = {};  ///< Empty: the driver makes one, as the host does.
    bool persistent = false;
    std::optional<Duration> ttl = {};
    std::optional<Duration> idle_ttl = {};
    std::optional<std::uint64_t> disk_limit_mib = {};
    std::optional<std::uint64_t> pids_limit = {};
    Network network = Network::unspecified;
    std::vector<std::string> network_allow = {};
    Variables extra = {};
    std::vector<UploadEntry> initial_files = {};
};

struct ProcessRequest {
    std::string command;
    std::vector<std::string> args = {};
    EnvironmentValues environment = {};
    std::optional<std::string> input = {};
    std::optional<std::string> live_stdin = {};  ///< What comes through Call::stdin_fd, at most 64 KiB.
    std::optional<std::pair<std::uint32_t, std::uint32_t>> terminal = {};  ///< rows, columns
    bool discard_stdout = false;
    bool discard_stderr = false;
    bool kill_background = false;
    Duration kill_grace{2000};
    Duration drain_grace{200};
    Variables extra = {};
    /// Runs when the process was said to have started; say through the call what the caller does next.
    std::function<void(FakeCall&)> on_started = {};
    /// Runs at each output, before it is taken.
    std::function<void(FakeCall&, Stream, std::string_view)> on_output = {};
};

struct LogRequest {
    std::optional<std::uint64_t> lines = {};
    std::optional<Time> since = {};
    bool follow = false;
    /// Runs at each piece of the log; cancel the call here to end a log that follows.
    std::function<void(FakeCall&, std::string_view)> on_bytes = {};
};

namespace detail {

inline const berth_environment* lend(Arena& arena, const EnvironmentValues& from, ContractSize size) {
    berth_environment to{};
    to.env = arena.pairs(from.env);
    to.cwd = arena.text_if(from.cwd);
    to.timeout_ms = number_if(from.timeout);
    to.memory_limit_mib = number_if(from.memory_limit_mib);
    to.cpu_limit = number_if(from.cpu_limit);
    claim(to, size);
    return arena.put(to);
}

inline const berth_sandbox_config* lend(Arena& arena, const SandboxRequest& from, ContractSize size) {
    berth_sandbox_config to{};
    to.flags = from.persistent ? std::uint32_t{BERTH_SANDBOX_PERSISTENT} : 0;
    to.environment = lend(arena, from.environment, size);
    to.name = arena.text_if(from.name);
    to.template_name = arena.text_if(from.template_name);
    to.setup_commands = arena.texts(from.setup_commands);
    to.labels = arena.pairs(from.labels);
    to.idempotency_key = arena.text(from.idempotency_key);
    to.ttl_ms = number_if(from.ttl);
    to.idle_ttl_ms = number_if(from.idle_ttl);
    to.disk_limit_mib = number_if(from.disk_limit_mib);
    to.pids_limit = number_if(from.pids_limit);
    to.network_allow = arena.texts(from.network_allow);
    to.network = static_cast<std::int32_t>(from.network);
    to.extra = arena.pairs(from.extra);
    claim(to, size);
    return arena.put(to);
}

inline const berth_process* lend(Arena& arena, const ProcessRequest& from, ContractSize size) {
    const auto flag = [](bool set, int value) { return set ? static_cast<std::uint32_t>(value) : 0u; };
    berth_process to{};
    to.flags = flag(from.live_stdin.has_value(), BERTH_PROCESS_LIVE_STDIN) |
               flag(from.terminal.has_value(), BERTH_PROCESS_TTY) |
               flag(from.discard_stdout, BERTH_PROCESS_DISCARD_STDOUT) |
               flag(from.discard_stderr, BERTH_PROCESS_DISCARD_STDERR) |
               flag(from.kill_background, BERTH_PROCESS_KILL_BACKGROUND);
    to.environment = lend(arena, from.environment, size);
    to.command = arena.text(from.command);
    to.args = arena.texts(from.args);
    if (from.input) to.input = arena.bytes(*from.input);
    to.kill_grace_ms = from.kill_grace.count();
    to.drain_grace_ms = from.drain_grace.count();
    if (from.terminal) {
        to.rows = from.terminal->first;
        to.columns = from.terminal->second;
        to.terminal = arena.text("xterm-256color");
    }
    to.extra = arena.pairs(from.extra);
    claim(to, size);
    return arena.put(to);
}

inline const berth_log_options* lend(Arena& arena, const LogRequest& from, ContractSize size) {
    berth_log_options to{};
    to.flags = from.follow ? std::uint32_t{BERTH_LOG_FOLLOW} : 0;
    to.lines = number_if(from.lines);
    to.since_ms = number_if(from.since);
    claim(to, size);
    return arena.put(to);
}

}  // namespace detail
}  // namespace berth::inline sdk_v1::testing

#endif

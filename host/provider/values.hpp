// What goes into the 16 methods and what comes out, as owned C++ values: the types of docs/contract.md section 2.
// Plain data. Knows neither the C contract nor any rule about which value is allowed (engine/admission does).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/duration.hpp"

namespace berth::inline host_v1 {

using Moment = std::chrono::sys_time<Milliseconds>;
using Variables = std::map<std::string, std::string>;

/// What processes run with. For limits and the timeout, 0 means none and absent means the default.
struct Environment {
    Variables env;                        ///< values are bytes without NUL
    std::optional<std::string> cwd;       ///< sandbox path, bytes
    std::optional<Milliseconds> timeout;  ///< of one process
    std::optional<std::uint64_t> memory_limit_mib;
    std::optional<double> cpu_limit;  ///< percent, 100 = one core
};

/// One file or directory to copy. Upload: exactly one of local_path and content. Download: local_path.
struct FileOperation {
    std::string local_path;               ///< host path, bytes; relative to the working directory of this process
    std::string sandbox_path;             ///< bytes; relative to the sandbox's cwd
    std::optional<unsigned> permissions;  ///< 1-0777
    std::optional<std::string> content;   ///< bytes to upload in place of a host file
};

enum class NetworkMode : std::int32_t { provider_default = 0, none = 1, host = 2, outbound = 3, allow_list = 4 };

/// What `create` is asked for.
struct SandboxConfig {
    Environment environment;
    std::string name;  ///< label, at most 128 bytes
    std::optional<std::string> template_name;
    std::vector<FileOperation> initial_files;
    std::vector<std::string> setup_commands;
    bool persistent = false;  ///< keep it beyond the Host that made it
    Variables labels;
    std::set<std::string> secret_env;  ///< names in environment.env whose values are masked in infos and logs
    std::optional<Milliseconds> ttl;
    std::optional<Milliseconds> idle_ttl;
    std::optional<std::uint64_t> disk_limit_mib;
    std::optional<std::uint64_t> pids_limit;
    NetworkMode network = NetworkMode::provider_default;
    std::vector<std::string> network_allow;
    std::string idempotency_key;                             ///< empty: the Host makes one
    std::vector<std::pair<std::string, std::string>> extra;  ///< provider-specific wishes
};

struct TerminalSize {
    std::uint32_t rows = 24;
    std::uint32_t columns = 80;
};

/// A terminal for a process: all output is stdout.
struct Terminal {
    TerminalSize size;
    std::string name = "xterm-256color";  ///< TERM
};

enum class Capture { keep, discard };

/// One process: an argv, never a shell line.
struct ProcessConfig {
    Environment environment;  ///< laid over the sandbox's
    std::string command;
    std::vector<std::string> args;
    Capture output = Capture::keep;
    Capture error = Capture::keep;
    bool interactive = false;                 ///< stdin stays open for the caller; only execute_stream
    std::optional<Terminal> terminal;         ///< only execute_stream
    std::optional<std::string> input;         ///< bytes for stdin, at most 16 MiB
    std::optional<Milliseconds> kill_grace;   ///< absent: the configuration's
    std::optional<Milliseconds> drain_grace;  ///< absent: the configuration's
    bool kill_background = false;
    std::optional<std::uint64_t>
        max_output_bytes;  ///< kept of each stream; absent: the configuration's, 1 MiB for streams
    std::vector<std::pair<std::string, std::string>> extra;
};

enum class ProcessStatus { completed, failed, killed, timeout };

/// How a process ended and what it wrote.
struct ProcessResult {
    int exit_code = 0;
    std::string standard_output;  ///< complete, or the newest part
    std::string standard_error;
    Milliseconds execution_time{0};
    ProcessStatus status = ProcessStatus::completed;
    std::optional<std::int64_t> pid;
    std::optional<int> signal;
    std::string reason;                      ///< "oom", "cancelled", "detached", ... or empty
    std::uint64_t output_dropped_bytes = 0;  ///< oldest bytes that were not kept
    std::uint64_t error_dropped_bytes = 0;
};

enum class SandboxState : std::int32_t { initializing = 1, ready = 2, busy = 3, stopped = 4, error = 5 };

/// A sample of now; what the backend does not know is absent.
struct ResourceUsage {
    std::optional<double> cpu_percent;
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t> disk_bytes;
    std::optional<std::uint64_t> network_received_bytes;
    std::optional<std::uint64_t> network_sent_bytes;
    std::optional<std::uint64_t> process_count;
    std::optional<std::uint64_t> memory_limit_bytes;
    std::optional<double> cpu_limit_percent;
    std::optional<std::uint64_t> disk_limit_bytes;
    std::optional<Moment> sampled_at;
};

/// A sandbox as it is now.
struct SandboxInfo {
    std::string provider;
    std::string id;
    SandboxState state = SandboxState::error;
    Moment created_at{};
    std::optional<Moment> last_used_at;
    std::optional<Moment> expires_at;
    Environment environment;  ///< values of secret names are "***"
    std::set<std::string> secret_env;
    std::optional<ResourceUsage> usage;
    std::string idempotency_key;
    std::string name;
    std::string template_name;
    bool persistent = false;
    NetworkMode network = NetworkMode::provider_default;
    Variables labels;
    std::string error;
    std::string backend_id;
    std::vector<std::pair<std::string, std::string>> facts;

    /// "provider/id", its full name.
    [[nodiscard]] std::string full_name() const { return provider + "/" + id; }
};

struct LogOptions {
    std::optional<std::uint64_t> lines;
    std::optional<Moment> since;
};

struct SnapshotInfo {
    std::string provider;
    std::string id;
    std::string name;
    std::string sandbox_id;
    Moment created_at{};
    std::optional<std::uint64_t> size_bytes;
    std::optional<Moment> expires_at;
};

enum class OutputStream : std::int32_t { output = 1, error = 2 };

/// Words of the contract, as shown to people and in JSON: "ready", "timeout", "allow_list".
[[nodiscard]] std::string_view name_of(SandboxState state) noexcept;
[[nodiscard]] std::string_view name_of(ProcessStatus status) noexcept;
[[nodiscard]] std::string_view name_of(NetworkMode network) noexcept;

}  // namespace berth::inline host_v1

// The words of the C++ face: the contract's fixed numbers as scoped enums, and its units as chrono types.
// Knows nothing but types.h.
#ifndef BERTH_WORDS_HPP
#define BERTH_WORDS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "types.h"

namespace berth::inline sdk_v1 {

/// Milliseconds, the contract's unit for every span of time.
using Duration = std::chrono::milliseconds;
/// A point in time: Unix time in UTC, in milliseconds.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// The moment of now, in the contract's unit.
inline Time now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Why a method failed. The whole vocabulary; see types.h for what each stands for.
enum class Code : berth_status {
    invalid_argument = BERTH_INVALID_ARGUMENT,
    not_found = BERTH_NOT_FOUND,
    snapshot_not_found = BERTH_SNAPSHOT_NOT_FOUND,
    template_not_found = BERTH_TEMPLATE_NOT_FOUND,
    not_ready = BERTH_NOT_READY,
    conflict = BERTH_CONFLICT,
    unsupported = BERTH_UNSUPPORTED,
    timeout = BERTH_TIMEOUT,
    cancelled = BERTH_CANCELLED,
    execution_failed = BERTH_EXECUTION_FAILED,
    file_not_found = BERTH_FILE_NOT_FOUND,
    is_directory = BERTH_IS_DIRECTORY,
    not_directory = BERTH_NOT_DIRECTORY,
    file_exists = BERTH_FILE_EXISTS,
    permission_denied = BERTH_PERMISSION_DENIED,
    path_escape = BERTH_PATH_ESCAPE,
    resource_exhausted = BERTH_RESOURCE_EXHAUSTED,
    rate_limited = BERTH_RATE_LIMITED,
    auth_failed = BERTH_AUTH_FAILED,
    unavailable = BERTH_UNAVAILABLE,
    isolation_unavailable = BERTH_ISOLATION_UNAVAILABLE,
    protocol_error = BERTH_PROTOCOL_ERROR,
    internal = BERTH_INTERNAL
};

/// What may have happened on the backend when an error is reported.
enum class Outcome : std::int32_t {
    unknown = BERTH_OUTCOME_UNKNOWN,  ///< It may or may not have happened: nobody may simply repeat it.
    none = BERTH_OUTCOME_NONE,        ///< Certainly nothing happened.
    done = BERTH_OUTCOME_DONE         ///< It certainly happened.
};

/// The state of a sandbox. There is no zero: a state that nobody set is a fault.
enum class SandboxState : std::int32_t {
    initializing = BERTH_STATE_INITIALIZING,
    ready = BERTH_STATE_READY,
    busy = BERTH_STATE_BUSY,
    stopped = BERTH_STATE_STOPPED,
    error = BERTH_STATE_ERROR
};

/// How a process ended. There is no zero.
enum class EndKind : std::int32_t {
    exited = BERTH_ENDED_EXITED,                ///< By itself.
    signalled = BERTH_ENDED_SIGNALLED,          ///< By a signal that nobody here sent.
    killed = BERTH_ENDED_KILLED,                ///< By a kill of the caller, by destroy or restart.
    cancelled = BERTH_ENDED_CANCELLED,          ///< By a cancel of the call, after it had started.
    timeout = BERTH_ENDED_TIMEOUT,              ///< By its own timeout.
    out_of_memory = BERTH_ENDED_OUT_OF_MEMORY,  ///< By its memory limit.
    detached = BERTH_ENDED_DETACHED             ///< It has not ended: it was left running, as a detach event asked.
};

/// The two output streams of a process.
enum class Stream : std::int32_t { out = BERTH_STDOUT, err = BERTH_STDERR };

/// What a sandbox may reach. `unspecified` is the provider's own choice in a request, and "not known" in an answer.
enum class Network : std::int32_t {
    unspecified = BERTH_NETWORK_DEFAULT,
    none = BERTH_NETWORK_NONE,
    host = BERTH_NETWORK_HOST,
    outbound = BERTH_NETWORK_OUTBOUND,
    allow_list = BERTH_NETWORK_ALLOW_LIST
};

/// What a file entry is.
enum class EntryKind : std::int32_t { file = BERTH_FILE, directory = BERTH_DIRECTORY, symlink = BERTH_SYMLINK };

/// How much a log line matters to the operator.
enum class LogLevel : std::int32_t {
    trace = BERTH_LOG_TRACE,
    debug = BERTH_LOG_DEBUG,
    info = BERTH_LOG_INFO,
    warning = BERTH_LOG_WARNING,
    error = BERTH_LOG_ERROR
};

/// What a sink did with what it was given.
enum class [[nodiscard]] Delivered{
    taken,     ///< It has it.
    enough,    ///< Nobody will read more: stop producing; what must be drained may be dropped. Not a cancel, kill
               ///< nothing.
    cancelled  ///< The call was cancelled; nothing was taken. End what was started, or leave.
};

namespace detail {

inline std::string_view view(berth_str text) {
    return {text.data, text.data == nullptr ? 0 : text.size};
}
inline std::string_view view(berth_bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data), bytes.data == nullptr ? 0 : bytes.size};
}
inline std::optional<std::string_view> given(berth_str text) {
    return text.data == nullptr ? std::nullopt : std::optional{view(text)};
}
inline std::optional<std::string_view> given(berth_bytes bytes) {
    return bytes.data == nullptr ? std::nullopt : std::optional{view(bytes)};
}
inline std::optional<std::int64_t> given(berth_opt_i64 number) {
    return number.present == 0 ? std::nullopt : std::optional{number.value};
}
inline std::optional<std::uint64_t> given(berth_opt_u64 number) {
    return number.present == 0 ? std::nullopt : std::optional{number.value};
}
inline std::optional<double> given(berth_opt_f64 number) {
    return number.present == 0 ? std::nullopt : std::optional{number.value};
}
inline std::optional<Duration> given_duration(berth_opt_i64 number) {
    return number.present == 0 ? std::nullopt : std::optional{Duration{number.value}};
}
inline std::optional<Time> given_time(berth_opt_i64 number) {
    return number.present == 0 ? std::nullopt : std::optional{Time{Duration{number.value}}};
}

}  // namespace detail
}  // namespace berth::inline sdk_v1

#endif

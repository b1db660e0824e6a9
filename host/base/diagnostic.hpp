// A diagnostic: the numbered kind of a failure. Each floor lists its own; docs/diagnostics.md explains every number.
// Knows the error codes of the contract and nothing else.
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::inline host_v1 {

/// The error codes a person may see; the numbers are those of the contract (sdk/include/berth/types.h).
enum class Code : std::int32_t {
    invalid_argument = 1,
    not_found = 2,
    snapshot_not_found = 3,
    template_not_found = 4,
    not_ready = 5,
    conflict = 6,
    unsupported = 7,
    timeout = 8,
    cancelled = 9,
    execution_failed = 10,
    file_not_found = 11,
    is_directory = 12,
    not_directory = 13,
    file_exists = 14,
    permission_denied = 15,
    path_escape = 16,
    resource_exhausted = 17,
    rate_limited = 18,
    auth_failed = 19,
    unavailable = 20,
    isolation_unavailable = 21,
    protocol_error = 22,
    internal = 23,
};

/// What may have happened on the backend. The default is the safe one: do not repeat.
enum class Outcome : std::int32_t { unknown = 0, none = 1, done = 2 };

/// "NOT_FOUND" and so on, as shown to people and in JSON.
[[nodiscard]] std::string_view name_of(Code code) noexcept;
[[nodiscard]] std::string_view name_of(Outcome outcome) noexcept;

/// One row of docs/diagnostics.md. Constants of this type live in each floor's diagnostics.hpp.
struct Diagnostic {
    std::string_view number;  ///< such as "BERTH-P-07"; never reused
    Code code;                ///< what a program should branch on
};

}  // namespace berth::inline host_v1

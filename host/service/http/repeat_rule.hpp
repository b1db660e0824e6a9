// Whether and when a request is sent once more. Pure: knows neither a clock nor a connection.
#pragma once

#include <optional>

#include "../http_transport.hpp"

namespace berth::inline host_v1 {

/// How often one request is sent at most.
inline constexpr unsigned most_attempts = 3;
/// A server that wants to be left alone for longer is left to the caller: waiting so long in silence helps nobody.
inline constexpr Milliseconds longest_silent_wait{20'000};

/// A status after which the same request may well succeed: 408, 429, 500, 502, 503, 504.
[[nodiscard]] bool is_passing(int status) noexcept;

/// What became of an attempt that was not the last word.
struct Attempt {
    unsigned number = 1;                      ///< 1 is the first
    std::optional<Milliseconds> retry_after;  ///< what its answer asked for
    double chance = 0;                        ///< 0 to 1, new for each attempt: spreads those who failed together
};

/// How long to wait before the next attempt: 400 to 800 ms, then twice that, and what the server asked for before it.
/// Absent: there is none.
[[nodiscard]] std::optional<Milliseconds> wait_before_next(const Attempt& attempt) noexcept;

}  // namespace berth::inline host_v1

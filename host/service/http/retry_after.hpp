// When an answer says that one should come again: seconds, dates, and vendors' own forms. Pure; hostile input.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "../http_transport.hpp"

namespace berth::inline host_v1 {

/// The longest that is believed: a day. What says more is cut to it.
inline constexpr Milliseconds longest_retry_after{std::chrono::hours{24}};

/// Of all headers that speak of it, the one that asks for the longest wait; absent when none does or none can be read.
/// `now` is the time of day.
[[nodiscard]] std::optional<Milliseconds> retry_after_of(const HttpHeaders& headers,
                                                         const std::vector<RetryAfterHeader>& also,
                                                         std::chrono::system_clock::time_point now);

}  // namespace berth::inline host_v1

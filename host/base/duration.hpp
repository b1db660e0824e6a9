// Durations and points in time as people write them: 200ms, 30s, 5m, 2h, 7d. Knows no configuration.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

using Milliseconds = std::chrono::milliseconds;

/// A number with a unit (ms, s, m, h, d), fractions allowed, or a bare 0. Absent when malformed, negative or beyond
/// a thousand years.
[[nodiscard]] std::optional<Milliseconds> parse_duration(std::string_view text);

/// The shortest exact form: "90s", "1500ms", "5m", "0".
[[nodiscard]] std::string duration_text(Milliseconds duration);

/// "2026-11-23T06:13:03.120Z".
[[nodiscard]] std::string timestamp_text(std::chrono::sys_time<Milliseconds> moment);

/// RFC 3339 with Z or an offset, or Unix seconds ("1790000000", "1790000000.25"). Absent when malformed.
[[nodiscard]] std::optional<std::chrono::sys_time<Milliseconds>> parse_timestamp(std::string_view text);

}  // namespace berth::inline host_v1

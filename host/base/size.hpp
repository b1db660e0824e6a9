// Amounts of memory and disk as people write them: 512MiB, 2GiB, 16777216. Knows no configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

/// Bytes: a whole number, bare or with B, KiB, MiB, GiB, TiB (also K, M, G, T, meaning the same). Absent when malformed
/// or too large.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact form: "16MiB", "1500B".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// For people, rounded: "1.4 GiB".
[[nodiscard]] std::string approximate_size_text(std::uint64_t bytes);

}  // namespace berth::inline host_v1

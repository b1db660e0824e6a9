// Checks of single fields that many requests share; each failure names the field, what was found and what is expected.
// No message repeats a value that may be secret. Knows no request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "../provider/values.hpp"

namespace berth::inline host_v1 {

/// BERTH-E-04 for a field: "`name` is longer than 128 bytes", "Expected ...".
[[nodiscard]] Error bad_field(std::string_view field, std::string_view found, std::string_view expected);

/// UTF-8 without control characters, at most `longest` bytes.
void check_label(std::string_view field, std::string_view text, std::size_t longest);
/// Bytes without NUL.
void check_bytes(std::string_view field, std::string_view bytes);
/// A path: bytes without NUL, not empty, short enough for the kernel.
void check_path(std::string_view field, std::string_view path);
/// 0 or more, and not beyond a hundred years: 0 says "none".
void check_duration(std::string_view field, std::optional<Milliseconds> duration);
/// 0 or more, and a number.
void check_percent(std::string_view field, std::optional<double> percent);
/// Not so much that it cannot be counted in bytes.
void check_mebibytes(std::string_view field, std::optional<std::uint64_t> amount);
/// Names, values without NUL, and 128 KiB together (BERTH-E-06).
void check_variables(std::string_view field, const Variables& variables);
/// 1 to `longest` of [A-Za-z0-9._-].
[[nodiscard]] bool is_plain_name(std::string_view text, std::size_t longest) noexcept;

}  // namespace berth::inline host_v1

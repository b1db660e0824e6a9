// Small questions about text and bytes: nearest name, UTF-8, printing what may be hostile. Knows no error.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

/// The known name nearest to `word` when it is near enough to be meant (edit distance at most a third of its length).
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string> known);

/// True for well-formed UTF-8 without surrogates or overlong forms.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

/// How many bytes at the start of `bytes` belong to a character that was cut before it: 0..3. For dropping the oldest
/// part of an output without splitting a character.
[[nodiscard]] std::size_t broken_utf8_prefix(std::string_view bytes) noexcept;

/// How many bytes at the end belong to a character that is not complete: 0..3.
[[nodiscard]] std::size_t broken_utf8_suffix(std::string_view bytes) noexcept;

/// Fit for a terminal: control characters and bytes that are not UTF-8 become \xNN; newlines become \n.
[[nodiscard]] std::string printable(std::string_view bytes);

/// printable() in double quotes.
[[nodiscard]] std::string quoted(std::string_view bytes);
/// The same; without these two, argument-dependent lookup prefers std::quoted for a std::string.
[[nodiscard]] inline std::string quoted(const std::string& bytes) {
    return quoted(std::string_view(bytes));
}
[[nodiscard]] inline std::string quoted(std::string& bytes) {
    return quoted(std::string_view(bytes));
}

/// "a, b and c"; "none" when there is nothing.
[[nodiscard]] std::string listed(std::span<const std::string> names);

/// Standard base64 with padding, for bytes in JSON.
[[nodiscard]] std::string base64(std::string_view bytes);

/// [a-z][a-z0-9_-]{0,31}: names of plugins and providers.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

/// "sha256:" with 64 digits 0-9 a-f behind it: what a file holds, as one name.
[[nodiscard]] bool is_content_hash(std::string_view text) noexcept;

/// [A-Za-z_][A-Za-z0-9_]*: names of environment variables.
[[nodiscard]] bool is_variable_name(std::string_view text) noexcept;

}  // namespace berth::inline host_v1

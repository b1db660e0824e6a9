// Small things about text: what is UTF-8, base64 both ways, words for a shell. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth_cloud {

[[nodiscard]] bool is_utf8(std::string_view bytes);

[[nodiscard]] std::string base64(std::string_view bytes);

// Base64 that comes in pieces cut anywhere, several encodings one after the other, with line breaks between.
class Base64Decoder {
public:
    // Appends what `text` decodes to. False when a character is none of base64's; then nothing more can be trusted.
    [[nodiscard]] bool take(std::string_view text, std::string& to);
    // True when nothing half is held.
    [[nodiscard]] bool is_complete() const { return count_ == 0; }

private:
    std::uint32_t bits_ = 0;
    int count_ = 0;    // characters of the current four
    int padding_ = 0;  // of them '='
};

// `bytes` as one word of a POSIX shell, whatever they are but NUL. Bytes that are no UTF-8 would not survive JSON: they
// are written as octal escapes.
[[nodiscard]] std::string shell_word(std::string_view bytes);

// The same for a script that is a file, where all bytes stand as they are.
[[nodiscard]] std::string quoted_word(std::string_view bytes);

// Milliseconds as "1.500", for sleep.
[[nodiscard]] std::string seconds(std::int64_t milliseconds);

// Two independent 64-bit hashes of `text` as 32 hexadecimal digits: equal texts give equal names, others do not.
[[nodiscard]] std::string digest(std::string_view text);

// "2026-01-02T03:04:05.678Z" as milliseconds; absent when it is no such time.
[[nodiscard]] std::optional<std::int64_t> read_time(std::string_view text);

// 32 hexadecimal digits nobody can guess.
[[nodiscard]] std::string random_token();

// `path` against `base` when it is relative, without ".", ".." and double slashes. Throws Code::path_escape when it
// leads above the root.
[[nodiscard]] std::string absolute_path(std::string_view path, std::string_view base);

}  // namespace berth_cloud

#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace berth::inline host_v1 {

namespace {

std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t column = 0; column < row.size(); ++column)
        row[column] = column;
    for (std::size_t line = 1; line <= left.size(); ++line) {
        std::size_t diagonal = row[0];
        row[0] = line;
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const std::size_t change = diagonal + (left[line - 1] == right[column - 1] ? 0 : 1);
            diagonal = row[column];
            row[column] = std::min({row[column] + 1, row[column - 1] + 1, change});
        }
    }
    return row.back();
}

unsigned char byte_at(std::string_view bytes, std::size_t index) noexcept {
    return static_cast<unsigned char>(bytes[index]);
}

bool is_continuation(std::string_view bytes, std::size_t index) noexcept {
    return (byte_at(bytes, index) & 0xC0U) == 0x80U;
}

std::size_t sequence_length(unsigned char lead) noexcept {
    if (lead < 0x80U) return 1;
    if (lead >= 0xC2U && lead <= 0xDFU) return 2;
    if (lead >= 0xE0U && lead <= 0xEFU) return 3;
    if (lead >= 0xF0U && lead <= 0xF4U) return 4;
    return 0;
}

/// Length of the well-formed character at `index`, or 0.
std::size_t character_at(std::string_view bytes, std::size_t index) noexcept {
    const auto lead = byte_at(bytes, index);
    const auto length = sequence_length(lead);
    if (length == 0 || index + length > bytes.size()) return 0;
    for (std::size_t offset = 1; offset < length; ++offset) {
        if (!is_continuation(bytes, index + offset)) return 0;
    }
    if (length > 1) {
        const auto second = byte_at(bytes, index + 1);
        if ((lead == 0xE0U && second < 0xA0U) || (lead == 0xEDU && second > 0x9FU)) return 0;
        if ((lead == 0xF0U && second < 0x90U) || (lead == 0xF4U && second > 0x8FU)) return 0;
    }
    return length;
}

bool is_letter(char character) noexcept {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool is_digit(char character) noexcept {
    return character >= '0' && character <= '9';
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string> known) {
    if (word.size() > 128) return std::nullopt;
    std::optional<std::string> best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& name : known) {
        const auto distance = edit_distance(word, name);
        if (distance < best_distance && distance < std::max(word.size(), name.size())) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}

bool is_utf8(std::string_view bytes) noexcept {
    for (std::size_t index = 0; index < bytes.size();) {
        // Plain letters, which most text is made of, eight at a time.
        std::uint64_t eight = 0;
        if (index + sizeof eight <= bytes.size()) {
            std::memcpy(&eight, bytes.data() + index, sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                index += sizeof eight;
                continue;
            }
        }
        const auto length = character_at(bytes, index);
        if (length == 0) return false;
        index += length;
    }
    return true;
}

std::size_t broken_utf8_prefix(std::string_view bytes) noexcept {
    std::size_t count = 0;
    while (count < bytes.size() && count < 3 && is_continuation(bytes, count))
        ++count;
    return count;
}

std::size_t broken_utf8_suffix(std::string_view bytes) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
        const auto index = bytes.size() - back;
        if (is_continuation(bytes, index)) continue;
        return sequence_length(byte_at(bytes, index)) > back ? back : 0;
    }
    return 0;
}

std::string printable(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t index = 0; index < bytes.size();) {
        const auto length = character_at(bytes, index);
        const auto byte = byte_at(bytes, index);
        // C1 controls (U+0080..U+009F) drive terminals just as C0 does.
        const bool control =
            byte < 0x20U || byte == 0x7FU || (length == 2 && byte == 0xC2U && byte_at(bytes, index + 1) < 0xA0U);
        if (length != 0 && !control) {
            text.append(bytes.substr(index, length));
            index += length;
            continue;
        }
        if (byte == '\n') {
            text += "\\n";
        } else if (byte == '\t') {
            text += "\\t";
        } else {
            text += "\\x";
            text += digits[byte >> 4U];
            text += digits[byte & 15U];
        }
        ++index;
    }
    return text;
}

std::string quoted(std::string_view bytes) {
    return "\"" + printable(bytes) + "\"";
}

std::string listed(std::span<const std::string> names) {
    if (names.empty()) return "none";
    std::string text = names.front();
    for (std::size_t index = 1; index < names.size(); ++index) {
        text += index + 1 == names.size() ? " and " : ", ";
        text += names[index];
    }
    return text;
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t index = 0; index < bytes.size(); index += 3) {
        const auto left = bytes.size() - index;
        const std::uint32_t group = (std::uint32_t{byte_at(bytes, index)} << 16U) |
                                    (left > 1 ? std::uint32_t{byte_at(bytes, index + 1)} << 8U : 0U) |
                                    (left > 2 ? std::uint32_t{byte_at(bytes, index + 2)} : 0U);
        text += alphabet[group >> 18U];
        text += alphabet[(group >> 12U) & 63U];
        text += left > 1 ? alphabet[(group >> 6U) & 63U] : '=';
        text += left > 2 ? alphabet[group & 63U] : '=';
    }
    return text;
}

bool is_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 32 || text.front() < 'a' || text.front() > 'z') return false;
    return std::all_of(text.begin(), text.end(), [](char character) {
        return (character >= 'a' && character <= 'z') || is_digit(character) || character == '_' || character == '-';
    });
}

bool is_variable_name(std::string_view text) noexcept {
    if (text.empty() || is_digit(text.front())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char character) { return is_letter(character) || is_digit(character) || character == '_'; });
}

bool is_content_hash(std::string_view text) noexcept {
    static constexpr std::string_view prefix = "sha256:";
    return text.starts_with(prefix) && text.size() == prefix.size() + 64 &&
           text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

}  // namespace berth::inline host_v1

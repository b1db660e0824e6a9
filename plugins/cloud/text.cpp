#include "text.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <berth/error.hpp>
#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

namespace berth_cloud {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t n = 0; n < alphabet.size(); ++n)
        values[static_cast<unsigned char>(alphabet[n])] = static_cast<std::int8_t>(n);
    return values;
}

// Sixteen characters, and as four groups of four.
using Characters = std::int8_t __attribute__((vector_size(16)));
using Groups = std::uint32_t __attribute__((vector_size(16)));

/// Twelve bytes of sixteen characters, side by side; one byte behind them is touched. False: one of them is none of base64's.
bool decode_sixteen(const char* from, char* to) {
    Characters text;
    std::memcpy(&text, from, sizeof text);
    const Characters upper = (text >= 'A') & (text <= 'Z');
    const Characters lower = (text >= 'a') & (text <= 'z');
    const Characters digit = (text >= '0') & (text <= '9');
    const Characters plus = text == '+';
    const Characters slash = text == '/';
    std::array<std::uint64_t, 2> known;
    const Characters any = upper | lower | digit | plus | slash;
    std::memcpy(known.data(), &any, sizeof any);
    if ((known[0] & known[1]) != ~std::uint64_t{0}) return false;
    text += (upper & -'A') + (lower & (26 - 'a')) + (digit & (52 - '0')) + (plus & (62 - '+')) + (slash & (63 - '/'));
    Groups four;
    std::memcpy(&four, &text, sizeof four);
    // 00dddddd 00cccccc 00bbbbbb 00aaaaaa, and what they make: 00000000 ccdddddd bbbbcccc aaaaaabb.
    four = (four << 2 & 0xfcU) | (four >> 12 & 0x03U) | (four << 4 & 0xf000U) | (four >> 10 & 0x0f00U) |
           (four << 6 & 0xc00000U) | (four >> 8 & 0x3f0000U);
    for (int n = 0; n < 4; ++n) {
        const std::uint32_t three = four[n];
        std::memcpy(to + std::ptrdiff_t{3} * n, &three, sizeof three);
    }
    return true;
}

// As the program base64 writes them.
constexpr std::size_t usual_line = 76;
constexpr std::size_t usual_line_bytes = 57;

/// The line at the start of `text`, where it is one of base64's whole ones; else false. `to` has room for all of `text`.
bool decode_usual_line(std::string_view text, char* to) {
    if (std::endian::native != std::endian::little) return false;
    if (text.size() <= usual_line || text[usual_line] != '\n') return false;
    const char* const from = text.data();
    // The last sixteen overlap those before them, which makes the same bytes again.
    return decode_sixteen(from, to) && decode_sixteen(from + 16, to + 12) && decode_sixteen(from + 32, to + 24) &&
           decode_sixteen(from + 48, to + 36) && decode_sixteen(from + 60, to + 45);
}

/// How many bytes the UTF-8 character at the start of `bytes` has; 0 when it is none.
std::size_t character(std::string_view bytes) {
    const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(bytes[n]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || bytes.size() < size) return 0;
    for (std::size_t n = 1; n < size; ++n)
        if ((byte(n) & 0xc0U) != 0x80) return 0;
    const unsigned second = byte(1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
    return size;
}

std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

std::string hexadecimal(std::uint64_t value) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
    return text.data();
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        if (bytes.size() >= sizeof(std::uint64_t)) {  // eight of ASCII, as nearly all are
            std::uint64_t eight = 0;
            std::memcpy(&eight, bytes.data(), sizeof eight);
            if ((eight & 0x8080808080808080ULL) == 0) {
                bytes.remove_prefix(sizeof eight);
                continue;
            }
        }
        const std::size_t size = character(bytes);
        if (size == 0) return false;
        bytes.remove_prefix(size);
    }
    return true;
}

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t n = 0; n < 3; ++n)
            bits = bits << 8U | (at + n < bytes.size() ? static_cast<unsigned char>(bytes[at + n]) : 0U);
        for (std::size_t n = 0; n < 4; ++n)
            text += at + n <= bytes.size() ? alphabet[bits >> (18 - 6 * n) & 63U] : '=';
    }
    return text;
}

bool Base64Decoder::take(std::string_view text, std::string& to) {
    static const std::array<std::int8_t, 256> values = make_values();
    const auto value_of = [&](std::size_t at) { return int{values[static_cast<unsigned char>(text[at])]}; };
    std::size_t size = to.size();
    to.resize(size + text.size() / 4 * 3 + 3);
    bool is_right = true;
    for (std::size_t at = 0; at < text.size() && is_right;) {
        if (count_ == 0 && decode_usual_line(text.substr(at), &to[size])) {
            at += usual_line;
            size += usual_line_bytes;
            continue;
        }
        if (count_ == 0 && text.size() - at >= 4) {  // a whole four without an end in it, as nearly all are
            const int values_of_four[] = {value_of(at), value_of(at + 1), value_of(at + 2), value_of(at + 3)};
            if ((values_of_four[0] | values_of_four[1] | values_of_four[2] | values_of_four[3]) >= 0) {
                to[size++] = static_cast<char>(values_of_four[0] << 2 | values_of_four[1] >> 4);
                to[size++] = static_cast<char>(values_of_four[1] << 4 | values_of_four[2] >> 2);
                to[size++] = static_cast<char>(values_of_four[2] << 6 | values_of_four[3]);
                at += 4;
                continue;
            }
        }
        const char c = text[at];
        const int value = c == '=' ? 0 : value_of(at);
        ++at;
        if (c == '\n' || c == '\r') continue;
        is_right = value >= 0 && (c == '=' || padding_ == 0);
        if (c == '=' && (++padding_ > 2 || count_ < 2)) is_right = false;
        bits_ = bits_ << 6U | static_cast<std::uint32_t>(value);
        if (++count_ < 4 || !is_right) continue;
        for (int n = 0; n < 3 - padding_; ++n)
            to[size++] = static_cast<char>(bits_ >> (16 - 8 * n) & 0xffU);
        bits_ = 0;
        count_ = padding_ = 0;
    }
    to.resize(size);
    return is_right;
}

std::string shell_word(std::string_view bytes) {
    if (!is_utf8(bytes)) {
        const std::size_t end = bytes.find_last_not_of('\n') + 1;  // a substitution loses what follows
        std::string escaped = "\"$(printf %b '";
        for (const char c : bytes.substr(0, end)) {
            std::array<char, 8> octal{};
            std::snprintf(octal.data(), octal.size(), "\\0%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
            escaped += octal.data();
        }
        return escaped + "')" + std::string{bytes.substr(end)} + "\"";
    }
    return quoted_word(bytes);
}

std::string quoted_word(std::string_view bytes) {
    std::string word = "'";
    for (std::size_t at = 0; at <= bytes.size();) {
        const std::size_t quote = std::min(bytes.find('\'', at), bytes.size());
        word.append(bytes.substr(at, quote - at)).append(quote < bytes.size() ? "'\\''" : "'");
        at = quote + 1;
    }
    return word;
}

std::string seconds(std::int64_t milliseconds) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(milliseconds / 1000),
                  static_cast<long long>(milliseconds % 1000));
    return text.data();
}

std::string digest(std::string_view text) {
    std::uint64_t first = 0xcbf29ce484222325ULL;
    std::uint64_t second = 0x9e3779b97f4a7c15ULL;
    for (const char c : text) {
        first = (first ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
        second = mixed(second + static_cast<unsigned char>(c) + 0x9e3779b97f4a7c15ULL);
    }
    return hexadecimal(mixed(first)) + hexadecimal(mixed(second ^ text.size()));
}

std::optional<std::int64_t> read_time(std::string_view text) {
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";
    if (text.size() <= form.size() || text.back() != 'Z') return std::nullopt;
    std::array<int, 6> numbers{};
    std::size_t field = 0;
    for (std::size_t n = 0; n < form.size(); ++n) {
        const bool is_digit = text[n] >= '0' && text[n] <= '9';
        if (form[n] == 'd' ? !is_digit : text[n] != form[n]) return std::nullopt;
        if (is_digit)
            numbers[field] = numbers[field] * 10 + (text[n] - '0');
        else
            ++field;
    }
    std::int64_t milliseconds = 0;
    std::int64_t unit = 100;
    for (const char c : text.substr(form.size() + 1, text.size() - form.size() - 2)) {
        if (c < '0' || c > '9') return std::nullopt;
        milliseconds += (c - '0') * unit;
        unit /= 10;
    }
    std::tm parts{};
    parts.tm_year = numbers[0] - 1900;
    parts.tm_mon = numbers[1] - 1;
    parts.tm_mday = numbers[2];
    parts.tm_hour = numbers[3];
    parts.tm_min = numbers[4];
    parts.tm_sec = numbers[5];
    return static_cast<std::int64_t>(::timegm(&parts)) * 1000 + milliseconds;
}

std::string random_token() {
    std::array<std::uint64_t, 2> random{};
    if (::getrandom(random.data(), sizeof random, 0) != static_cast<ssize_t>(sizeof random))
        throw berth::Error(berth::Code::internal, "the system gives no random bytes");
    return hexadecimal(random[0]) + hexadecimal(random[1]);
}

std::string absolute_path(std::string_view path, std::string_view base) {
    const std::string whole =
        path.empty() || path.front() != '/' ? std::string{base} + "/" + std::string{path} : std::string{path};
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < whole.size();) {
        const std::size_t end = std::min(whole.find('/', at), whole.size());
        const std::string_view part = std::string_view{whole}.substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
        } else if (parts.empty()) {
            throw berth::Error(berth::Code::path_escape, "the path leads above the root")
                .path(path)
                .outcome(berth::Outcome::none);
        } else {
            parts.pop_back();
        }
    }
    std::string clean;
    for (const std::string_view part : parts)
        (clean += '/') += part;
    return clean.empty() ? "/" : clean;
}

}  // namespace berth_cloud

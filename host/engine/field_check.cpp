#include "field_check.hpp"

#include <algorithm>
#include <cmath>

#include "../base/size.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t longest_path = 4095;
constexpr std::size_t most_variable_bytes = std::size_t{128} << 10U;
constexpr std::uint64_t most_mebibytes = std::uint64_t{1} << 43U;
// In nanoseconds on a steady clock this still fits.
constexpr Milliseconds longest_duration = std::chrono::hours{24} * 36'525;

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20U || byte == 0x7FU;
    });
}

bool is_plain(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_' || character == '-';
}

}  // namespace

Error bad_field(std::string_view field, std::string_view found, std::string_view expected) {
    return {engine_diagnostics::bad_field, "`" + std::string(field) + "` " + std::string(found),
            "Expected " + std::string(expected)};
}

void check_label(std::string_view field, std::string_view text, std::size_t longest) {
    const auto expected = "at most " + std::to_string(longest) + " bytes of UTF-8 without control characters";
    if (text.size() > longest) throw bad_field(field, "is " + std::to_string(text.size()) + " bytes long", expected);
    if (!is_utf8(text)) throw bad_field(field, "is not UTF-8", expected);
    if (has_control(text)) throw bad_field(field, "holds a control character", expected);
}

void check_bytes(std::string_view field, std::string_view bytes) {
    if (bytes.find('\0') != std::string_view::npos) throw bad_field(field, "holds a NUL byte", "bytes without NUL");
}

void check_path(std::string_view field, std::string_view path) {
    if (path.empty()) throw bad_field(field, "is empty", "a path");
    check_bytes(field, path);
    if (path.size() > longest_path) {
        throw bad_field(field, "is " + std::to_string(path.size()) + " bytes long",
                        "a path of at most " + std::to_string(longest_path) + " bytes");
    }
}

void check_duration(std::string_view field, std::optional<Milliseconds> duration) {
    if (!duration) return;
    if (*duration < Milliseconds{0}) throw bad_field(field, "is negative", "0 (none) or more");
    if (*duration > longest_duration) throw bad_field(field, "is longer than a hundred years", "0 when it has no end");
}

void check_percent(std::string_view field, std::optional<double> percent) {
    if (!percent) return;
    if (!std::isfinite(*percent)) throw bad_field(field, "is not a finite number", "percent of one core, 0 for none");
    if (*percent < 0) throw bad_field(field, "is negative", "percent of one core, 0 for none");
}

void check_mebibytes(std::string_view field, std::optional<std::uint64_t> amount) {
    if (amount && *amount > most_mebibytes) throw bad_field(field, "is beyond all memory", "MiB, 0 for none");
}

void check_variables(std::string_view field, const Variables& variables) {
    std::size_t total = 0;
    for (const auto& [name, value] : variables) {
        if (!is_variable_name(name)) {
            throw bad_field(field, "has the name " + quoted(name.substr(0, 64)),
                            "names of letters, digits and _, not beginning with a digit");
        }
        if (value.find('\0') != std::string::npos)
            throw bad_field(field, "has a NUL byte in the value of " + name, "values without NUL");
        total += name.size() + value.size() + 2;
    }
    if (total > most_variable_bytes) {
        throw Error(engine_diagnostics::field_too_large,
                    "`" + std::string(field) + "` is " + approximate_size_text(total) + " together",
                    "Keep variables within " + size_text(most_variable_bytes) + ", and put more into a file");
    }
}

bool is_plain_name(std::string_view text, std::size_t longest) noexcept {
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), is_plain);
}

}  // namespace berth::inline host_v1

#include "yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace berth::inline host_v1 {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) noexcept {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool all_digits(std::string_view text, int base) noexcept {
    if (text.empty()) return false;
    return std::all_of(text.begin(), text.end(), [base](char character) {
        if (base == 8) return character >= '0' && character <= '7';
        const bool decimal = character >= '0' && character <= '9';
        return decimal ||
               (base == 16 && ((character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F')));
    });
}

ScalarMeaning refused(std::string problem) {
    return ScalarMeaning{nullptr, std::move(problem)};
}

ScalarMeaning whole_number(std::string_view digits, int base) {
    std::int64_t number = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (result.ec != std::errc{}) return refused("this number does not fit into 64 bits");
    return ScalarMeaning{number, {}};
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_fraction(std::string_view text) noexcept {
    std::size_t index = 0;
    const auto digits = [&text, &index] {
        const auto start = index;
        while (index < text.size() && text[index] >= '0' && text[index] <= '9')
            ++index;
        return index - start;
    };
    const auto take = [&text, &index](std::string_view any) {
        if (index >= text.size() || any.find(text[index]) == std::string_view::npos) return false;
        ++index;
        return true;
    };
    take("+-");
    const auto before = digits();
    const auto after = take(".") ? digits() : 0;
    if (before + after == 0) return false;
    if (take("eE")) {
        take("+-");
        if (digits() == 0) return false;
    }
    return index == text.size();
}

ScalarMeaning fraction(std::string_view text) {
    if (text.front() == '+') text.remove_prefix(1);
    double number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc{} || !std::isfinite(number)) return refused("this number is too large or too small");
    return ScalarMeaning{number, {}};
}

std::optional<ScalarMeaning> number_of(std::string_view text) {
    if (is_one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN",
                         ".NAN"})) {
        return refused("infinity and not-a-number are no values of a configuration");
    }
    if (text.substr(0, 2) == "0x" && all_digits(text.substr(2), 16)) return whole_number(text.substr(2), 16);
    if (text.substr(0, 2) == "0o" && all_digits(text.substr(2), 8)) return whole_number(text.substr(2), 8);
    const bool has_sign = text.front() == '-' || text.front() == '+';
    const auto digits = text.substr(has_sign ? 1 : 0);
    if (all_digits(digits, 10)) {
        if (digits.size() > 1 && digits.front() == '0') {
            return refused("a number that starts with 0 is octal for some readers of YAML and decimal for others");
        }
        return whole_number(text.front() == '+' ? digits : text, 10);
    }
    if (is_fraction(text)) return fraction(text);
    return std::nullopt;
}

}  // namespace

ScalarMeaning meaning_of(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::null) return ScalarMeaning{nullptr, {}};
    if (node.kind == YamlNode::Kind::quoted || node.text.empty()) return ScalarMeaning{node.text, {}};
    if (is_one_of(node.text, {"true", "True", "TRUE"})) return ScalarMeaning{true, {}};
    if (is_one_of(node.text, {"false", "False", "FALSE"})) return ScalarMeaning{false, {}};
    if (auto number = number_of(node.text)) return *std::move(number);
    return ScalarMeaning{node.text, {}};
}

std::string found_kind(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::null:
            return "nothing";
        case YamlNode::Kind::list:
            return "a list";
        case YamlNode::Kind::map:
            return "a map";
        case YamlNode::Kind::plain:
        case YamlNode::Kind::quoted:
            break;
    }
    const auto meaning = meaning_of(node);
    if (meaning.value.is_number()) return "a number";
    if (meaning.value.is_boolean()) return "true or false";
    return "text";
}

std::string found_text(const YamlNode& node) {
    constexpr std::size_t most_bytes = 40;
    if (node.kind != YamlNode::Kind::plain && node.kind != YamlNode::Kind::quoted) return found_kind(node);
    std::string_view text = node.text;
    if (text.size() > most_bytes) {
        text = text.substr(0, most_bytes);
        text.remove_suffix(broken_utf8_suffix(text));
        return "the text " + berth::quoted(text) + "...";
    }
    const auto meaning = meaning_of(node);
    if (meaning.value.is_number()) return "the number " + std::string(text);
    if (meaning.value.is_boolean()) return std::string(text);
    return "the text " + berth::quoted(text);
}

}  // namespace berth::inline host_v1

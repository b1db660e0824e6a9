#include "strict_json.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../base/text.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

/// Watches the parser: remembers the keys of every object that is open.
class Watcher {
public:
    explicit Watcher(std::size_t max_depth) : max_depth_(max_depth) {}

    bool operator()(int depth, json::parse_event_t event, const json& value) {
        switch (event) {
            case json::parse_event_t::object_start:
                refuse_depth(depth);
                open_.emplace_back();
                break;
            case json::parse_event_t::object_end:
                open_.pop_back();
                break;
            case json::parse_event_t::array_start:
                refuse_depth(depth);
                break;
            case json::parse_event_t::key:
                add_key(value.get_ref<const std::string&>());
                break;
            default:
                break;
        }
        return true;
    }

private:
    void refuse_depth(int depth) const {
        if (static_cast<std::size_t>(depth) >= max_depth_) {
            throw JsonProblem("it is nested deeper than " + std::to_string(max_depth_) + " levels");
        }
    }

    void add_key(const std::string& key) {
        if (!open_.back().insert(key).second)
            throw JsonProblem("the key " + quoted(key) + " stands twice in one object");
    }

    std::size_t max_depth_;
    std::vector<std::set<std::string>> open_;
};

/// Reads what nearly every manifest is, several times as fast as a parser that can read everything and say what is wrong
/// with it: objects, lists, printable ASCII texts without escapes, whole numbers, true, false and null. It gives up
/// at anything else, such as a key that stands twice, and then that parser decides.
class PlainReader {
public:
    PlainReader(std::string_view text, std::size_t max_depth) : rest_(text), max_depth_(max_depth) {}

    std::optional<json> read() {
        json value;
        if (!read_value(value, 0)) return std::nullopt;
        skip_space();
        if (!rest_.empty()) return std::nullopt;
        return value;
    }

private:
    static constexpr bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

    static constexpr bool is_space(char character) noexcept {
        return character == ' ' || character == '\n' || character == '\r' || character == '\t';
    }

    void skip_space() noexcept {
        while (!rest_.empty() && is_space(rest_.front()))
            rest_.remove_prefix(1);
    }

    /// Behind space.
    bool skip(char expected) noexcept {
        skip_space();
        if (rest_.empty() || rest_.front() != expected) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool read_value(json& value, std::size_t depth) {
        skip_space();
        if (rest_.empty()) return false;
        switch (rest_.front()) {
            case '{':
                return read_object(value, depth);
            case '[':
                return read_array(value, depth);
            case '"':
                return read_text(value);
            case 't':
                return read_word("true", json(true), value);
            case 'f':
                return read_word("false", json(false), value);
            case 'n':
                return read_word("null", json(), value);
            default:
                return read_number(value);
        }
    }

    bool read_object(json& value, std::size_t depth) {
        if (depth >= max_depth_) return false;
        rest_.remove_prefix(1);
        value = json::object();
        if (skip('}')) return true;
        auto& members = value.get_ref<json::object_t&>();
        do {
            skip_space();
            const auto key = take_text();
            if (!key || !skip(':')) return false;
            const auto [member, is_new] = members.emplace(*key, nullptr);
            if (!is_new || !read_value(member->second, depth + 1)) return false;
        } while (skip(','));
        return skip('}');
    }

    bool read_array(json& value, std::size_t depth) {
        if (depth >= max_depth_) return false;
        rest_.remove_prefix(1);
        value = json::array();
        if (skip(']')) return true;
        auto& items = value.get_ref<json::array_t&>();
        do {
            if (!read_value(items.emplace_back(), depth + 1)) return false;
        } while (skip(','));
        return skip(']');
    }

    /// What stands in quotes.
    std::optional<std::string_view> take_text() noexcept {
        if (rest_.empty() || rest_.front() != '"') return std::nullopt;
        std::size_t end = 1;
        for (; end < rest_.size() && rest_[end] != '"'; ++end) {
            if (rest_[end] < ' ' || rest_[end] > '~' || rest_[end] == '\\') return std::nullopt;
        }
        if (end == rest_.size()) return std::nullopt;
        const auto text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return text;
    }

    bool read_text(json& value) {
        const auto text = take_text();
        if (text) value = *text;
        return text.has_value();
    }

    bool read_word(std::string_view word, json meaning, json& value) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        value = std::move(meaning);
        return true;
    }

    bool read_number(json& value) {
        constexpr std::size_t most_digits = 18;
        std::uint64_t number = 0;
        std::size_t digits = 0;
        for (; digits < rest_.size() && is_digit(rest_[digits]); ++digits) {
            if (digits == most_digits) return false;
            number = number * 10 + static_cast<std::uint64_t>(rest_[digits] - '0');
        }
        const bool leads_with_zero = digits > 1 && rest_.front() == '0';
        if (digits == 0 || leads_with_zero) return false;
        rest_.remove_prefix(digits);
        value = number;
        return rest_.empty() || std::string_view(".eE").find(rest_.front()) == std::string_view::npos;
    }

    std::string_view rest_;
    std::size_t max_depth_;
};

/// The parser's own sentence without its number and without the bytes it read last.
std::string reason_of(const json::parse_error& failure) {
    std::string_view text = failure.what();
    if (const auto end = text.find("] "); end != std::string_view::npos) text.remove_prefix(end + 2);
    if (const auto end = text.find("; last read"); end != std::string_view::npos) text = text.substr(0, end);
    return std::string(text);
}

}  // namespace

nlohmann::json parse_strict_json(std::string_view text, std::size_t max_depth) {
    // The parser takes a NUL for the end and would not look at what comes behind it.
    if (text.find('\0') != std::string_view::npos) throw JsonProblem("there is a NUL byte in it");
    if (auto plain = PlainReader(text, max_depth).read()) return *std::move(plain);
    Watcher watcher(max_depth);
    try {
        return json::parse(
            text, [&](int depth, json::parse_event_t event, json& value) { return watcher(depth, event, value); });
    } catch (const json::parse_error& failure) {
        throw JsonProblem(reason_of(failure));
    } catch (const json::exception&) {
        throw JsonProblem("a number in it is too large");
    }
}

}  // namespace berth::inline host_v1

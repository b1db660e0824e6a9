#include "strict_json.hpp"

#include <set>
#include <string>
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

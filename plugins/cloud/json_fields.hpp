// Fields of a JSON object that somebody else wrote: missing, of another type, or too large is absent, never a crash.
#pragma once

#include <berth/error.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace berth_cloud {

using Json = nlohmann::json;

[[nodiscard]] inline const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[nodiscard]] inline std::optional<std::string> text_in(const Json& object, const char* name) {
    const Json* value = member(object, name);
    return value != nullptr && value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt;
}

// Whole numbers also when they are written as 1.0; others, and those no clock or disk has, are absent.
[[nodiscard]] inline std::optional<std::int64_t> integer_in(const Json& object, const char* name) {
    const Json* value = member(object, name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->get<double>();
    if (!std::isfinite(number) || std::fabs(number) > 9e15) return std::nullopt;
    return value->is_number_float() ? static_cast<std::int64_t>(number) : value->get<std::int64_t>();
}

[[nodiscard]] inline bool flag_in(const Json& object, const char* name) {
    const Json* value = member(object, name);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

// The members of an object that are texts.
[[nodiscard]] inline std::map<std::string, std::string> texts_in(const Json& object) {
    std::map<std::string, std::string> texts;
    if (!object.is_object()) return texts;
    for (const auto& [name, value] : object.items())
        if (value.is_string()) texts[name] = value.get<std::string>();
    return texts;
}

// What an answer must have: without it the backend has broken its protocol.
template <class T>
[[nodiscard]] T required(std::optional<T> value, const char* what) {
    if (!value)
        throw berth::Error(berth::Code::protocol_error, std::string("the backend's answer lacks ") + what)
            .hint("is api_url the address of the backend's API?");
    return *std::move(value);
}

// How many pages of a list are read, and how many entries: a list without an end is none.
constexpr std::size_t most_pages = 1'000;

// A directory in the sandbox, as the backend names it.
[[nodiscard]] inline std::optional<std::string> directory_in(const Json& object, const char* name) {
    auto path = text_in(object, name);
    const bool is_one =
        path && !path->empty() && path->front() == '/' && path->size() <= 4096 && path->find('\0') == std::string::npos;
    return is_one ? std::move(path) : std::nullopt;
}

// What the backend calls a thing of its own: a word without spaces or control characters, of no absurd length. Anything else
// was never meant as an id, and would be shown to people and sent back as one.
[[nodiscard]] inline std::string required_id(const Json& object, const char* name) {
    std::string id = required(text_in(object, name), name);
    bool is_word = !id.empty() && id.size() <= 256 && id != "." && id != "..";
    for (const char c : id)
        is_word = is_word && c > ' ' && c < '\x7f' && c != '/' && c != '\\';
    if (!is_word)
        throw berth::Error(berth::Code::protocol_error,
                           std::string("the backend's answer has something that is no id as ") + name);
    return id;
}

// Whether brackets are nested deeper than any answer is. Each level costs memory many times its byte.
[[nodiscard]] inline bool is_too_deep(std::string_view text) {
    constexpr int deepest = 64;
    int depth = 0;
    bool in_text = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_text) {
            if (c == '\\') ++at;
            if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

// Not JSON, or none that an answer would be: discarded, which has no member.
[[nodiscard]] inline Json parse_json(std::string_view text) {
    if (is_too_deep(text)) return Json(Json::value_t::discarded);
    return Json::parse(text.begin(), text.end(), nullptr, false);
}

}  // namespace berth_cloud

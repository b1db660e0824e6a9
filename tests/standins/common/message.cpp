#include "message.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace standin {

namespace {

std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned value = 0;
        if (text[at] == '%' && at + 2 < text.size() &&
            std::from_chars(text.data() + at + 1, text.data() + at + 3, value, 16).ptr == text.data() + at + 3) {
            result.push_back(static_cast<char>(value));
            at += 2;
        } else {
            result.push_back(text[at]);
        }
    }
    return result;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = text.find(at);
        if (end != 0) parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return parts;
}

}  // namespace

std::string Request::header(std::string_view name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return each.first == name; });
    return found == headers.end() ? "" : found->second;
}

bool Request::has_header(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& each) { return each.first == name; });
}

std::string Request::asked(const std::string& name, const std::string& otherwise) const {
    const auto found = query.find(name);
    return found == query.end() ? otherwise : found->second;
}

void read_target(Request& request) {
    const std::string_view target = request.target;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    for (const auto segment : split(request.path, '/')) {
        request.segments.push_back(decoded(segment));
    }
    if (mark == std::string_view::npos) return;
    for (const auto pair : split(target.substr(mark + 1), '&')) {
        const auto equals = pair.find('=');
        auto value = equals == std::string_view::npos ? std::string() : std::string(pair.substr(equals + 1));
        std::replace(value.begin(), value.end(), '+', ' ');
        request.query[decoded(pair.substr(0, equals))] = decoded(value);
    }
}

Answer json_answer(const Json& body, unsigned status) {
    return {status, {{"content-type", "application/json; charset=utf-8"}}, text_of(body), nullptr};
}

std::string text_of(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace standin

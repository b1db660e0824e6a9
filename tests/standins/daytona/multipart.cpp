#include "multipart.hpp"

#include <algorithm>

namespace standin::daytona {

namespace {

/// The value behind `name="`, which the word before it does not end.
std::string parameter(std::string_view text, const std::string& name) {
    const auto head = name + "=\"";
    auto at = text.find("; " + head);
    if (at == std::string_view::npos) return "";
    at += 2 + head.size();
    return std::string(text.substr(at, text.find('"', at) - at));
}

}  // namespace

std::string boundary_of(const std::string& content_type) {
    constexpr std::string_view mark = "boundary=";
    const auto at = content_type.find(mark);
    if (content_type.rfind("multipart/form-data", 0) != 0 || at == std::string::npos) return "";
    auto boundary = content_type.substr(at + mark.size());
    boundary = boundary.substr(0, boundary.find(';'));
    if (boundary.size() > 1 && boundary.front() == '"') boundary = boundary.substr(1, boundary.size() - 2);
    return boundary;
}

std::vector<Part> parts_of(std::string_view body, const std::string& boundary) {
    std::vector<Part> parts;
    const auto delimiter = "\r\n--" + boundary;
    const auto first = body.find("--" + boundary);
    if (first == std::string_view::npos) return parts;
    body.remove_prefix(first + 2 + boundary.size());
    while (body.substr(0, 2) == "\r\n") {
        const auto head_end = body.find("\r\n\r\n");
        const auto end = body.find(delimiter, head_end == std::string_view::npos ? 0 : head_end + 2);
        if (head_end == std::string_view::npos || end == std::string_view::npos) break;
        const auto start = std::min(head_end + 4, end);
        parts.push_back({parameter(body.substr(0, head_end), "name"), body.substr(start, end - start)});
        body.remove_prefix(end + delimiter.size());
    }
    return parts;
}

}  // namespace standin::daytona

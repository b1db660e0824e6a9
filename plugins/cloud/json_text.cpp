#include "json_text.hpp"

#include "text.hpp"

namespace berth_cloud {

namespace {

using nlohmann::json;

bool is_plain(char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

void add_text(std::string& to, const std::string& text) {
    if (!is_utf8(text)) {
        to += json(text).dump();
        return;
    }
    constexpr const char* digits = "0123456789abcdef";
    to += '"';
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && is_plain(text[end]))
            ++end;
        to.append(text, at, end - at);
        if (end == text.size()) break;
        const char c = text[end];
        const std::size_t short_form = std::string_view{"\"\\\n\t\r\b\f"}.find(c);
        if (short_form != std::string_view::npos)
            (to += '\\') += "\"\\ntrbf"[short_form];
        else
            ((to += "\\u00") += digits[c >> 4]) += digits[c & 15];
        at = end + 1;
    }
    to += '"';
}

void add(std::string& to, const json& value) {
    char before = value.is_object() ? '{' : '[';
    if (value.is_string()) {
        add_text(to, value.get_ref<const std::string&>());
    } else if (value.is_object() && !value.empty()) {
        for (const auto& item : value.get_ref<const json::object_t&>()) {
            to += std::exchange(before, ',');
            add_text(to, item.first);
            to += ':';
            add(to, item.second);
        }
        to += '}';
    } else if (value.is_array() && !value.empty()) {
        for (const json& item : value) {
            to += std::exchange(before, ',');
            add(to, item);
        }
        to += ']';
    } else {
        to += value.dump();
    }
}

}  // namespace

std::string json_text(const json& value) {
    std::string text;
    add(text, value);
    return text;
}

}  // namespace berth_cloud

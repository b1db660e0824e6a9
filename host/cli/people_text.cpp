#include "people_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "../base/text.hpp"

namespace berth::inline host_v1::cli {

std::string age_text(Moment since, Moment now) {
    if (now <= since) return "0s";
    // Not `now - since`: what a plugin says may lie at the end of time.
    const auto seconds = now.time_since_epoch().count() / 1000 - since.time_since_epoch().count() / 1000;
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return std::to_string(seconds / 60) + "m";
    if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
    return std::to_string(seconds / 86400) + "d";
}

std::string percent_text(double percent) {
    if (!std::isfinite(percent)) return "?";
    std::array<char, 400> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.1f%%", percent);
    return buffer.data();
}

std::string pairs_text(const Variables& variables) {
    std::string text;
    for (const auto& [name, value] : variables) {
        if (!text.empty()) text += ',';
        text += name;
        text += '=';
        text += value;
    }
    return text;
}

std::string one_line(std::string_view bytes) {
    return printable(bytes);
}

std::string terminal_lines(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto size = std::min(bytes.find_first_of("\n\t"), bytes.size());
        text += printable(bytes.substr(0, size));
        if (size < bytes.size()) text += bytes[size];
        bytes.remove_prefix(std::min(size + 1, bytes.size()));
    }
    return text;
}

}  // namespace berth::inline host_v1::cli

#include "config_tree.hpp"

namespace berth::inline host_v1 {

Place ConfigTree::place_of(std::string_view pointer) const {
    for (std::string wanted(pointer);;) {
        const auto found = places.find(wanted);
        if (found != places.end()) return found->second;
        const auto slash = wanted.rfind('/');
        if (slash == std::string::npos) return Place{};
        wanted.resize(slash);
    }
}

std::string ConfigTree::location_of(std::string_view pointer) const {
    return file.empty() ? std::string() : location_text(file, place_of(pointer));
}

std::string location_text(std::string_view file, Place place) {
    std::string text(file);
    if (place.known()) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    return text;
}

std::string pointer_step(std::string_view key) {
    std::string step;
    for (const char character : key) {
        if (character == '~') {
            step += "~0";
        } else if (character == '/') {
            step += "~1";
        } else {
            step += character;
        }
    }
    return step;
}

}  // namespace berth::inline host_v1

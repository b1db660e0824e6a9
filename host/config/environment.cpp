#include "environment.hpp"

#include <unistd.h>

namespace berth::inline host_v1 {

EnvironmentVariables EnvironmentVariables::of_process() {
    Variables variables;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return EnvironmentVariables(std::move(variables));
}

std::optional<std::string> EnvironmentVariables::get(std::string_view name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::string> EnvironmentVariables::get_filled(std::string_view name) const {
    auto value = get(name);
    if (value && value->empty()) value.reset();
    return value;
}

}  // namespace berth::inline host_v1

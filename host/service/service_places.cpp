#include "service_places.hpp"

#include <unistd.h>

#include <filesystem>

namespace berth::inline host_v1 {

namespace {

std::string state_directory(const EnvironmentVariables& variables) {
    if (::geteuid() == 0) return "/var/lib/berth/state";
    const auto absolute = [&](std::string_view name) {
        auto value = variables.get_filled(name).value_or("");
        return value.starts_with('/') ? value : std::string();
    };
    if (const auto state = absolute("XDG_STATE_HOME"); !state.empty()) return state + "/berth/state";
    if (const auto home = absolute("HOME"); !home.empty()) return home + "/.local/state/berth/state";
    return {};
}

}  // namespace

ServicePlaces usual_places(const std::string& plugin_directory, const EnvironmentVariables& variables) {
    ServicePlaces places;
    if (!plugin_directory.empty()) {
        const auto directory = std::filesystem::path(plugin_directory + "/").lexically_normal().parent_path();
        places.modules = (directory.parent_path() / "services").string();
    }
    places.state = state_directory(variables);
    return places;
}

}  // namespace berth::inline host_v1

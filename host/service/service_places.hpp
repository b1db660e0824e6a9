// Where the services of one host find their modules and keep their data. Knows no service.
#pragma once

#include <string>

#include "../config/environment.hpp"

namespace berth::inline host_v1 {

struct ServicePlaces {
    std::string modules;  ///< directory of state.so and its like; empty: there are none
    std::string state;    ///< directory for what plugins keep, one file for each provider
};

/// What a host uses that was not told: its modules lie beside the directory of the plugins that came with it, and state
/// is kept in /var/lib/berth/state by root, below $XDG_STATE_HOME or ~/.local/state by anybody else.
[[nodiscard]] ServicePlaces usual_places(const std::string& plugin_directory, const EnvironmentVariables& variables);

}  // namespace berth::inline host_v1

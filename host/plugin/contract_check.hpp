// Holds what a loaded plugin's entry returned against the contract and against its manifest. Pure: knows neither files
// nor how it was loaded, so every way of failing can be tried with structs made by hand.
#pragma once

#include <optional>

#include <berth/plugin.h>

#include "../base/error.hpp"
#include "manifest.hpp"

namespace berth::inline host_v1 {

/// The plugin's structs as full-size copies of this host's own types; what the plugin did not know is zero.
struct AdmittedPlugin {
    berth_plugin plugin{};
    berth_methods methods{};
    std::optional<berth_snapshots> snapshots;
};

/// Sizes first, then required members, then manifest against table. `given` is what the entry returned, not null; its
/// members are read only as far as its sizes say. Throws Error BERTH-P-22 to BERTH-P-25, without location. Calls
/// get_extension for the ids of the manifest and of this host.
[[nodiscard]] AdmittedPlugin check_contract(const berth_plugin& given, const Manifest& manifest);

}  // namespace berth::inline host_v1

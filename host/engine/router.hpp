// Which provider a request goes to: the one that is named, else the configured default. Knows no plugin.
#pragma once

#include <string_view>

#include "../config/configuration.hpp"

namespace berth::inline host_v1 {

/// The provider of that name; an empty name is `select.default`. Throws BERTH-E-02 with the nearest name, or
/// BERTH-E-03.
[[nodiscard]] const ProviderConfiguration& route(const Configuration& configuration, std::string_view name);

}  // namespace berth::inline host_v1

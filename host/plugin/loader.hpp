// Loads a plugin file into this process and holds it against the contract. The one room that uses Boost.DLL.
//
// What is loaded stays mapped until the process ends, in a registry that is never destroyed: a plugin can leave threads,
// thread-local destructors and unique symbols behind, and then unmapping it crashes, or silently does nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <berth/plugin.h>

#include "method_table.hpp"
#include "prepared_plugin.hpp"

namespace berth::inline host_v1 {

/// A plugin in this process whose table has been found complete and equal to its manifest. The structs are full-size
/// copies: members beyond what the plugin was built with are zero. Immutable; any thread.
struct LoadedPlugin {
    std::string path;
    Manifest manifest;
    std::uint32_t minor = 0;  ///< contract minor the plugin was built for
    berth_plugin plugin{};    ///< `plugin.methods` is the plugin's own table: use `methods`
    berth_methods methods{};
    std::optional<berth_snapshots> snapshots;

    [[nodiscard]] bool has(Method method) const noexcept;
};

/// So many versions of one file at most: what was loaded is never unmapped.
inline constexpr std::size_t max_generations = 16;

/// Loads what was prepared, once: the same bytes give the same object again, and it lives until the process ends. Throws
/// Error: BERTH-P-15, BERTH-P-18 to BERTH-P-25, BERTH-P-31. Any thread.
[[nodiscard]] const LoadedPlugin& load_plugin(PreparedPlugin prepared, const TrustRules& rules);

/// Prepares a usable file of the catalog for being loaded here: what came with Berth where it is, unless older code of that
/// path is in this process. Throws what prepare_plugin() throws.
[[nodiscard]] PreparedPlugin prepare_for_here(const PluginFile& file, const TrustRules& rules,
                                              const std::string& copies);

/// Prepares and loads. Throws what either does.
[[nodiscard]] const LoadedPlugin& load_plugin(const PluginFile& file, const TrustRules& rules,
                                              const std::string& copies = {});

}  // namespace berth::inline host_v1

// Loads a plugin file into this process and holds it against the contract. The one room that uses Boost.DLL.
//
// What is loaded is a private copy of the file, whose bytes were verified, but for plugins that came with Berth: those lie
// where the program itself lies, with the files they belong to. What is loaded stays mapped until the process ends, in a registry that is never destroyed: a plugin can leave
// threads, thread-local destructors and unique symbols behind, and then unmapping it crashes, or silently does nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <berth/plugin.h>

#include "method_table.hpp"
#include "plugin_file.hpp"

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

/// Loads a usable file of the catalog, once: the same file gives the same object again, and it lives until the process
/// ends. The file is opened and trusted anew, and must still be the one that was read. Private copies lie in `copies`;
/// empty: usual_copies_directory() of this process. Throws Error: BERTH-P-04 to BERTH-P-07, BERTH-P-15, BERTH-P-18 to
/// BERTH-P-25, BERTH-P-28, BERTH-P-30, or the file's own error when it is not usable. Any thread.
[[nodiscard]] const LoadedPlugin& load_plugin(const PluginFile& file, const TrustRules& rules,
                                              const std::string& copies = {});

}  // namespace berth::inline host_v1

// One candidate file: what it says of itself, or why it is refused. Reading it runs none of its code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../base/error.hpp"
#include "manifest.hpp"
#include "search.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

struct PluginFile {
    std::string path;  ///< absolute
    SearchOrigin origin = SearchOrigin::command_line;
    FileIdentity identity;             ///< of the bytes that were read
    std::optional<Manifest> manifest;  ///< may be there beside an error: a second file of one name
    std::optional<Error> error;        ///< why it must not be used; its location is the path
    std::vector<Error> warnings;

    [[nodiscard]] bool usable() const noexcept { return manifest.has_value() && !error.has_value(); }
    /// The manifest's name, or the file's name without ".so" while it has none.
    [[nodiscard]] std::string name() const;
};

/// Opens, checks and reads one file. What is wrong with it is kept in `error`, never thrown.
[[nodiscard]] PluginFile read_plugin_file(const TrustedDirectory& directory, const std::string& file_name,
                                          SearchOrigin origin, const TrustRules& rules);

/// The same for a file named by its path, such as for `berth plugin inspect ./acme.so`.
[[nodiscard]] PluginFile read_plugin_file(const std::string& path, const TrustRules& rules);

}  // namespace berth::inline host_v1

// Copies of plugin files that nobody else can touch, so that the bytes that were verified are the bytes that are loaded,
// whatever happens to the file meanwhile. Named by what they hold and by where that came from; looked through again
// each time; few are kept. Knows neither manifests nor how a library is loaded.
#pragma once

#include <string>

#include "../base/file_descriptor.hpp"
#include "../config/environment.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

struct PrivateCopy {
    std::string path;           ///< <copies>/<name>/<64 digits>.so, mode 0500, in a directory of mode 0700
    std::string hash;           ///< of its bytes, which were read again for it
    FileDescriptor descriptor;  ///< to it, with a shared lock: while that is held nobody removes the copy
    std::uint64_t size;
};

/// Where copies lie unless somebody says otherwise: $XDG_CACHE_HOME/berth/plugins, else /var/cache/berth/plugins for root
/// and ~/.cache/berth/plugins for others. Empty when there is neither variable.
[[nodiscard]] std::string usual_copies_directory(const EnvironmentVariables& environment);

/// How many stay there; more are kept only while they are in use.
inline constexpr std::size_t max_private_copies = 32;

/// Copies an opened file into `directory`, or takes the copy that is there if it still holds what its name says. Beside the
/// copy the link `origin` leads to `origin`, the folder of the file. Safe to call from several processes at once. Throws
/// Error: BERTH-P-30 when no copy can be made, BERTH-P-06 or BERTH-P-07 when the file cannot be read whole.
[[nodiscard]] PrivateCopy make_private_copy(const TrustedFile& file, const std::string& origin,
                                            const std::string& directory, const TrustRules& rules);

}  // namespace berth::inline host_v1

// A directory of Berth's own, made when it is not there: it belongs to the user who runs Berth, and nobody else gets in.
// Knows not what is kept in it.
#pragma once

#include <string>
#include <string_view>

#include "../base/diagnostic.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

/// What the errors about such a directory say.
struct OwnDirectoryWords {
    const Diagnostic& diagnostic;
    std::string_view failed;    ///< "no private copy of the plugin can be made"
    std::string_view variable;  ///< which says where it lies: "XDG_CACHE_HOME"
};

/// Makes it, with all above it, where it is missing, and shuts others out. Throws Error with the given words.
[[nodiscard]] TrustedDirectory open_own_directory(const std::string& path, const TrustRules& rules,
                                                  const OwnDirectoryWords& words);

/// A name for what is not finished yet, ".*.new", which nobody else uses.
[[nodiscard]] std::string unused_name();

}  // namespace berth::inline host_v1

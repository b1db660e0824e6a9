// What the system's loader says, in words a person can act on. Knows glibc's sentences, and loads nothing.
#pragma once

#include <string>
#include <string_view>

#include "../base/error.hpp"

namespace berth::inline host_v1 {

/// `text` is what dlerror said about the plugin at `path`. BERTH-P-18, BERTH-P-19 or BERTH-P-20, located at the path.
[[nodiscard]] Error explain_load_failure(std::string_view text, const std::string& path);

}  // namespace berth::inline host_v1

// What a sandbox uses, read from /proc inside it, where a backend has no live figures. What cannot be read is absent. Pure.
#pragma once

#include <berth/values.hpp>
#include <string_view>

namespace berth_cloud {

extern const char* const usage_script;
// What the script prints: one figure a line.
[[nodiscard]] berth::Usage read_usage(std::string_view text);

}  // namespace berth_cloud

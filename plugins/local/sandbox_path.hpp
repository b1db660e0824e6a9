// Paths inside a sandbox, as text: made absolute and normal, and refused when they leave the root.
#pragma once

#include <string>
#include <string_view>

namespace berth_local {

// `path` against `base` (absolute, normal), without `.`, `..`, doubled or trailing slashes. Throws PATH_ESCAPE when
// more is left than there is, INVALID_ARGUMENT for an empty path or a NUL.
[[nodiscard]] std::string resolve_path(std::string_view base, std::string_view path);

}  // namespace berth_local

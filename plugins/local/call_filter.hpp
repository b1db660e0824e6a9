// The system call filter of sandboxes (what it refuses and why: filter/rules.hpp), ready for bubblewrap to read.
#pragma once

#include "descriptor.hpp"

namespace berth_local {

enum class UserNamespaces { off, allowed };

// A file with the filter, its offset at the beginning: for one reader. Throws when there is no memory for it.
[[nodiscard]] Descriptor open_call_filter(UserNamespaces inside);

}  // namespace berth_local

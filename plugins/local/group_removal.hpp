// Removes a control group with every group below it, whoever made those: what runs in a sandbox may have made some in
// its own, and none of them can be removed by anybody before those in it. Knows nothing of what groups are for.
#pragma once

#include <string>

namespace berth_local {

// True: nothing of it is there any more. False: something still lives in it; what was empty is gone all the same.
// Depth costs neither descriptors nor stack.
[[nodiscard]] bool remove_groups(const std::string& path);

}  // namespace berth_local

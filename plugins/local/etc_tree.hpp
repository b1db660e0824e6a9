// The /etc that sandboxes see: a few files of our own making and harmless parts of the host's, as a read-only tree that
// all sandboxes of one provider share. It is made once and again when the host's parts have changed.
#pragma once

#include <string>

#include "descriptor.hpp"

namespace berth_local {

inline constexpr int inner_uid = 1000;  // who processes are inside a sandbox
inline constexpr const char* inner_user = "sandbox";
inline constexpr const char* inner_home = "/home/sandbox";

// The tree's directory below `state` (a directory of ours).
[[nodiscard]] Descriptor open_etc_tree(int state);

}  // namespace berth_local

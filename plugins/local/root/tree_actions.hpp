// What `berth-root tree` does with trees whose files belong to a range, as the owner of all of them: an ordinary user
// could neither read nor delete such files. Descriptor 3 is the directory that a tree lies in.
//
//   make NAME...   empty directories that belong to the first id of the range
//   remove NAME    see remove_tree.hpp
//   bytes NAME     prints what tree_bytes says
#pragma once

#include <span>

namespace berth_root {

inline constexpr int tree_parent = 3;
// In the namespace of these actions 0 is the user itself, and the range begins here.
inline constexpr unsigned first_of_range = 1;

// The exit status.
[[nodiscard]] int act_on_tree(std::span<char*> action);

}  // namespace berth_root

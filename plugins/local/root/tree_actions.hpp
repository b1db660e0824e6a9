// What `berth-root tree` does with trees whose files belong to a range, as the owner of all of them: an ordinary user
// could neither read nor delete such files. Descriptor 3 is the directory that a tree lies in, 4 another one.
//
//   make NAME...                      empty directories that belong to the first id of the range
//   remove NAME                       see remove_tree.hpp
//   bytes NAME                        prints what tree_bytes says
//   copy changing|still NAME SHOWN    into 4, see tree_copy.hpp; prints its answer, see copy_answer.hpp. It ends when
//                                     nobody reads the answer any more.
//   move NAME NEW_NAME                into 4
//   state SHOWN                       prints the state of the tree that 3 itself is, see tree_state.hpp
#pragma once

#include <span>

namespace berth_root {

inline constexpr int tree_parent = 3;
inline constexpr int other_parent = 4;
// In the namespace of these actions 0 is the user itself, and the range begins here.
inline constexpr unsigned first_of_range = 1;

// The exit status.
[[nodiscard]] int act_on_tree(std::span<char*> action);

}  // namespace berth_root

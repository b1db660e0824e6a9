// Deletes a tree that somebody hostile may have filled: never through a link, at any depth, any names and modes.
// Nobody may change the tree meanwhile: its processes are gone before.
#pragma once

#include <functional>
#include <string>

namespace berth_local {

// Empties and removes `parent/name`. A tree that is not there is fine. `parent` belongs to us alone: directories found
// deep inside are moved up into it, so that depth costs neither descriptors nor stack.
void remove_tree(int parent, const std::string& name);

// Bytes that the files of a tree take on disk; hard links count once. -1 when a directory cannot be read, or when `stop`,
// which is asked now and then, says that nobody wants to know any more.
[[nodiscard]] long long tree_bytes(
    int parent, const std::string& name, const std::function<bool()>& stop = [] { return false; });

}  // namespace berth_local

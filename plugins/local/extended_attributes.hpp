// The extended attributes that the owner of a file may set: user.*, access lists, and those of an overlay's upper
// directory. Everything else (capabilities, labels) is the host's and is not copied.
#pragma once

#include "tree_copy.hpp"

namespace berth_local {

// From one open file to another. 0, or the errno of what failed.
[[nodiscard]] int copy_extended_attributes(int from, int to, const std::optional<IdShift>& owners);

// Ids inside an access list (its value as the kernel gives it), shifted. A value of another form stays as it is.
void shift_access_list(std::string& value, const IdShift& owners);

}  // namespace berth_local

// The extended attributes that are copied: user.*, access lists, those of an overlay's upper directory, and capabilities
// that count in the namespace of the ids copied alone. Everything else (labels, capabilities over the machine) is the
// host's and stays behind.
#pragma once

#include "tree_copy.hpp"

namespace berth_local {

// From one open file to another. 0, or the errno of what failed.
[[nodiscard]] int copy_extended_attributes(int from, int to, const std::optional<IdShift>& owners);

// Ids inside an access list (its value as the kernel gives it), shifted. A value of another form stays as it is.
void shift_access_list(std::string& value, const IdShift& owners);

// The root id inside a file's capabilities, shifted. False: they are of another form, or of an id that `owners` does not
// know, and would count for somebody else.
[[nodiscard]] bool shift_capabilities(std::string& value, const IdShift& owners);

}  // namespace berth_local

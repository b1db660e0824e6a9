// A service that lives in a shared object of the host's own, loaded when somebody first needs it and kept: a program
// that asks for nothing does not pay for its libraries. Knows no service.
#pragma once

#include <string>

namespace berth::inline host_v1 {

/// The address of `symbol` in `file`, which stays loaded for good. Throws Error when the file is missing, is no module
/// of this version, or could be written to by others.
[[nodiscard]] void* module_symbol(const std::string& file, const char* symbol);

}  // namespace berth::inline host_v1

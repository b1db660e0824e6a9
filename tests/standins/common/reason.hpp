// The words beside a status, for people who read the wire. Knows nothing else.
#pragma once

#include <string>

namespace standin {

[[nodiscard]] std::string reason(unsigned status);

}  // namespace standin

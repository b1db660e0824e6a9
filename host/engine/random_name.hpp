// Names that nobody else has: idempotency keys, temporary files. Knows no use of them.
#pragma once

#include <cstddef>
#include <string>

namespace berth::inline host_v1 {

/// Lower-case hexadecimal digits of that many bytes from the system's random source. Throws std::system_error.
[[nodiscard]] std::string random_name(std::size_t bytes);

}  // namespace berth::inline host_v1

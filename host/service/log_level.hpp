// How much a line of the log matters. Apart from the log itself, so that embedders see it without the log.
#pragma once

#include <cstdint>

namespace berth::inline host_v1 {

/// The numbers are those of the contract (BERTH_LOG_*).
enum class LogLevel : std::int32_t { trace = 1, debug = 2, info = 3, warning = 4, error = 5 };

}  // namespace berth::inline host_v1

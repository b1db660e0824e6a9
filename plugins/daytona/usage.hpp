// What a sandbox uses: by its toolbox's own figures, or read from /proc inside it where the daemon is too old for them.
#pragma once

#include "backend.hpp"

namespace berth_daytona {

[[nodiscard]] berth::Usage usage_of(const Backend& backend, berth::Call& call, std::string_view id);

// The answer of /system/metrics. `cpus` is the sandbox's limit. Pure.
[[nodiscard]] berth::Usage read_metrics(std::string_view text, std::optional<std::int64_t> cpus);

}  // namespace berth_daytona

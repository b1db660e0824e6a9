// Reads a sandbox's log: what there is, and on request what comes, whoever writes it. Lines come out as they were
// stored. Knows nothing of how they are written but the two segments and the time at a line's beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "caller.hpp"
#include "descriptor.hpp"

namespace berth_local {

struct LogRequest {
    std::optional<std::uint64_t> lines;    // only the last n of what `since` lets through
    std::optional<std::int64_t> since_ms;  // only lines of that moment or later
    bool follow = false;                   // then what comes, until cancel or until the sandbox is destroyed
};

// Takes whole lines. False: enough.
using LogTaker = std::function<bool(std::string_view)>;

// `created_at_ms` makes the first entry, as long as the beginning is kept: nothing has to be written for it.
void read_log(const Descriptor& sandbox, std::int64_t created_at_ms, const LogRequest& request, Caller& caller,
              const LogTaker& take);

}  // namespace berth_local

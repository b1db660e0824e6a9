// The words in which the init is asked to run a process. Knows nothing of what comes of it.
#pragma once

#include <string>

#include "process_run.hpp"

namespace berth_local {

// Appends the frame. Throws INVALID_ARGUMENT when it would be larger than an init takes.
void write_run_request(std::string& output, const ProcessRequest& request);

}  // namespace berth_local

// What the sandbox's processes use together, seen from inside.
#pragma once

#include "buffer.hpp"
#include "run.hpp"

namespace berth_init {

// Appends one usage_sample frame. `runs` tells which processes are anchors: they share process 1's memory.
void write_usage(Buffer& answer, const Run* runs);

}  // namespace berth_init

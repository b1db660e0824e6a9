// Descriptor limits: process 1 takes all it may have, what it starts gets what process 1 was given.
#pragma once

namespace berth_init {

void raise_limits();
// Raw calls only: also used between vfork and exec.
void restore_limits();

}  // namespace berth_init

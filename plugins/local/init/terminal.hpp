// A pseudo-terminal for a run, from the sandbox's own devpts: the programs in it find it under /dev/pts.
#pragma once

#include <cstdint>

namespace berth_init {

// `ends` become three descriptors of the terminal itself, `master` its other side; all close-on-exec. False: errno says
// why not.
bool open_terminal(std::uint32_t rows, std::uint32_t columns, int& master, int (&ends)[3]);

}  // namespace berth_init

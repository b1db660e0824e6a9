// The master's end of a pseudo-terminal that a sandbox handed over: told apart from anything else, and asked only what
// cannot do harm. Knows nothing of who reads or writes it.
#pragma once

#include <cstdint>

#include "descriptor.hpp"

namespace berth_local {

// Empty when it is no such end. A terminal cannot be opened a second time as a pipe can (see adopt_pipe): the open file
// is shared with the sandbox's first process.
[[nodiscard]] Descriptor adopt_terminal(Descriptor received);

// Before each read and write: only an init that turned against us would have made it wait.
void make_unblocking(const Descriptor& terminal);

void set_terminal_size(const Descriptor& terminal, std::uint32_t rows, std::uint32_t columns);

// The byte that says end-of-file to whoever reads lines from it now.
[[nodiscard]] char end_of_file_byte(const Descriptor& terminal);

}  // namespace berth_local

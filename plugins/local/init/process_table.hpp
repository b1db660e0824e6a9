// What /proc says of the sandbox's processes. Knows nothing of runs or connections.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace berth_init {

struct ProcessLine {
    pid_t pid;
    pid_t parent;
    pid_t group;
    pid_t session;
    char state;
    std::uint64_t cpu_ticks;  // its own and that of the children it has reaped
    std::uint64_t resident_pages;
};

// Calls visit(context, line) for every process there is.
void each_process(void (*visit)(void* context, const ProcessLine& line), void* context);

// SIGKILL to everything below `anchor` but not the anchor; with anchor 0 to what descends from `main` or is in its
// group or session. Rounds are repeated until one finds nothing that was not dying already.
void kill_descendants(pid_t anchor, pid_t main);

}  // namespace berth_init

// Programs that are nobody's child, and children that share our memory for a moment.
//
// Neither copies the host, however large it is: a clone that shares memory, while its parent waits. What runs in such a
// child is system calls only: no allocation, no lock, no exception. Nothing of the host gets through but what is named.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {

struct DetachedProgram {
    std::string path;
    std::vector<std::string> arguments;  // from its name on
    std::vector<int> descriptors;        // become 0, 1, 2, ...; -1: nothing has that number. Nothing else stays open
    // Runs in the child first, while everything is still open. False: errno says why.
    bool (*prepare)(const void* context) = nullptr;
    const void* context = nullptr;
};

struct Started {
    pid_t pid = 0;
    int error = 0;  // why it could not be started; 0 when it was
};

// Starts it in a session of its own, without an environment, with every signal as at first. Its parent is the machine's
// first process.
[[nodiscard]] Started start_detached(const DetachedProgram& program);

// For `prepare`, first of all, while we are who opened them: everything that follows counts in these control groups
// (their cgroup.procs, open for writing). False: errno says why.
[[nodiscard]] bool join_groups(const std::vector<Descriptor>& groups);

// Runs `work` in a child and waits for it: 0, or the errno that it returns.
[[nodiscard]] int in_child(int (*work)(const void* context), const void* context);

}  // namespace berth_local

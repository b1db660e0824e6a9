// A write to a pipe nobody reads raises SIGPIPE, and a library must not change what a program does with signals.
// Knows no pipe.
#pragma once

#include <signal.h>

namespace berth::inline host_v1 {

/// Whether the program ignores SIGPIPE, so that a broken pipe is only EPIPE without anybody's doing.
[[nodiscard]] bool broken_pipes_are_ignored() noexcept;

/// While it lives, a broken pipe is only EPIPE on this thread: SIGPIPE is blocked, and the one it may have caused is
/// taken back. Nests. Made and destroyed on the same thread.
class BrokenPipeIsNoSignal {
public:
    BrokenPipeIsNoSignal() noexcept;
    BrokenPipeIsNoSignal(const BrokenPipeIsNoSignal&) = delete;
    BrokenPipeIsNoSignal& operator=(const BrokenPipeIsNoSignal&) = delete;
    ~BrokenPipeIsNoSignal();

private:
    sigset_t before_{};
    bool was_pending_ = false;
};

}  // namespace berth::inline host_v1

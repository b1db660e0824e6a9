#include "broken_pipe.hpp"

#include <pthread.h>

#include <cerrno>
#include <ctime>

namespace berth::inline host_v1 {

namespace {

sigset_t only_broken_pipe() noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    return set;
}

}  // namespace

BrokenPipeIsNoSignal::BrokenPipeIsNoSignal() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    // One that waits already is somebody else's and stays.
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    const sigset_t pipe_signal = only_broken_pipe();
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before_);
}

BrokenPipeIsNoSignal::~BrokenPipeIsNoSignal() {
    const int saved = errno;
    if (!was_pending_) {
        const sigset_t pipe_signal = only_broken_pipe();
        const timespec at_once{};
        while (::sigtimedwait(&pipe_signal, nullptr, &at_once) < 0 && errno == EINTR) {
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
}

}  // namespace berth::inline host_v1

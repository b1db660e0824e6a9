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

bool broken_pipes_are_ignored() noexcept {
    struct sigaction now {};
    return ::sigaction(SIGPIPE, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
}

BrokenPipeIsNoSignal::BrokenPipeIsNoSignal() noexcept {
    const sigset_t pipe_signal = only_broken_pipe();
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before_);
    // Only where it was blocked already can one wait, and that one is somebody else's and stays.
    if (::sigismember(&before_, SIGPIPE) != 1) return;
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
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

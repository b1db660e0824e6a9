// SIGPIPE does not reach a program because of us, and what was there before stays.
#include "base/broken_pipe.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>

#include "base/file_descriptor.hpp"

using namespace berth;

namespace {

bool blocked() {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, SIGPIPE) == 1;
}

bool pending() {
    sigset_t waiting;
    ::sigpending(&waiting);
    return ::sigismember(&waiting, SIGPIPE) == 1;
}

}  // namespace

TEST_CASE("a broken pipe is only EPIPE, and no signal waits afterwards") {
    auto pipe = make_pipe();
    pipe.read_end.reset();
    {
        const BrokenPipeIsNoSignal outer;
        const BrokenPipeIsNoSignal inner;
        CHECK(::write(pipe.write_end.get(), "x", 1) == -1);
        CHECK(errno == EPIPE);
    }
    CHECK_FALSE(pending());
    CHECK_FALSE(blocked());
}

TEST_CASE("a signal that waited before is left to its owner") {
    sigset_t mask;
    sigset_t before;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGPIPE);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &mask, &before) == 0);
    REQUIRE(::pthread_kill(::pthread_self(), SIGPIPE) == 0);
    { const BrokenPipeIsNoSignal quiet; }
    CHECK(pending());
    CHECK(blocked());
    int number = 0;
    REQUIRE(::sigwait(&mask, &number) == 0);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("whether a program ignores the signal is seen, whatever else it does with it") {
    struct sigaction before {};
    REQUIRE(::sigaction(SIGPIPE, nullptr, &before) == 0);
    ::signal(SIGPIPE, SIG_IGN);
    CHECK(broken_pipes_are_ignored());
    ::signal(SIGPIPE, [](int) {});
    CHECK_FALSE(broken_pipes_are_ignored());
    ::signal(SIGPIPE, SIG_DFL);
    CHECK_FALSE(broken_pipes_are_ignored());
    REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
}

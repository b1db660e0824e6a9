// Signals as calls on a thread.
#include "cli/signal_watch.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

using namespace berth;
using namespace berth::cli;

namespace {

/// Waits for calls on another thread.
struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    unsigned ends = 0;
    unsigned resizes = 0;
    unsigned stops = 0;
    unsigned goes_on = 0;
    int signal = 0;

    SignalListener listener() {
        return {[this](int number, unsigned nth) {
                    const std::lock_guard lock(mutex);
                    ends = nth;
                    signal = number;
                    changed.notify_all();
                },
                [this] {
                    const std::lock_guard lock(mutex);
                    ++resizes;
                    changed.notify_all();
                },
                [this] {
                    const std::lock_guard lock(mutex);
                    ++stops;
                },
                [this] {
                    const std::lock_guard lock(mutex);
                    ++goes_on;
                    changed.notify_all();
                }};
    }
    bool wait_for_ends(unsigned count) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(20), [&] { return ends >= count; });
    }
};

bool wait_stopped(const std::stop_token& token) {
    std::mutex mutex;
    std::condition_variable changed;
    const std::stop_callback on_stop(token, [&] {
        const std::lock_guard lock(mutex);
        changed.notify_all();
    });
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return token.stop_requested(); });
}

}  // namespace

TEST_CASE("the first signal stops the token and is remembered") {
    SignalWatch watch;
    CHECK(watch.first_signal() == 0);
    ::raise(SIGTERM);
    CHECK(wait_stopped(watch.token()));
    CHECK(watch.first_signal() == SIGTERM);
    CHECK(watch.count() == 1);
}

TEST_CASE("a listener hears every signal and a change of size") {
    SignalWatch watch;
    Heard heard;
    const SignalWatch::Listening listening(watch, heard.listener());
    ::raise(SIGWINCH);
    ::raise(SIGINT);
    CHECK(heard.wait_for_ends(1));
    CHECK(heard.signal == SIGINT);
    CHECK(heard.resizes == 1);
    ::raise(SIGHUP);
    CHECK(heard.wait_for_ends(2));
    CHECK(watch.first_signal() == SIGINT);
}

TEST_CASE("a stop is said before it, and that it is over after it") {
    const auto child = ::fork();
    if (child == 0) {
        ::setpgid(0, 0);  // a group whose parent could continue it: only such groups are stopped
        SignalWatch watch;
        Heard heard;
        const SignalWatch::Listening listening(watch, heard.listener());
        ::kill(::getpid(), SIGTSTP);
        std::unique_lock lock(heard.mutex);
        const bool went_on = heard.changed.wait_for(lock, std::chrono::seconds(20), [&] { return heard.goes_on > 0; });
        std::_Exit(went_on && heard.stops == 1 ? 0 : 1);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status));
    CHECK(WSTOPSIG(status) == SIGTSTP);
    REQUIRE(::kill(child, SIGCONT) == 0);
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("afterwards signals mean what they meant before") {
    struct sigaction before {};
    struct sigaction after {};
    ::sigaction(SIGINT, nullptr, &before);
    { SignalWatch watch; }
    ::sigaction(SIGINT, nullptr, &after);
    const bool is_same = before.sa_handler == after.sa_handler;
    CHECK(is_same);
}

TEST_CASE("an ignored signal stays ignored") {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    struct sigaction before {};
    ::sigaction(SIGHUP, &ignore, &before);
    {
        SignalWatch watch;
        ::raise(SIGHUP);
        ::raise(SIGTERM);
        CHECK(wait_stopped(watch.token()));
        CHECK(watch.first_signal() == SIGTERM);
    }
    ::sigaction(SIGHUP, &before, nullptr);
}

TEST_CASE("a second signal that nobody listens to leaves with 128 and the first") {
    const auto child = ::fork();
    if (child == 0) {
        SignalWatch watch;
        ::raise(SIGINT);
        if (!wait_stopped(watch.token())) std::_Exit(1);
        ::raise(SIGTERM);
        while (true)
            ::pause();
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("a closed pipe is survived, and what is started by us does not inherit that") {
    const auto child = ::fork();
    if (child == 0) {
        survive_closed_pipes();
        ::raise(SIGPIPE);
        ::execl("/bin/sh", "sh", "-c", "kill -PIPE $$", static_cast<char*>(nullptr));
        std::_Exit(1);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGPIPE);
}

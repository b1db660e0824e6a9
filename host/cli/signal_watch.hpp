// SIGINT, SIGTERM, SIGHUP and SIGWINCH as calls on a thread of their own, so that whatever the rest of the program
// waits for, it can be told. Knows no sandbox.
#pragma once

#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1::cli {

/// What the signal thread does. Each is called on it, one at a time.
struct SignalListener {
    /// The nth signal that wants an end, from 1. Absent: the first stops the token, the second leaves the program.
    std::function<void(int signal, unsigned nth)> end;
    std::function<void()> resize;
};

/// At most one in a process, because a signal handler can reach nothing but what is static.
class SignalWatch {
public:
    SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    /// Gives the signals their old meaning back.
    ~SignalWatch();

    /// Stopped by the first signal that wants an end.
    [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
    /// The first signal that wanted an end, 0: none yet.
    [[nodiscard]] int first_signal() const;
    /// How many wanted an end.
    [[nodiscard]] unsigned count() const;

    /// While it lives, `listener` is told instead.
    class Listening {
    public:
        Listening(SignalWatch& watch, SignalListener listener);
        Listening(const Listening&) = delete;
        Listening& operator=(const Listening&) = delete;
        ~Listening();

    private:
        SignalWatch& watch_;
    };

    /// Runs on the signal thread before it leaves the program; must be quick. Such as giving back the terminal.
    void before_leaving(std::function<void()> action);
    /// Ends the program at once with 128 + the first signal, doing only what before_leaving() asked for.
    [[noreturn]] void leave() const;

private:
    void watch();
    void heard(int signal);

    mutable std::mutex mutex_;  ///< guards what follows up to the pipe
    SignalListener listener_;
    std::function<void()> before_leaving_;
    int first_signal_ = 0;
    unsigned count_ = 0;
    std::stop_source stop_;
    Pipe pipe_;
    FileDescriptor over_;
    struct sigaction old_interrupt_ {};
    struct sigaction old_terminate_ {};
    struct sigaction old_hangup_ {};
    struct sigaction old_resize_ {};
    std::thread thread_;
};

/// Makes writes to a pipe nobody reads fail with EPIPE instead of ending this process. By a handler that does nothing:
/// "ignored" would be inherited by what providers start, and `yes | head` in there would never end.
void survive_closed_pipes();

}  // namespace berth::inline host_v1::cli

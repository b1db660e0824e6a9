// Signals that want an end (INT, TERM, HUP, QUIT), a stop (TSTP, CONT) or a new size (WINCH) as calls on a thread of
// their own, so that whatever the rest of the program waits for, it can be told. Knows no sandbox.
#pragma once

#include <array>
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
    std::function<void()> resize{};
    /// This program is about to be stopped.
    std::function<void()> stop{};
    /// It goes on, after that or after a SIGSTOP that nobody could hear. More often than needed is possible.
    std::function<void()> go_on{};
    /// The program is left at once after this: it must be quick. Such as giving back the terminal.
    std::function<void()> leave{};
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

    /// Ends the program at once with 128 + the first signal, doing only what the listener wants done then.
    [[noreturn]] void leave() const;

private:
    void watch();
    void heard(int signal);
    void stop_here();
    void heard_end(int signal);

    mutable std::mutex mutex_;  ///< guards what follows up to the pipe
    SignalListener listener_;
    int first_signal_ = 0;
    unsigned count_ = 0;
    std::stop_source stop_;
    Pipe pipe_;
    FileDescriptor over_;
    static constexpr std::array watched_{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    std::array<struct sigaction, watched_.size()> old_{};
    std::thread thread_;
};

/// Makes writes to a pipe nobody reads fail with EPIPE instead of ending this process. By a handler that does nothing:
/// "ignored" would be inherited by what providers start, and `yes | head` in there would never end.
void survive_closed_pipes();

}  // namespace berth::inline host_v1::cli

#include "raw_terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace berth::inline host_v1::cli {

namespace {

bool same(const termios& one, const termios& other) noexcept {
    return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag && one.c_cflag == other.c_cflag &&
           one.c_lflag == other.c_lflag && std::equal(std::begin(one.c_cc), std::end(one.c_cc), std::begin(other.c_cc));
}

/// While it lives, setting a terminal that another job has neither stops this process nor fails.
class NotStopped {
public:
    NotStopped() noexcept {
        sigset_t output;
        ::sigemptyset(&output);
        ::sigaddset(&output, SIGTTOU);
        ::pthread_sigmask(SIG_BLOCK, &output, &before_);
    }
    NotStopped(const NotStopped&) = delete;
    NotStopped& operator=(const NotStopped&) = delete;
    ~NotStopped() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

// A terminal that is not the one that controls us has no jobs to ask for.
bool RawTerminal::in_foreground() const noexcept {
    const auto group = ::tcgetpgrp(descriptor_);
    return group < 0 || group == ::getpgrp();
}

RawTerminal::Now RawTerminal::make_raw() noexcept {
    const std::lock_guard lock(mutex_);
    if (stage_ != Stage::wanted) return Now::given_back;
    termios found{};
    if (::tcgetattr(descriptor_, &found) != 0) return Now::no_terminal;
    if (settings_ && same(found, settings_->raw)) return Now::raw;
    // Setting it from there would stop us, and what waits to end us with us.
    if (!in_foreground()) return Now::in_background;
    auto raw = found;
    ::cfmakeraw(&raw);
    const NotStopped not_stopped;
    // At once: draining would wait for a terminal whose output was held.
    if (::tcsetattr(descriptor_, TCSANOW, &raw) != 0 || ::tcgetattr(descriptor_, &raw) != 0) return Now::no_terminal;
    settings_ = Settings{found, raw};
    return Now::raw;
}

void RawTerminal::pause() noexcept {
    const std::lock_guard lock(mutex_);
    give_back();
    if (stage_ == Stage::wanted) stage_ = Stage::paused;
}

void RawTerminal::go_on() noexcept {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::paused) stage_ = Stage::wanted;
}

void RawTerminal::restore() noexcept {
    const std::lock_guard lock(mutex_);
    give_back();
    stage_ = Stage::over;
}

void RawTerminal::give_back() noexcept {
    if (!settings_) return;
    termios now{};
    // In the background it is another job's, unless that one left it as we had made it.
    const bool ours = ::tcgetattr(descriptor_, &now) == 0 && (in_foreground() || same(now, settings_->raw));
    const NotStopped not_stopped;
    if (ours) ::tcsetattr(descriptor_, TCSANOW, &settings_->found);
    settings_.reset();
}

}  // namespace berth::inline host_v1::cli

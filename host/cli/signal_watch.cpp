#include "signal_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "../base/text.hpp"
#include "exit_code.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// All that a signal handler can reach.
std::atomic<int> signal_pipe{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
    const int saved = errno;
    const auto number = static_cast<unsigned char>(signal);
    // A full pipe drops it: 65,536 signals that nobody has heard say all there is to say.
    static_cast<void>(!::write(signal_pipe.load(), &number, 1));
    errno = saved;
}

void on_closed_pipe(int) {}

void set_handler(int signal, void (*handler)(int), struct sigaction* old) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, old);
}

/// A signal that whoever started us wants ignored (nohup) stays ignored.
void watch_signal(int signal, struct sigaction& old) {
    ::sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_IGN) set_handler(signal, on_signal, nullptr);
}

}  // namespace

SignalWatch::SignalWatch() : pipe_(make_pipe()), over_(make_event()) {
    ::fcntl(pipe_.write_end.get(), F_SETFL, O_NONBLOCK);
    signal_pipe.store(pipe_.write_end.get());
    for (std::size_t index = 0; index < watched_.size(); ++index) {
        watch_signal(watched_[index], old_[index]);
    }
    thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
    for (std::size_t index = 0; index < watched_.size(); ++index) {
        ::sigaction(watched_[index], &old_[index], nullptr);
    }
    raise_event(over_);
    thread_.join();
    signal_pipe.store(-1);
}

int SignalWatch::first_signal() const {
    const std::lock_guard lock(mutex_);
    return first_signal_;
}

unsigned SignalWatch::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

void SignalWatch::leave() const {
    const std::lock_guard lock(mutex_);  // for good, so that ~Listening waits
    if (listener_.leave) listener_.leave();
    std::_Exit(exit_signal_base + first_signal_);
}

void SignalWatch::watch() {
    std::array<pollfd, 2> waiting{{{pipe_.read_end.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}}};
    while (true) {
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        if (waiting[1].revents != 0) return;
        if (waiting[0].revents == 0) continue;
        unsigned char number = 0;
        if (::read(pipe_.read_end.get(), &number, 1) == 1) heard(number);
    }
}

void SignalWatch::heard(int signal) {
    if (signal != SIGTSTP && signal != SIGCONT && signal != SIGWINCH) return heard_end(signal);
    const std::lock_guard lock(mutex_);  // so that ~Listening waits for what is called
    if (signal == SIGTSTP) {
        stop_here();
    } else if (const auto& told = signal == SIGCONT ? listener_.go_on : listener_.resize) {
        told();
    }
}

// By the very signal, so that a shell sees what stopped us, and so that where no shell could continue us the kernel
// does not stop us.
void SignalWatch::stop_here() {
    if (listener_.stop) listener_.stop();
    struct sigaction ours {};
    set_handler(SIGTSTP, SIG_DFL, &ours);
    ::raise(SIGTSTP);  // every thread stands still here
    ::sigaction(SIGTSTP, &ours, nullptr);
    if (listener_.go_on) listener_.go_on();
}

void SignalWatch::heard_end(int signal) {
    std::unique_lock lock(mutex_);
    if (count_++ == 0) first_signal_ = signal;
    const auto nth = count_;
    const bool listened = static_cast<bool>(listener_.end);
    if (listened) listener_.end(signal, nth);  // with the lock held, so that ~Listening waits for it
    lock.unlock();
    if (nth == 1) stop_.request_stop();
    if (nth > 1 && !listened) leave();
}

SignalWatch::Listening::Listening(SignalWatch& watch, SignalListener listener) : watch_(watch) {
    const std::lock_guard lock(watch_.mutex_);
    watch_.listener_ = std::move(listener);
}

SignalWatch::Listening::~Listening() {
    const std::lock_guard lock(watch_.mutex_);
    watch_.listener_ = {};
}

void survive_closed_pipes() {
    set_handler(SIGPIPE, on_closed_pipe, nullptr);
}

}  // namespace berth::inline host_v1::cli

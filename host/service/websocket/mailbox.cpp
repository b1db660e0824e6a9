#include "mailbox.hpp"

#include <utility>

#include "../service_call.hpp"

namespace berth::inline host_v1 {

// --- the transport's side --------------------------------------------------------------------------------------------

void Mailbox::is_open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    waiting_.wake();
}

bool Mailbox::arrived(SocketEvent event) {
    const std::lock_guard lock(mutex_);
    if (goodbye_) return true;  // nobody listens any more
    incoming_bytes_ += event.bytes.size();
    incoming_.push_back(std::move(event));
    tell();
    reader_waits_ = incoming_bytes_ >= most_waiting;
    return !reader_waits_;
}

void Mailbox::ended(int close_code) {
    const std::lock_guard lock(mutex_);
    if (close_code_ || failed_) return;
    close_code_ = close_code;
    outgoing_.clear();
    tell();
}

void Mailbox::failed(SocketFailure failure) {
    const std::lock_guard lock(mutex_);
    if (close_code_ || failed_) return;
    failed_ = true;
    failure_ = std::move(failure);
    outgoing_.clear();
    tell();
}

std::optional<Mailbox::Letter> Mailbox::next_outgoing() {
    const std::lock_guard lock(mutex_);
    if (outgoing_.empty()) return std::nullopt;
    auto letter = std::move(outgoing_.front());
    outgoing_.pop_front();
    outgoing_bytes_ -= letter.bytes.size();
    waiting_.wake();
    return letter;
}

std::optional<int> Mailbox::goodbye() {
    const std::lock_guard lock(mutex_);
    return goodbye_;
}

// --- the plugin's side -----------------------------------------------------------------------------------------------

bool Mailbox::stopped(const ServiceCall& call, Lock& lock) {
    lock.unlock();
    const bool is_stopped = call.stopped();
    lock.lock();
    return is_stopped;
}

/// False: the call was given up.
template <typename Ready>
bool Mailbox::wait(const ServiceCall& call, Lock& lock, Ready&& ready) {
    return waiting_.wait(
        lock, [&](Lock& held) { return stopped(call, held); }, [&] { return call.window_end(); }, ready);
}

SocketStep Mailbox::opened(const ServiceCall& call) {
    Lock lock(mutex_);
    if (!wait(call, lock, [this] { return open_ || failed_; })) return SocketStep::given_up;
    // What went wrong after it was open is told by what comes after this.
    return open_ ? SocketStep::done : SocketStep::failed;
}

SocketStep Mailbox::send(const ServiceCall& call, Letter letter) {
    Lock lock(mutex_);
    const auto ready = [this] { return outgoing_bytes_ < most_waiting || failed_ || close_code_; };
    if (!wait(call, lock, ready)) return SocketStep::given_up;
    if (close_code_ && !failed_) {
        failed_ = true;
        failure_ = {SocketFailure::Kind::broken, "it was closed with the code " + std::to_string(*close_code_), 0, {}};
    }
    if (failed_) return SocketStep::failed;
    outgoing_bytes_ += letter.bytes.size();
    outgoing_.push_back(std::move(letter));
    return SocketStep::done;
}

SocketStep Mailbox::receive(const ServiceCall& call, Waiting waiting, SocketEvent& into) {
    Lock lock(mutex_);
    const auto ready = [this] { return !incoming_.empty() || close_code_ || failed_; };
    if (waiting == Waiting::yes) {
        if (!wait(call, lock, ready)) return SocketStep::given_up;
    } else {
        if (stopped(call, lock)) return SocketStep::given_up;
        if (!ready()) return SocketStep::again;
    }
    if (!incoming_.empty()) {
        into = std::move(incoming_.front());
        incoming_.pop_front();
        incoming_bytes_ -= into.bytes.size();
        event_.tell(is_readable());
        return SocketStep::done;
    }
    if (close_code_) {
        into = {SocketEvent::Kind::closed, {}, *close_code_};
        return SocketStep::done;
    }
    return SocketStep::failed;
}

bool Mailbox::has_room_again() const {
    const std::lock_guard lock(mutex_);
    return reader_waits_ && incoming_bytes_ < most_waiting / 2;
}

bool Mailbox::take_room() {
    const std::lock_guard lock(mutex_);
    if (!reader_waits_ || incoming_bytes_ >= most_waiting / 2) return false;
    reader_waits_ = false;
    return true;
}

void Mailbox::tell() {
    waiting_.wake();
    event_.tell(is_readable());
}

int Mailbox::descriptor() {
    const std::lock_guard lock(mutex_);
    return event_.descriptor(is_readable());
}

void Mailbox::close(int code) {
    const std::lock_guard lock(mutex_);
    if (!goodbye_) goodbye_ = code;
    incoming_.clear();
    incoming_bytes_ = 0;
}

void Mailbox::cancel() {
    const std::lock_guard lock(mutex_);
    waiting_.nudge();
}

}  // namespace berth::inline host_v1

#include "mailbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "../service_call.hpp"

namespace berth::inline host_v1 {

// --- the transport's side --------------------------------------------------------------------------------------------

void Mailbox::is_open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    waiting_.wake();
}

bool Mailbox::arrived(std::vector<SocketEvent>& events) {
    const std::lock_guard lock(mutex_);
    if (!goodbye_ && !events.empty()) {  // else nobody listens any more
        for (const auto& event : events)
            incoming_cost_ += event.bytes.size() + message_cost;
        if (incoming_.empty()) {
            incoming_.swap(events);
        } else {
            std::move(events.begin(), events.end(), std::back_inserter(incoming_));
        }
        tell();
        reader_waits_ = incoming_cost_ >= most_waiting;
    }
    events.clear();
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
    outgoing_cost_ -= letter.bytes.size() + message_cost;
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
    const auto ready = [this] { return outgoing_cost_ < most_waiting || failed_ || close_code_; };
    if (!wait(call, lock, ready)) return SocketStep::given_up;
    if (close_code_ && !failed_) {
        failed_ = true;
        failure_ = {SocketFailure::Kind::broken, "it was closed with the code " + std::to_string(*close_code_), 0, {}};
    }
    if (failed_) return SocketStep::failed;
    outgoing_cost_ += letter.bytes.size() + message_cost;
    outgoing_.push_back(std::move(letter));
    return SocketStep::done;
}

SocketStep Mailbox::receive(const ServiceCall& call, Waiting waiting) {
    event_ = {};
    if (next_ == held_.size()) {
        Lock lock(mutex_);
        const auto ready = [this] { return !incoming_.empty() || is_over(); };
        if (waiting == Waiting::yes) {
            if (!wait(call, lock, ready)) return SocketStep::given_up;
        } else {
            if (stopped(call, lock)) return SocketStep::given_up;
            if (!ready()) return SocketStep::again;
        }
        if (incoming_.empty()) {
            if (!close_code_) return SocketStep::failed;
            event_.close_code = *close_code_;
            return SocketStep::done;
        }
        fetch();
    } else if (call.stopped()) {
        return SocketStep::given_up;
    }
    event_ = std::move(held_[next_++]);
    if (next_ == held_.size()) {
        const std::lock_guard lock(mutex_);
        readiness_.tell(is_readable());
    }
    return SocketStep::done;
}

/// All that has come, at once: the lock is taken once for many messages.
void Mailbox::fetch() {
    held_.clear();
    held_.swap(incoming_);
    next_ = 0;
    incoming_cost_ = 0;
    has_made_room_ = reader_waits_;
}

bool Mailbox::may_read_on() {
    const std::lock_guard lock(mutex_);
    if (incoming_cost_ < most_waiting) reader_waits_ = false;
    return !reader_waits_;
}

void Mailbox::tell() {
    waiting_.wake();
    readiness_.tell(true);
}

int Mailbox::descriptor() {
    const std::lock_guard lock(mutex_);
    return readiness_.descriptor(is_readable());
}

void Mailbox::close(int code) {
    const std::lock_guard lock(mutex_);
    if (!goodbye_) goodbye_ = code;
    incoming_.clear();
    incoming_cost_ = 0;
}

void Mailbox::cancel() {
    const std::lock_guard lock(mutex_);
    waiting_.nudge();
}

}  // namespace berth::inline host_v1

#include "channel.hpp"

#include <algorithm>
#include <utility>

#include "../service_call.hpp"

namespace berth::inline host_v1 {

// --- the transport's side --------------------------------------------------------------------------------------------

Channel::Wishes Channel::take_wishes() {
    const std::lock_guard lock(mutex_);
    Wishes wishes;
    wishes.cut = is_cut();
    wishes.send = sender_waits_ && (!outgoing_.empty() || finished_);
    wishes.receive = receiver_waits_ && incoming_.size() < most_waiting;
    if (wishes.send) sender_waits_ = false;
    if (wishes.receive) receiver_waits_ = false;
    return wishes;
}

bool Channel::has_ended() const {
    const std::lock_guard lock(mutex_);
    return ending_ != Ending::none;
}

bool Channel::begin_sending() {
    const std::lock_guard lock(mutex_);
    if (is_cut()) return false;
    sent_ = true;
    return true;
}

bool Channel::is_cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
}

bool Channel::was_sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
}

void Channel::nothing_sent() {
    const std::lock_guard lock(mutex_);
    sent_ = false;
}

Channel::Outgoing Channel::take_outgoing(std::string& bytes) {
    const std::lock_guard lock(mutex_);
    if (head_ && !finished_) return Outgoing::unwanted;
    if (outgoing_.empty()) {
        sender_waits_ = !finished_;
        return finished_ ? Outgoing::all : Outgoing::none_yet;
    }
    bytes.swap(outgoing_);
    wake();
    return Outgoing::some;
}

void Channel::answered(HttpAnswerHead head) {
    const std::lock_guard lock(mutex_);
    if (ending_ == Ending::none) head_ = std::move(head);
}

bool Channel::offer(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (closed_ || ending_ != Ending::none) return true;  // nobody wants it any more
    if (!incoming_.empty() && incoming_.size() + bytes.size() > most_waiting) {
        receiver_waits_ = true;
        return false;
    }
    incoming_.append(bytes);
    return true;
}

void Channel::tell() {
    const std::lock_guard lock(mutex_);
    wake();
    event_.tell(is_readable());
}

void Channel::completed() {
    const std::lock_guard lock(mutex_);
    end(Ending::complete);
}

void Channel::failed(HttpFailure failure) {
    const std::lock_guard lock(mutex_);
    fail(std::move(failure));
}

void Channel::call() {
    const std::lock_guard lock(mutex_);
    called_ = true;
    wake();
}

void Channel::wake() noexcept {
    waiting_.wake();
    if (leads_) mover_.wake();
}

void Channel::end(Ending ending) {
    if (ending_ != Ending::none) return;
    ending_ = ending;
    outgoing_.clear();
    wake();
    event_.tell(is_readable());
}

void Channel::fail(HttpFailure failure) {
    if (ending_ != Ending::none) return;
    failure_ = std::move(failure);
    end(Ending::failed);
}

/// The transport hears of it and lets go of the request, which the server would otherwise wait for.
void Channel::abandon(HttpFailure::Kind kind) {
    abandoned_ = true;
    news_ = true;
    fail({kind, HttpFailure::Sent::maybe, {}, 1});
}

// --- the plugin's side -----------------------------------------------------------------------------------------------

/// Whether the call lets nobody wait here any more. The call is asked without the lock: it may be telling us of a cancel.
std::optional<HttpStep> Channel::stopped(const ServiceCall& call, Lock& lock) {
    lock.unlock();
    const bool is_stopped = call.stopped();
    const auto patience = is_stopped ? call.patience_end() : std::nullopt;
    lock.lock();
    if (!is_stopped) return std::nullopt;
    if (!cancelled_) {
        cancelled_ = true;
        news_ = true;
    }
    const bool may_finish = plan_.cancel == HttpRequestPlan::Cancel::waits_for_answer && sent_;
    if (may_finish && patience && ServiceCall::Clock::now() < *patience) return std::nullopt;
    return HttpStep::given_up;
}

template <typename Ready>
std::optional<HttpStep> Channel::wait(const ServiceCall& call, Lock& lock, Ready&& ready) {
    std::optional<HttpStep> step;
    const auto given_up = [&](Lock& held) { return (step = stopped(call, held)).has_value(); };
    const auto until = [&] { return call.stopped() ? call.patience_end() : call.window_end(); };
    bool has_slept = false;
    const auto asleep = [&](Lock& held, Time time, const auto& woken) {
        has_slept = true;
        sleep(held, time, woken);
    };
    (void)waiting_.wait(lock, given_up, until, ready, asleep);
    if (has_slept) {
        lock.unlock();  // it may call another channel
        mover_.leave(*this);
        lock.lock();
    }
    return step;
}

/// Once: moves requests meanwhile, its own among them, unless another thread does.
template <typename Woken>
void Channel::sleep(Lock& lock, Time until, Woken&& woken) {
    lock.unlock();
    const bool leads = mover_.take_lead(*this);
    lock.lock();
    if (woken()) return;  // nobody was told to wake this one before
    if (leads) {
        leads_ = true;
        lock.unlock();
        mover_.move(until);
        lock.lock();
        leads_ = false;
    } else {
        waiting_.sleep(lock, until, [&] { return woken() || called_; });
        called_ = false;
    }
}

HttpStep Channel::write(const ServiceCall& call, std::string_view& bytes) {
    Lock lock(mutex_);
    const auto announced = plan_.body_length;
    if (announced && written_ + bytes.size() > *announced) {
        abandon(HttpFailure::Kind::too_long);
        return HttpStep::failed;
    }
    const auto ready = [this] { return outgoing_.size() < most_waiting || head_ || ending_ != Ending::none; };
    if (const auto step = wait(call, lock, ready)) return *step;
    if (head_ || ending_ != Ending::none) return HttpStep::end;
    const auto part = bytes.substr(0, most_waiting - outgoing_.size());
    outgoing_.append(part);
    written_ += part.size();
    if (announced && written_ == *announced) finished_ = true;
    bytes.remove_prefix(part.size());
    if (sender_waits_) news_ = true;
    return bytes.empty() ? HttpStep::done : HttpStep::again;
}

HttpStep Channel::finish(const ServiceCall& call) {
    Lock lock(mutex_);
    if (const auto step = stopped(call, lock)) return *step;
    if (finished_) return HttpStep::done;
    if (head_ || ending_ != Ending::none) return HttpStep::end;
    if (plan_.body_length && written_ != *plan_.body_length) {
        abandon(HttpFailure::Kind::too_short);
        return HttpStep::failed;
    }
    finished_ = true;
    if (sender_waits_) news_ = true;
    return HttpStep::done;
}

HttpStep Channel::head(const ServiceCall& call) {
    Lock lock(mutex_);
    if (const auto step = wait(call, lock, [this] { return head_ || ending_ != Ending::none; })) return *step;
    return head_ ? HttpStep::done : HttpStep::failed;
}

HttpStep Channel::take_incoming(const ServiceCall& call, Waiting waiting, std::string& bytes) {
    Lock lock(mutex_);
    const auto ready = [this] { return !incoming_.empty() || ending_ != Ending::none; };
    if (waiting == Waiting::yes) {
        if (const auto step = wait(call, lock, ready)) return *step;
    } else {
        if (const auto step = stopped(call, lock)) return *step;
        if (!ready()) return HttpStep::again;
    }
    if (incoming_.empty()) return ended();
    bytes.swap(incoming_);
    leftover_ = true;
    if (receiver_waits_) news_ = true;
    return HttpStep::done;
}

void Channel::leftover(bool there) {
    const std::lock_guard lock(mutex_);
    leftover_ = there;
    event_.tell(is_readable());
}

int Channel::descriptor() {
    const std::lock_guard lock(mutex_);
    return event_.descriptor(is_readable());
}

void Channel::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    news_ = true;
    waiting_.nudge();
    wake();
}

void Channel::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    news_ = ending_ == Ending::none;
}

bool Channel::take_news() {
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, false);
}

}  // namespace berth::inline host_v1

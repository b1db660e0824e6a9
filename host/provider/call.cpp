#include "call.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <system_error>
#include <utility>

namespace berth::inline host_v1 {

namespace {

constexpr int highest_signal = 64;

/// Whether `event` says no more than `waiting` does: this bounds the queue to one event of each kind and signal.
bool is_same(const CallEvent& waiting, const CallEvent& event) noexcept {
    return waiting.kind == event.kind && waiting.signal == event.signal;
}

}  // namespace

void CallNumbers::take_block() noexcept {
    constexpr std::uint64_t block = 100;
    static std::atomic<std::uint64_t> first{1};  // 0 is no call
    next_ = first.fetch_add(block, std::memory_order_relaxed);
    end_ = next_ + block;
}

// Field by field: copied in one piece they would be read in larger parts than they were just written in, and a processor
// waits for that longer than for all the rest of a Call.
Call::Call(Options options)
    : method_(options.method.data()),
      number_(CallNumbers::next()),
      method_size_(static_cast<std::uint32_t>(options.method.size())),
      deadline_(options.deadline ? *options.deadline : no_deadline),
      cleanup_cap_(options.cleanup_cap),
      progress_(std::move(options.progress)),
      standard_input_(std::move(options.standard_input)) {}

void Call::cancel(CancelReason reason) {
    std::unique_lock lock(mutex_);
    if (cancelled_) return;
    cancelled_ = reason;
    cancelled_at_ = Clock::now();
    is_cancelled_.store(true, std::memory_order_release);
    // Under the lock, so that watch(nullptr) may be followed by the end of the watcher.
    if (watcher_ != nullptr) watcher_->call_cancelled();
    push({.kind = CallEvent::Kind::cancel, .reason = reason}, std::move(lock));
}

void Call::signal(int number) {
    if (number < 1 || number > highest_signal) return;
    push({.kind = CallEvent::Kind::signal, .signal = number}, std::unique_lock(mutex_));
}

void Call::resize(std::uint32_t rows, std::uint32_t columns) {
    push({.kind = CallEvent::Kind::resize, .rows = rows, .columns = columns}, std::unique_lock(mutex_));
}

void Call::detach() {
    push({.kind = CallEvent::Kind::detach}, std::unique_lock(mutex_));
}

void Call::push(const CallEvent& event, std::unique_lock<std::mutex> lock) {
    const auto waiting = std::find_if(events_.begin(), events_.end(),
                                      [&event](const CallEvent& other) { return is_same(other, event); });
    if (waiting != events_.end()) {
        *waiting = event;
    } else {
        events_.push_back(event);
    }
    if (event_) raise_event(event_);
    // Under the lock, for the same reason as the watcher, and so that events keep their order.
    if (listener_ != nullptr) listener_->call_event(event);
    const auto handler = on_event_;
    lock.unlock();
    if (handler) handler();
}

void Call::on_event(std::function<void()> handler) {
    const std::lock_guard lock(mutex_);
    on_event_ = std::move(handler);
}

bool Call::cancelled() const noexcept {
    return is_cancelled_.load(std::memory_order_acquire);
}

std::optional<CancelReason> Call::cancel_reason() const {
    if (!cancelled()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return cancelled_;
}

bool Call::stopped() const {
    if (!cancelled()) return false;
    const std::lock_guard lock(mutex_);
    return cancelled_ && !(cleanup_until_ && Clock::now() < *cleanup_until_);
}

void Call::watch(CancelWatcher* watcher) {
    const std::lock_guard lock(mutex_);
    watcher_ = watcher;
}

void Call::tell(CallEventListener* listener) {
    const std::lock_guard lock(mutex_);
    listener_ = listener;
    if (listener == nullptr) return;
    for (const auto& event : events_)
        listener->call_event(event);
}

void Call::take(const CallEvent& event) {
    const std::lock_guard lock(mutex_);
    std::erase_if(events_, [&event](const CallEvent& other) { return is_same(other, event); });
    if (events_.empty() && event_) clear_event(event_);
}

std::optional<Call::Clock::time_point> Call::patience_end() const {
    if (!cancelled()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return cancelled_at_ + cleanup_cap_;
}

bool Call::listens_for(const CallEvent& event) const noexcept {
    if (listening_ == Listening::everything || event.kind == CallEvent::Kind::cancel) return true;
    return event.kind == CallEvent::Kind::signal && (event.signal == SIGTERM || event.signal == SIGKILL);
}

bool Call::event_waiting() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(events_.begin(), events_.end(), [this](const CallEvent& event) { return listens_for(event); });
}

void Call::listen(Listening listening) {
    const std::lock_guard lock(mutex_);
    listening_ = listening;
}

Call::Listening Call::listening() const {
    const std::lock_guard lock(mutex_);
    return listening_;
}

std::optional<CallEvent> Call::next_event() {
    const std::lock_guard lock(mutex_);
    if (events_.empty()) return std::nullopt;
    const auto event = events_.front();
    events_.erase(events_.begin());
    if (events_.empty() && event_) clear_event(event_);
    return event;
}

int Call::events_descriptor() {
    const std::lock_guard lock(mutex_);
    if (!event_) {
        try {
            event_ = make_event();
        } catch (const std::system_error&) {
            return -1;  // out of descriptors: the plugin falls back on asking `cancelled`
        }
        if (!events_.empty()) raise_event(event_);
    }
    return event_.get();
}

int Call::standard_input() const noexcept {
    return standard_input_.get();
}

std::optional<Call::Clock::time_point> Call::cleanup_until() const {
    const std::lock_guard lock(mutex_);
    return cleanup_until_;
}

Milliseconds Call::begin_cleanup(Milliseconds wanted) {
    const std::lock_guard lock(mutex_);
    if (!cancelled_ || cleanup_until_ || wanted <= Milliseconds{0}) return Milliseconds{0};
    const auto granted = std::min(wanted, cleanup_cap_);
    cleanup_until_ = Clock::now() + granted;
    return granted;
}

void Call::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (progress_) progress_(what, done, total);
}

}  // namespace berth::inline host_v1

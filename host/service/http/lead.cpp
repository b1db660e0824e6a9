#include "lead.hpp"

#include <algorithm>
#include <chrono>

namespace berth::inline host_v1 {

namespace {

/// A plugin that has its answer's head asks for the body next: the thread would only take the lead from it.
constexpr std::chrono::milliseconds patience{2};

}  // namespace

bool Lead::take(Channel& channel) {
    const std::lock_guard lock(mutex_);
    if (leader_ == &channel) return true;
    const auto place = std::find(followers_.begin(), followers_.end(), &channel);
    if (leader_ == nullptr) {
        leader_ = &channel;
        if (place != followers_.end()) followers_.erase(place);
        return true;
    }
    if (place == followers_.end()) followers_.push_back(&channel);
    return false;
}

void Lead::leave(Channel& channel) noexcept {
    const std::lock_guard lock(mutex_);
    if (leader_ == &channel) {
        leader_ = nullptr;
    } else {
        followers_.erase(std::remove(followers_.begin(), followers_.end(), &channel), followers_.end());
    }
}

Lead::Answer Lead::attend(Need need) noexcept {
    const std::lock_guard lock(mutex_);
    return call_somebody(need);
}

/// Those who wait come first; whoever was called and has got its answer meanwhile calls the next when it leaves.
Lead::Answer Lead::call_somebody(Need need) noexcept {
    if (leader_ != nullptr) return Answer::done;
    if (!followers_.empty()) {
        followers_.back()->call();
        return Answer::done;
    }
    if (open_ == 0) return Answer::done;
    if (!has_thread_) return Answer::wants_thread;
    const bool tell = !wanted_ || (need == Need::now && !at_once_);
    wanted_ = true;
    if (need == Need::now) at_once_ = true;
    if (tell) needed_.notify_one();
    return Answer::done;
}

bool Lead::is_free() const noexcept {
    const std::lock_guard lock(mutex_);
    return leader_ == nullptr;
}

void Lead::set_open(std::size_t requests) noexcept {
    const std::lock_guard lock(mutex_);
    open_ = requests;
}

void Lead::thread_starts() noexcept {
    const std::lock_guard lock(mutex_);
    has_thread_ = true;
}

bool Lead::take_when_needed() {
    std::unique_lock lock(mutex_);
    for (;;) {
        needed_.wait(lock, [this] { return over_ || wanted_; });
        needed_.wait_for(lock, patience, [this] { return over_ || at_once_; });
        wanted_ = at_once_ = false;
        if (over_) return false;
        if (!is_unattended()) continue;
        leader_ = this;
        return true;
    }
}

bool Lead::keep() noexcept {
    const std::lock_guard lock(mutex_);
    if (open_ > 0 && !over_) return true;
    leader_ = nullptr;
    (void)call_somebody(Need::soon);
    return false;
}

void Lead::end() noexcept {
    const std::lock_guard lock(mutex_);
    over_ = true;
    needed_.notify_all();
}

}  // namespace berth::inline host_v1

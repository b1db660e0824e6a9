#include "watchdog.hpp"

#include <algorithm>
#include <utility>

namespace berth::inline host_v1 {

struct Watchdog::Watch::Entry {
    Entry(Call& watched, std::optional<Milliseconds> quiet) : call(&watched), patience(quiet) {}
    Call* call;
    std::optional<Milliseconds> patience;   ///< absent: a fixed deadline
    std::atomic<Clock::rep> last_touch{0};  ///< with patience only
    Clock::time_point due;                  ///< its key in entries_; guarded by the watchdog's mutex
    bool listed = false;                    ///< likewise
};

Watchdog::Watch::Watch(Watch&& other) noexcept
    : watchdog_(std::exchange(other.watchdog_, nullptr)), entry_(std::move(other.entry_)) {}

Watchdog::Watch& Watchdog::Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        release();
        watchdog_ = std::exchange(other.watchdog_, nullptr);
        entry_ = std::move(other.entry_);
    }
    return *this;
}

Watchdog::Watch::~Watch() {
    release();
}

void Watchdog::Watch::release() noexcept {
    if (auto* watchdog = std::exchange(watchdog_, nullptr)) watchdog->remove(entry_);
    entry_.reset();
}

void Watchdog::Watch::touch() const noexcept {
    if (entry_) entry_->last_touch.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

Watchdog::Watch Watchdog::until(Call& call, Clock::time_point deadline) {
    auto entry = std::make_shared<Watch::Entry>(call, std::nullopt);
    entry->due = deadline;
    return add(std::move(entry));
}

Watchdog::Watch Watchdog::while_moving(Call& call, Milliseconds patience) {
    auto entry = std::make_shared<Watch::Entry>(call, patience);
    const auto now = Clock::now();
    entry->last_touch.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    entry->due = now + patience;
    return add(std::move(entry));
}

Watchdog::Watch Watchdog::add(std::shared_ptr<Watch::Entry> entry) {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    const auto place = entries_.emplace(entry->due, entry);
    entry->listed = true;
    if (place == entries_.begin()) wake_.notify_one();
    return {this, std::move(entry)};
}

void Watchdog::remove(const std::shared_ptr<Watch::Entry>& entry) noexcept {
    std::unique_lock lock(mutex_);
    if (entry->listed) {
        auto [first, last] = entries_.equal_range(entry->due);
        const auto found = std::find_if(first, last, [&](const auto& item) { return item.second == entry; });
        if (found != last) entries_.erase(found);
        entry->listed = false;
    }
    delivered_.wait(lock, [&] { return delivering_ != entry.get(); });
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        if (entries_.empty()) {
            wake_.wait(lock);
            continue;
        }
        const auto due = entries_.begin()->first;
        if (Clock::now() < due) {
            wake_.wait_until(lock, due);
            continue;
        }
        const auto entry = entries_.begin()->second;
        entries_.erase(entries_.begin());
        if (entry->patience) {
            const Clock::time_point touched{Clock::duration{entry->last_touch.load(std::memory_order_relaxed)}};
            if (touched + *entry->patience > due) {
                entry->due = touched + *entry->patience;
                entries_.emplace(entry->due, entry);
                continue;
            }
        }
        entry->listed = false;
        delivering_ = entry.get();
        lock.unlock();
        entry->call->cancel(CancelReason::deadline);
        lock.lock();
        delivering_ = nullptr;
        delivered_.notify_all();
    }
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

}  // namespace berth::inline host_v1

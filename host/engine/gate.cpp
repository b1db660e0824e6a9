#include "gate.hpp"

#include <utility>

namespace berth::inline host_v1 {

Gate::Gate(std::uint32_t max_concurrency, std::uint32_t max_streams) {
    lane(Queue::calls).free = max_concurrency;
    lane(Queue::streams).free = max_streams;
}

Gate::Place& Gate::Place::operator=(Place&& other) noexcept {
    if (this != &other) {
        leave();
        gate_ = std::exchange(other.gate_, nullptr);
        queue_ = other.queue_;
    }
    return *this;
}

void Gate::Place::leave() noexcept {
    if (auto* gate = std::exchange(gate_, nullptr)) gate->release(queue_);
}

Gate::Place Gate::enter(Queue queue, ActiveCall& call) {
    if (queue == Queue::passes) return {};
    Waiter waiter;
    // Set before the queue is locked: a wake takes the lock itself.
    const ActiveCall::Waking waking(call, [this, &waiter] {
        const std::lock_guard lock(mutex_);
        waiter.granted_or_cancelled.notify_one();
    });
    std::unique_lock lock(mutex_);
    auto& chosen = lane(queue);
    if (chosen.free > 0) {
        --chosen.free;
        return {this, queue};
    }
    const auto place = chosen.waiters.insert(chosen.waiters.end(), &waiter);
    waiter.granted_or_cancelled.wait(lock, [&] { return waiter.granted || call.call().cancelled(); });
    if (waiter.granted) return {this, queue};
    chosen.waiters.erase(place);
    lock.unlock();
    call.check();
    return {};
}

std::size_t Gate::waiting(Queue queue) const {
    const std::lock_guard lock(mutex_);
    return lanes_[queue == Queue::streams ? 1U : 0U].waiters.size();
}

void Gate::release(Queue queue) noexcept {
    const std::lock_guard lock(mutex_);
    auto& chosen = lane(queue);
    if (chosen.waiters.empty()) {
        ++chosen.free;
        return;
    }
    auto* next = chosen.waiters.front();
    chosen.waiters.pop_front();
    next->granted = true;
    next->granted_or_cancelled.notify_one();
}

}  // namespace berth::inline host_v1

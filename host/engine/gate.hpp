// How many calls one provider gets at once: two queues, first come first served. destroy, get and is_ready pass, or N
// open streams could block the destroy that would end them. Knows no method.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

#include "../plugin/method_table.hpp"
#include "active_call.hpp"

namespace berth::inline host_v1 {

class Gate {
public:
    Gate(std::uint32_t max_concurrency, std::uint32_t max_streams);
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    /// A place, given back when it dies. The gate must outlive it.
    class Place {
    public:
        Place() = default;
        Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), queue_(other.queue_) {}
        Place& operator=(Place&& other) noexcept;
        ~Place() { leave(); }

    private:
        friend class Gate;
        Place(Gate* gate, Queue queue) : gate_(gate), queue_(queue) {}
        void leave() noexcept;
        Gate* gate_ = nullptr;
        Queue queue_ = Queue::passes;
    };

    /// Waits for a place. Throws CANCELLED or TIMEOUT when the call ends before.
    [[nodiscard]] Place enter(Queue queue, ActiveCall& call);
    /// How many wait there now; for tests and logs.
    [[nodiscard]] std::size_t waiting(Queue queue) const;

private:
    struct Waiter {
        std::condition_variable granted_or_cancelled;
        bool granted = false;
    };
    struct Lane {
        std::uint32_t free = 0;
        std::list<Waiter*> waiters;
    };
    [[nodiscard]] Lane& lane(Queue queue) noexcept { return lanes_[queue == Queue::streams ? 1U : 0U]; }
    void release(Queue queue) noexcept;

    mutable std::mutex mutex_;
    std::array<Lane, 2> lanes_;
};

}  // namespace berth::inline host_v1

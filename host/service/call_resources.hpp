// What services opened for one call, until its method has returned. Knows no service.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "service_call.hpp"

namespace berth::inline host_v1 {

/// Any thread.
class CallResources {
public:
    /// So many closed ones are remembered, to tell a plugin that uses one once more from one that does not; a call that
    /// asks its backend a million times must not grow.
    static constexpr std::size_t most_closed = 32;

    /// Nothing was opened since the beginning or close(). Without a lock: most calls open nothing.
    [[nodiscard]] bool are_empty() const noexcept { return are_empty_.load(std::memory_order_acquire); }

    void add(std::unique_ptr<ServiceResource> resource) {
        const std::lock_guard lock(mutex_);
        if (resources_.size() >= forget_at_) forget_closed();
        resources_.push_back(std::move(resource));
        are_empty_.store(false, std::memory_order_release);
    }

    void cancel() noexcept {
        const std::lock_guard lock(mutex_);
        for (const auto& resource : resources_)
            resource->call_cancelled();
    }

    void close() noexcept {
        std::vector<std::unique_ptr<ServiceResource>> closing;
        {
            const std::lock_guard lock(mutex_);
            closing.swap(resources_);
            are_empty_.store(true, std::memory_order_release);
        }
    }

private:
    void forget_closed() {
        auto closed = static_cast<std::size_t>(std::count_if(
            resources_.begin(), resources_.end(), [](const auto& resource) { return resource->is_closed(); }));
        std::erase_if(resources_, [&closed](const auto& resource) {
            if (closed <= most_closed || !resource->is_closed()) return false;
            --closed;
            return true;
        });
        forget_at_ = 2 * (resources_.size() + most_closed);
    }

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<ServiceResource>> resources_;
    std::size_t forget_at_ = 2 * most_closed;
    std::atomic<bool> are_empty_{true};
};

}  // namespace berth::inline host_v1

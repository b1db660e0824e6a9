// Threads that run plugin code for streams: small stacks with a guard page, as the contract promises plugins.
// Knows nothing of what runs on them.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace berth::inline host_v1 {

class EngineThreads {
public:
    EngineThreads() = default;
    EngineThreads(const EngineThreads&) = delete;
    EngineThreads& operator=(const EngineThreads&) = delete;
    /// Waits for all. Must not run on one of them.
    ~EngineThreads();

    /// Runs `work`, which must not throw, on a thread of its own. Throws Error (RESOURCE_EXHAUSTED) when there is none.
    void start(std::function<void()> work);

    /// The stack each thread gets: what plugins are promised, static TLS of everything loaded, and our own frames.
    [[nodiscard]] static std::size_t stack_bytes();

private:
    struct Thread {
        std::function<void()> work;
        pthread_t handle{};
        std::atomic<bool> finished{false};
    };
    static void* run(void* thread) noexcept;
    void join_finished();

    std::mutex mutex_;
    std::list<std::unique_ptr<Thread>> threads_;
};

}  // namespace berth::inline host_v1

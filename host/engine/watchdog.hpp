// The clock of a Host: one thread that cancels calls at their deadline, or when nothing has moved for too long.
// Knows calls, and nothing of what they do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "../provider/call.hpp"

namespace berth::inline host_v1 {

class Watchdog {
public:
    using Clock = Call::Clock;

    Watchdog() = default;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    /// No watch may be left.
    ~Watchdog();

    /// Watches one call as long as it lives. Once destroyed, the call is not touched any more: the destructor waits for
    /// a cancel that is being delivered. Not to be destroyed inside an event handler of its call.
    class Watch {
    public:
        Watch() = default;
        Watch(Watch&& other) noexcept;
        Watch& operator=(Watch&& other) noexcept;
        ~Watch();
        /// Something moved: the patience begins anew. Cheap; any thread.
        void touch() const noexcept;

    private:
        friend class Watchdog;
        struct Entry;
        Watch(Watchdog* watchdog, std::shared_ptr<Entry> entry) : watchdog_(watchdog), entry_(std::move(entry)) {}
        void release() noexcept;
        Watchdog* watchdog_ = nullptr;
        std::shared_ptr<Entry> entry_;
    };

    /// Cancels `call` (reason deadline) at that moment.
    [[nodiscard]] Watch until(Call& call, Clock::time_point deadline);
    /// Cancels `call` (reason deadline) when it has not been touched for that long.
    [[nodiscard]] Watch while_moving(Call& call, Milliseconds patience);

private:
    [[nodiscard]] Watch add(std::shared_ptr<Watch::Entry> entry);
    void remove(const std::shared_ptr<Watch::Entry>& entry) noexcept;
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;       ///< the thread: something earlier came, or the end
    std::condition_variable delivered_;  ///< a removal: the cancel it waited for is done
    std::multimap<Clock::time_point, std::shared_ptr<Watch::Entry>> entries_;
    Watch::Entry* delivering_ = nullptr;
    bool ending_ = false;
    std::thread thread_;  ///< started with the first watch
};

}  // namespace berth::inline host_v1

// Where a plugin's thread waits inside a service for what another thread brings, until its call is given up; and the
// descriptor that tells a plugin's own poll() the same. Knows neither what is awaited nor a library.
#pragma once

#include <condition_variable>
#include <mutex>
#include <system_error>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

/// Every function is called with the lock of what is awaited.
class CallWait {
public:
    using Lock = std::unique_lock<std::mutex>;

    /// Until `ready()`. False: `given_up(lock)` said first that nobody may wait here any more; it gives the lock back
    /// while it asks the call, which may be telling of a cancel just then. `until()`, asked without the lock, is the
    /// time to ask again at, if there is one. `rest(lock, end, woken)` passes the time, once, until `woken()` may be true.
    template <typename GivenUp, typename Until, typename Ready, typename Rest>
    [[nodiscard]] bool wait(Lock& lock, GivenUp&& given_up, Until&& until, Ready&& ready, Rest&& rest) {
        for (;;) {
            if (given_up(lock)) return false;
            if (ready()) return true;
            lock.unlock();
            const auto end = until();
            lock.lock();
            const auto woken = [&] { return ready() || nudged_; };
            if (!woken()) rest(lock, end, woken);
            nudged_ = false;
        }
    }
    /// The same, asleep.
    template <typename GivenUp, typename Until, typename Ready>
    [[nodiscard]] bool wait(Lock& lock, GivenUp&& given_up, Until&& until, Ready&& ready) {
        return wait(lock, given_up, until, ready,
                    [this](Lock& held, const auto& end, const auto& woken) { sleep(held, end, woken); });
    }
    /// Until `woken()`, of which wake() tells, or `end`, if there is one.
    template <typename End, typename Woken>
    void sleep(Lock& lock, const End& end, const Woken& woken) {
        if (end) {
            (void)changed_.wait_until(lock, *end, woken);
        } else {
            changed_.wait(lock, woken);
        }
    }
    /// Something has changed.
    void wake() noexcept { changed_.notify_all(); }
    /// The call has to be asked again.
    void nudge() noexcept {
        nudged_ = true;
        wake();
    }

private:
    std::condition_variable changed_;
    bool nudged_ = false;
};

/// Readable while there is something to take. Made when it is first asked for. Called with the same lock.
class ReadinessEvent {
public:
    void tell(bool is_ready) noexcept {
        if (!event_ || is_ready == is_raised_) return;
        if (is_ready) {
            raise_event(event_);
        } else {
            clear_event(event_);
        }
        is_raised_ = is_ready;
    }
    /// -1: the process is out of descriptors, and the plugin has to wait in the service's own functions.
    [[nodiscard]] int descriptor(bool is_ready) noexcept {
        if (!event_) {
            try {
                event_ = make_event();
            } catch (const std::system_error&) {
                return -1;
            }
            tell(is_ready);
        }
        return event_.get();
    }

private:
    FileDescriptor event_;
    bool is_raised_ = false;
};

}  // namespace berth::inline host_v1

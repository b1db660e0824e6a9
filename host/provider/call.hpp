// One call in flight: its deadline, what the caller says meanwhile, its clean-up window, its progress.
// The engine makes one for each method call and keeps it until the method has returned; the provider hands its C face
// to the plugin. Knows no method.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../base/duration.hpp"
#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

enum class CancelReason : std::int32_t { caller = 1, deadline = 2, shutdown = 3 };

/// Something the caller says while a call runs.
struct CallEvent {
    enum class Kind : std::uint32_t { cancel = 1, signal = 2, resize = 3, detach = 4 };
    Kind kind = Kind::cancel;
    CancelReason reason = CancelReason::caller;
    int signal = 0;
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
};

/// Hears of a cancel at once, on the thread that cancels. Must neither wait nor ask the call anything.
class CancelWatcher {
public:
    virtual void call_cancelled() noexcept = 0;

protected:
    ~CancelWatcher() = default;
};

/// Hears each event as it is said, on the thread that said it: what carries events to where the plugin runs. Must neither
/// wait nor ask the call anything.
class CallEventListener {
public:
    virtual void call_event(const CallEvent& event) noexcept = 0;

protected:
    ~CallEventListener() = default;
};

/// Numbers of calls, unique in this process, so that lines of the log about one can be told from those about others. A
/// thread takes a hundred at a time: they say nothing about who came first.
class CallNumbers {
public:
    [[nodiscard]] static std::uint64_t next() noexcept {
        if (next_ == end_) take_block();
        return next_++;
    }

private:
    static void take_block() noexcept;
    static inline constinit thread_local std::uint64_t next_ = 0;
    static inline constinit thread_local std::uint64_t end_ = 0;
};

class Call {
public:
    using Clock = std::chrono::steady_clock;
    using ProgressHandler = std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

    struct Options {
        std::string_view method{};                    ///< snake_case, a string of static lifetime
        std::optional<Clock::time_point> deadline{};  ///< of the operation; whoever watches time calls cancel()
        Milliseconds cleanup_cap{10'000};             ///< the longest clean-up window this call may open
        ProgressHandler progress{};                   ///< runs on the provider's thread; may be empty
        FileDescriptor standard_input{};              ///< read end of the pipe for live stdin, or none
    };

    explicit Call(Options options);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() = default;

    // --- the caller's side, any thread ---
    void cancel(CancelReason reason);  ///< the first reason counts
    /// 1..64; another number is nothing at all. One that already waits is not queued twice, as in the kernel.
    void signal(int number);
    void resize(std::uint32_t rows, std::uint32_t columns);  ///< replaces a size that still waits
    void detach();
    /// Runs after each event is queued, on the thread that queued it; lets a blocked output wake. Set before the call.
    void on_event(std::function<void()> handler);

    // --- the provider's side ---
    [[nodiscard]] bool cancelled() const noexcept;                    ///< any thread
    [[nodiscard]] std::optional<CancelReason> cancel_reason() const;  ///< any thread
    /// Cancelled, and no clean-up window is open: services and sinks answer CANCELLED.
    [[nodiscard]] bool stopped() const;
    /// An event waits that the method listens for: what holds it up in an output must let go. Any thread.
    [[nodiscard]] bool event_waiting() const;
    /// What the method listens for; `everything` at first. A cancel, SIGTERM and SIGKILL are for every method.
    enum class Listening { endings, everything };
    void listen(Listening listening);
    [[nodiscard]] Listening listening() const;
    [[nodiscard]] std::optional<CallEvent> next_event();  ///< never blocks
    [[nodiscard]] int events_descriptor();                ///< made when first asked for; -1 when it cannot be made
    [[nodiscard]] int standard_input() const noexcept;    ///< -1 when the call has none
    /// Tells `watcher` of a cancel; nullptr: nobody any more, and nobody is being told when this returns.
    void watch(CancelWatcher* watcher);
    /// Tells `listener` of events, those that wait already first; nullptr: nobody any more, and nobody is being told when
    /// this returns. What it hears waits here all the same until take().
    void tell(CallEventListener* listener);
    /// A plugin elsewhere has taken an event of this kind and signal: it waits here no more.
    void take(const CallEvent& event);
    /// After a cancel: the moment from which even what must not be cut in the middle is given up.
    [[nodiscard]] std::optional<Clock::time_point> patience_end() const;
    /// The end of time of the clean-up window, once one was opened: supervision waits for it.
    [[nodiscard]] std::optional<Clock::time_point> cleanup_until() const;
    /// Opens the clean-up window: once, after a cancel, at most cleanup_cap long. Gives what was granted, else 0.
    Milliseconds begin_cleanup(Milliseconds wanted);
    void progress(std::string_view what, std::uint64_t done, std::uint64_t total);

    [[nodiscard]] std::string_view method() const noexcept { return {method_, method_size_}; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept {
        return deadline_ == no_deadline ? std::nullopt : std::optional(deadline_);
    }
    /// As the contract writes it: nanoseconds of the steady clock, and the largest number when there is none.
    [[nodiscard]] std::int64_t deadline_ns() const noexcept {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(deadline_.time_since_epoch()).count();
    }

private:
    void push(const CallEvent& event, std::unique_lock<std::mutex> lock);
    [[nodiscard]] bool listens_for(const CallEvent& event) const noexcept;

    static constexpr auto no_deadline = Clock::time_point::max();
    static_assert(std::is_same_v<Clock::duration, std::chrono::nanoseconds>);

    const char* method_;
    std::uint64_t number_;
    std::uint32_t method_size_;
    Clock::time_point deadline_;
    Milliseconds cleanup_cap_;
    ProgressHandler progress_;
    FileDescriptor standard_input_;
    mutable std::mutex mutex_;
    std::vector<CallEvent> events_;  ///< in their order; at most one of each kind and signal
    std::function<void()> on_event_;
    Listening listening_ = Listening::everything;
    std::optional<CancelReason> cancelled_;
    /// Whether that is there, to be asked without a lock: nearly every call ends without it.
    std::atomic<bool> is_cancelled_{false};
    Clock::time_point cancelled_at_{};
    CancelWatcher* watcher_ = nullptr;
    CallEventListener* listener_ = nullptr;
    std::optional<Clock::time_point> cleanup_until_;
    FileDescriptor event_;
};

}  // namespace berth::inline host_v1

// One call in flight as the engine holds it: the Call, whoever may end it (stop token, deadline, end of the Host), and
// whoever wants to wake when something is said to it. Knows no provider and no method's meaning.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "../base/error.hpp"
#include "../plugin/method_table.hpp"
#include "../provider/call.hpp"
#include "watchdog.hpp"

namespace berth::inline host_v1 {

class ActiveCall;

/// All calls in flight of one Host, so that its end reaches each of them. Any thread.
class CallRegistry {
public:
    /// Ends every call, and each later one as it comes.
    void shut_down();
    /// Waits until none is left, at most until `moment`. Returns the names of the methods that still run.
    [[nodiscard]] std::vector<std::string> wait_until_empty(Call::Clock::time_point moment);

private:
    friend class ActiveCall;
    void add(ActiveCall& call);
    void remove(ActiveCall& call) noexcept;

    std::mutex mutex_;
    std::condition_variable empty_;
    std::set<ActiveCall*> calls_;
    bool ended_ = false;
};

/// Neither copied nor moved: handlers point at it.
class ActiveCall {
public:
    /// What the end of the Host means for the call.
    enum class AtShutdown { cancel, detach, run_on };

    struct Setup {
        Method method = Method::get;
        std::string provider;
        std::string sandbox;
        Call::Clock::time_point began = Call::Clock::now();
        std::optional<Milliseconds> deadline;  ///< from `began`
        std::optional<Milliseconds> patience;  ///< without a touch()
        Milliseconds cleanup_cap{10'000};
        std::stop_token stop;
        Call::ProgressHandler progress;
        FileDescriptor standard_input;
        AtShutdown at_shutdown = AtShutdown::cancel;
    };

    ActiveCall(CallRegistry& registry, Watchdog& watchdog, Setup setup);
    ActiveCall(const ActiveCall&) = delete;
    ActiveCall& operator=(const ActiveCall&) = delete;
    ~ActiveCall();

    [[nodiscard]] Call& call() noexcept { return call_; }
    [[nodiscard]] const Setup& setup() const noexcept { return setup_; }
    [[nodiscard]] std::string_view method() const noexcept { return row_of(setup_.method).name; }
    /// Bytes moved: patience begins anew.
    void touch() const noexcept { watch_.touch(); }
    /// Asks the provider to leave the process running.
    void detach();
    [[nodiscard]] bool detach_asked() const noexcept { return detach_asked_; }
    /// What the end of the Host means; before the plugin is entered.
    void at_shutdown(AtShutdown what) noexcept { at_shutdown_ = what; }
    /// Throws when the call was ended: nothing has been done for it.
    void check() const;

    /// While it lives, `wake` runs after each event, on the thread that said it. One at a time.
    class Waking {
    public:
        Waking(ActiveCall& call, std::function<void()> wake) : call_(call) { call_.set_wake(std::move(wake)); }
        Waking(const Waking&) = delete;
        Waking& operator=(const Waking&) = delete;
        ~Waking() { call_.set_wake({}); }

    private:
        ActiveCall& call_;
    };

    /// `error` as the caller is to see it: with its place, and as TIMEOUT when it was the deadline that cancelled.
    [[nodiscard]] Error explained(const Error& error) const;
    /// The exception being handled, as the caller is to see it: whatever is not an Error becomes one.
    [[nodiscard]] Error current_failure() const;

private:
    friend class CallRegistry;
    void set_wake(std::function<void()> wake);
    void host_ends();
    [[nodiscard]] Error cancelled_error() const;

    CallRegistry& registry_;
    Setup setup_;
    Call call_;
    std::mutex wake_mutex_;
    std::function<void()> wake_;
    std::atomic<bool> detach_asked_{false};
    std::atomic<AtShutdown> at_shutdown_;
    Watchdog::Watch watch_;
    struct Stopper {
        Call* call;
        void operator()() const { call->cancel(CancelReason::caller); }
    };
    std::optional<std::stop_callback<Stopper>> stopper_;
};

/// `began` plus a duration, without overflow.
[[nodiscard]] Call::Clock::time_point later(Call::Clock::time_point began, Milliseconds duration) noexcept;

}  // namespace berth::inline host_v1

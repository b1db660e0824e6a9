// One call as a method sees it: cancelled or not, what the caller says meanwhile, the clean-up window, undo.
// A Call lives as long as the method runs; except for cancelled() it is used by one thread at a time (rule T2).
#ifndef BERTH_CALL_HPP
#define BERTH_CALL_HPP

#include <poll.h>

#include <deque>

#include "call.h"
#include "detail/convert.hpp"
#include "detail/lock.hpp"

namespace berth::inline sdk_v1 {

/// Why a call is cancelled.
enum class CancelReason : std::int32_t {
    caller = BERTH_CANCEL_CALLER,
    deadline = BERTH_CANCEL_DEADLINE,
    shutdown = BERTH_CANCEL_SHUTDOWN
};

/// What an event is.
enum class EventKind : std::uint32_t {
    cancel = BERTH_EVENT_CANCEL,  ///< Give up; `reason` says why.
    signal = BERTH_EVENT_SIGNAL,  ///< Send `signal`: TERM and KILL to the whole group, others to the main process.
    resize = BERTH_EVENT_RESIZE,  ///< The terminal is now `rows` x `columns`.
    detach = BERTH_EVENT_DETACH   ///< Leave the process running and return ProcessEnd::detached().
};

/// Something the caller says while a call runs.
struct Event {
    EventKind kind;
    CancelReason reason;
    int signal;
    std::uint32_t rows;
    std::uint32_t columns;
};

template <class Action>
class Undo;

class Call {
public:
    explicit Call(berth_call* raw, berth_info_sink* infos = nullptr, detail::Lock* lock = nullptr)
        : raw_(raw), infos_(infos), lock_(lock) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// Unique in this host; for logs.
    std::uint64_t number() const noexcept { return raw_->number; }
    /// True once the caller gave up or the deadline passed. [any thread]
    bool cancelled() const noexcept { return raw_->cancelled(raw_) != 0; }
    /// Throws Code::cancelled when the call is cancelled and no clean-up window is open.
    void throw_if_cancelled() const {
        if (!window_ && cancelled()) throw Error(Code::cancelled, "cancelled");
    }
    /// When the operation (not the process) must be over; absent: never. A cancel event comes by itself then.
    std::optional<std::chrono::steady_clock::time_point> deadline() const {
        if (raw_->deadline_ns == INT64_MAX) return std::nullopt;
        return std::chrono::steady_clock::time_point{std::chrono::nanoseconds{raw_->deadline_ns}};
    }

    /// A descriptor that polls readable while an event waits, or -1 when the host has none left. The host's: never read
    /// or close it.
    int events_fd() { return raw_->events_fd(raw_); }
    /// The next event; never waits. Look here before each wait on events_fd(): ProcessSink::output may have kept one.
    std::optional<Event> next_event() {
        if (!kept_.empty()) {
            Event event = kept_.front();
            kept_.pop_front();
            return event;
        }
        return take_event();
    }
    /// The read end of the pipe that carries live stdin, else -1. The host's: hand it to a child, or dup it.
    int stdin_fd() { return raw_->stdin_fd(raw_); }
    /// Waits, and throws Code::cancelled as soon as the call is. For polling a backend with a growing interval.
    /// Returns early when another event waits; inside a clean-up window it waits to the end.
    void sleep(Duration time) {
        const auto end = std::chrono::steady_clock::now() + time;
        for (;;) {
            throw_if_cancelled();
            const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
            if (left.count() <= 0) return;
            pollfd events{window_ ? -1 : events_fd(), POLLIN, 0};
            // Without a descriptor only `cancelled` tells: look often.
            const Duration most = window_ || events.fd >= 0 ? Duration{INT32_MAX} : Duration{50};
            if (poll(&events, 1, static_cast<int>((left < most ? left : most).count())) > 0) {
                throw_if_cancelled();
                return;
            }
        }
    }
    /// Waits the whole time and throws Code::cancelled as soon as the call is. Other events that come meanwhile are kept
    /// for next_event(); inside a clean-up window nothing ends it early.
    void wait(Duration time) {
        const auto end = std::chrono::steady_clock::now() + time;
        for (;;) {
            const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
            sleep(left.count() > 0 ? left : Duration{0});
            if (left.count() <= 0) return;
            while (std::optional<Event> event = take_event())
                kept_.push_back(*event);
        }
    }

    /// Tells a waiting person what goes on; `total` 0 = unknown.
    void progress(std::string_view what, std::uint64_t done = 0, std::uint64_t total = 0) {
        raw_->progress(raw_, detail::text(what), done, total);
    }
    /// In create and restart: tells the host about the sandbox before it is ready, as soon as the backend has named it,
    /// so that a crash leaves no sandbox that nobody can name. Throws Code::cancelled when the call is.
    void announce(const SandboxInfo& info) {
        if (infos_ == nullptr) throw Error(Code::internal, "announce was called in a method that makes no sandbox");
        const berth_status status = infos_->put(infos_, detail::RawInfo{info}.get());
        if (status != BERTH_OK && status != BERTH_ENOUGH)
            throw Error::recorded_by_host(status, "the host did not take the announced sandbox");
    }

    /// After a cancel: opens, once, a bounded window in which services work again. Returns how much was granted; zero
    /// when the call is not cancelled or the window was used.
    Duration begin_cleanup(Duration wanted) {
        const Duration granted{raw_->begin_cleanup(raw_, wanted.count())};
        if (granted.count() > 0) window_ = true;
        return granted;
    }
    /// A clean-up begins: what the host answers from here on does not replace what has failed before.
    void keep_reason() noexcept { (void)raw_->begin_cleanup(raw_, 0); }
    /// Runs `action` when the returned guard dies without dismiss(), in a clean-up window when the call was cancelled.
    /// What the action throws never replaces the first error. `auto undo = call.undo([&] { remove(id); });`
    template <class Action>
    [[nodiscard]] Undo<Action> undo(Action action, Duration wanted = std::chrono::seconds{10}) {
        return Undo<Action>{*this, std::move(action), wanted};
    }
    /// Runs `action` under the class's lock and returns what it returns: for the methods that berth::Locked leaves
    /// unlocked.
    template <class Action>
    decltype(auto) locked(Action&& action) {
        if (lock_ == nullptr) throw Error(Code::internal, "Call::locked needs a plugin class wrapped in berth::Locked");
        const detail::Locking locking{lock_};
        return std::forward<Action>(action)();
    }
    /// Records why this call fails and returns the number to return; the guard around each method calls it.
    berth_status fail(const Error& error) noexcept;

    berth_call* raw() const { return raw_; }

private:
    template <class Action>
    friend class Undo;
    friend class ProcessSink;

    std::optional<Event> take_event() {
        berth_event event = detail::sized<berth_event>();
        while (raw_->next_event(raw_, &event) == BERTH_OK) {
            if (event.kind >= BERTH_EVENT_CANCEL && event.kind <= BERTH_EVENT_DETACH)
                return Event{static_cast<EventKind>(event.kind), static_cast<CancelReason>(event.reason), event.signal,
                             event.rows, event.columns};
            event = detail::sized<berth_event>();  // one of a later minor: skipped
        }
        return std::nullopt;
    }

    berth_call* raw_;
    berth_info_sink* infos_;
    detail::Lock* lock_;
    std::deque<Event> kept_;
    bool window_ = false;
    bool undone_ = false;       // an undo ran to its end
    bool undo_failed_ = false;  // what was begun may still be there
    bool idle_ = false;         // this runs a process, and has not started it yet
};

/// The guard that Call::undo returns.
template <class Action>
class [[nodiscard]] Undo {
public:
    Undo(Call& call, Action action, Duration wanted) : call_(&call), action_(std::move(action)), wanted_(wanted) {}
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
        if (call_ == nullptr) return;
        call_->keep_reason();
        // A cancel may come in the middle of it: then once more, inside the window.
        if (!(run() || (open_window() && run()))) call_->undo_failed_ = true;
    }
    /// All went well: nothing is to be undone.
    void dismiss() noexcept { call_ = nullptr; }

private:
    bool open_window() noexcept {
        return !call_->window_ && call_->cancelled() && call_->begin_cleanup(wanted_).count() > 0;
    }
    bool run() noexcept {
        open_window();
        try {
            action_();
            call_->undone_ = true;
            return true;
        } catch (...) {
            return false;
        }
    }

    Call* call_;
    Action action_;
    Duration wanted_;
};

inline berth_status Call::fail(const Error& error) noexcept {
    // The host knows the reason; that an undo failed, and what was begun may still be there, it does not know.
    if (error.is_recorded() && !undo_failed_) return static_cast<berth_status>(error.code());
    try {
        const detail::PairList details{error.details()};
        berth_error raw = detail::sized<berth_error>();
        raw.code = static_cast<std::int32_t>(error.code());
        if (error.is_recorded()) raw.flags = BERTH_ERROR_PASSED;
        Outcome outcome = error.outcome();
        if (undo_failed_ && outcome == Outcome::none)
            outcome = Outcome::unknown;  // its own request may have done nothing: what came before it is not undone
        else if (!error.given_outcome() && (undone_ || (idle_ && error.code() == Code::cancelled)))
            outcome = Outcome::none;
        raw.outcome = static_cast<std::int32_t>(outcome);
        raw.message = detail::text(error.message());
        raw.hint = detail::text_if(error.hint());
        raw.details = details.raw();
        raw.index = detail::number_if(error.index());
        raw.path = detail::text_if(error.path());
        raw.retry_after_ms = detail::number_if(error.retry_after());
        raw.upstream_code = detail::text_if(error.upstream_code());
        raw.upstream_request_id = detail::text_if(error.upstream_request_id());
        return raw_->fail(raw_, &raw);
    } catch (...) {
        return static_cast<berth_status>(error.code());  // no memory for the details: the code alone
    }
}

}  // namespace berth::inline sdk_v1

#endif

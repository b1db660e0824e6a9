// One call under the fake host: what the caller says, what the plugin reports, and whether it keeps the rules of calls.
// A second implementation, independent of the host's; made for one method call and kept after it, so that late use
// shows.
#ifndef BERTH_TESTING_FAKE_CALL_HPP
#define BERTH_TESTING_FAKE_CALL_HPP

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "../call.hpp"
#include "arena.hpp"
#include "process_state.hpp"
#include "rules.hpp"

namespace berth::inline sdk_v1::testing {

/// What all objects of one fake host share.
struct Shared {
    Rules rules;
    Plan plan;
    ContractSize size = ContractSize::current;
    std::vector<std::string> secrets;
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> exchanges_left_open{0};
};

/// The two ends of a pipe of which one is lent to the plugin.
class LentPipe {
public:
    LentPipe() = default;
    LentPipe(const LentPipe&) = delete;
    LentPipe& operator=(const LentPipe&) = delete;
    ~LentPipe() {
        close_writer();
        if (identity_ == identity(reader_)) close(reader_);
    }
    void open() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw Error(Code::internal, "no descriptor is left for a pipe");
        reader_ = ends[0];
        writer_ = ends[1];
        identity_ = identity(reader_);
    }
    bool is_open() const { return reader_ >= 0; }
    int reader() const { return reader_; }
    bool write(std::string_view bytes) const {
        return ::write(writer_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    }
    void close_writer() {
        if (writer_ >= 0) close(std::exchange(writer_, -1));
    }
    /// False when the plugin closed what it was lent.
    bool is_intact() const { return reader_ < 0 || identity_ == identity(reader_); }
    std::size_t waiting() const {
        pollfd entry{reader_, POLLIN, 0};
        return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0 ? 1 : 0;
    }

private:
    static std::uint64_t identity(int descriptor) {
        struct stat status {};
        return descriptor >= 0 && fstat(descriptor, &status) == 0 ? status.st_ino : 0;
    }
    int reader_ = -1;
    int writer_ = -1;
    std::uint64_t identity_ = 0;
};

class FakeCall : public berth_call {
public:
    FakeCall(Shared& shared, std::string method) : berth_call{}, shared_(shared), method_(std::move(method)) {
        testing::detail::claim(static_cast<berth_call&>(*this), shared.size);
        number = ++shared.calls;
        deadline_ns = INT64_MAX;
        host_data = this;
        berth_call::cancelled = [](const berth_call* raw) noexcept -> std::int32_t {
            return from(raw).was_cancelled();
        };
        berth_call::events_fd = [](berth_call* raw) noexcept { return from(raw).lend_events(); };
        berth_call::next_event = [](berth_call* raw, berth_event* event) noexcept { return from(raw).take(event); };
        berth_call::stdin_fd = [](berth_call* raw) noexcept { return from(raw).lend_stdin(); };
        berth_call::fail = [](berth_call* raw, const berth_error* error) noexcept { return from(raw).record(error); };
        berth_call::begin_cleanup = [](berth_call* raw, std::int64_t ms) noexcept { return from(raw).open_window(ms); };
        berth_call::progress = [](berth_call* raw, berth_str, std::uint64_t, std::uint64_t) noexcept {
            const Use use{from(raw), "progress"};
        };
    }

    // --- the caller's side ---
    void cancel(CancelReason reason = CancelReason::caller) {
        if (cancelled_.exchange(true)) return;
        push({EventKind::cancel, reason, 0, 0, 0});
    }
    void signal(int signal_number) { push({EventKind::signal, {}, signal_number, 0, 0}); }
    void resize(std::uint32_t rows, std::uint32_t columns) { push({EventKind::resize, {}, 0, rows, columns}); }
    void detach() { push({EventKind::detach, {}, 0, 0, 0}); }
    void push(const Event& event) {
        const ::berth::detail::Locking locking{&lock_};
        events_.push_back(event);
        if (events_.size() == 1 && events_pipe_.is_open()) (void)events_pipe_.write("!");
    }
    void give_stdin(std::string_view bytes) {
        stdin_.open();
        if (!stdin_.write(bytes)) throw Error(Code::invalid_argument, "live stdin of a test holds at most 64 KiB");
        stdin_.close_writer();
    }

    // --- the host's side ---
    /// Cancelled, and no clean-up window is open: services and sinks answer CANCELLED.
    bool stopped() const { return cancelled_ && !window_; }
    bool event_waits() {
        const ::berth::detail::Locking locking{&lock_};
        return !events_.empty();
    }
    /// A service of the host failed: it has recorded why.
    berth_status host_fails(berth_status status, std::string message, Outcome outcome = Outcome::unknown) {
        auto& error = cleans_up_ ? error_in_cleanup_ : host_error_;
        error = Error(static_cast<Code>(status), std::move(message)).outcome(outcome);
        return status;
    }
    berth_status host_stops() { return host_fails(BERTH_CANCELLED, "cancelled", Outcome::none); }
    void broken(std::string_view rule, std::string_view what) {
        shared_.rules.broken(rule, std::string{what} + " (" + method_ + ")");
    }
    void check_text(std::string_view bytes, const char* what) {
        if (is_dead(bytes)) broken("M1", std::string{"a view that had died was used as "} + what);
    }
    Shared& shared() { return shared_; }
    const std::string& method() const { return method_; }
    const std::optional<Error>& failure() const { return failure_; }
    bool is_cancelled() const { return cancelled_; }
    bool is_over() const { return over_; }

    /// The method has returned: checks what it leaves behind, and gives the error that the caller sees.
    std::optional<Error> finish(berth_status status);

    /// Marks that one thread is inside an object of this call, and counts the contact.
    class Use {
    public:
        enum class Counts { as_contact, not_at_all };
        Use(FakeCall& call, const char* what, Counts counts = Counts::as_contact) : call_(call) {
            if (call_.over_) call_.broken("T2", std::string{what} + " was called after the method had returned");
            if (call_.users_++ != 0)
                call_.broken("T2", std::string{what} + " was called while another thread was inside");
            if (call_.stopped() && ++call_.contacts_after_stop_ == 100)
                call_.broken("C1", "the method goes on and on after a cancel");
            if (counts == Counts::as_contact && call_.shared_.plan.strikes(Interruption::cancel)) call_.cancel();
        }
        ~Use() { --call_.users_; }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

    private:
        FakeCall& call_;
    };

    static FakeCall& from(berth_call* raw) { return *static_cast<FakeCall*>(raw); }
    static FakeCall& from(const berth_call* raw) { return *static_cast<FakeCall*>(raw->host_data); }

private:
    std::int32_t was_cancelled() {
        if (over_) broken("T2", "cancelled was called after the method had returned");
        if (shared_.plan.strikes(Interruption::cancel)) cancel();
        return cancelled_ ? 1 : 0;
    }
    int lend_events() {
        const Use use{*this, "events_fd"};
        const ::berth::detail::Locking locking{&lock_};
        if (!events_pipe_.is_open()) {
            events_pipe_.open();
            if (!events_.empty()) (void)events_pipe_.write("!");
        }
        return events_pipe_.reader();
    }
    berth_status take(berth_event* event) {
        const Use use{*this, "next_event"};
        const ::berth::detail::Locking locking{&lock_};
        if (event->size < sizeof(berth_event)) broken("V2", "next_event was given an event without its size");
        if (events_.empty()) return BERTH_AGAIN;
        const Event next = events_.front();
        events_.pop_front();
        char mark = 0;
        if (events_.empty() && events_pipe_.is_open() && ::read(events_pipe_.reader(), &mark, 1) != 1)
            broken("M3", "the plugin read from the events descriptor, which is only to be polled");
        *event = {sizeof(berth_event),
                  static_cast<std::uint32_t>(next.kind),
                  static_cast<std::int32_t>(next.reason),
                  next.signal,
                  next.rows,
                  next.columns};
        return BERTH_OK;
    }
    int lend_stdin() {
        const Use use{*this, "stdin_fd"};
        return stdin_.reader();
    }
    berth_status record(const berth_error* error);
    std::int64_t open_window(std::int64_t wanted) {
        const Use use{*this, "begin_cleanup"};
        cleans_up_ = true;
        if (!cancelled_ || window_ || wanted <= 0) return 0;
        window_ = true;
        return wanted < 10'000 ? wanted : 10'000;
    }

    Shared& shared_;
    std::string method_;
    ProcessState process_before_ = ProcessState::now();
    ::berth::detail::Lock lock_;
    std::deque<Event> events_;
    LentPipe events_pipe_;
    LentPipe stdin_;
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> over_{false};
    std::atomic<int> users_{0};
    std::atomic<int> contacts_after_stop_{0};
    /// What the host itself has said with this number: what came before a clean-up is the reason.
    std::optional<Error> passed(berth_status status) const {
        for (const auto* error : {&host_error_, &error_in_cleanup_})
            if (*error && static_cast<berth_status>((*error)->code()) == status) return *error;
        return std::nullopt;
    }

    bool window_ = false;
    bool cleans_up_ = false;
    std::optional<Error> failure_;
    bool failure_is_passed_ = false;
    std::optional<Error> host_error_;
    std::optional<Error> error_in_cleanup_;
};

inline berth_status FakeCall::record(const berth_error* error) {
    const Use use{*this, "fail", Use::Counts::not_at_all};
    using namespace ::berth::detail;
    if (error->code < BERTH_INVALID_ARGUMENT || error->code >= BERTH_END)
        broken("E3", "fail was given the code " + std::to_string(error->code));
    if (view(error->message).empty()) broken("E2", "fail was given no message");
    Error copy(static_cast<Code>(error->code), std::string{view(error->message)});
    copy.outcome(static_cast<Outcome>(error->outcome));
    if (const auto hint = given(error->hint)) copy.hint(std::string{*hint});
    for (Pair pair : Pairs{error->details})
        copy.detail(pair.name, pair.value);
    if (const auto index = given(error->index)) copy.index(*index);
    if (const auto path = given(error->path)) copy.path(*path);
    if (const auto wait = given_duration(error->retry_after_ms)) copy.retry_after(*wait);
    if (const auto code = given(error->upstream_code)) copy.upstream_code(std::string{*code});
    if (const auto id = given(error->upstream_request_id)) copy.upstream_request_id(std::string{*id});
    check_text(view(error->message), "the message of an error");
    for (const std::string& secret : shared_.secrets)
        if (!secret.empty() && view(error->message).find(secret) != std::string_view::npos)
            broken("secret", "the message of an error holds a secret");
    failure_is_passed_ = (error->flags & BERTH_ERROR_PASSED) != 0;
    failure_ = std::move(copy);
    return error->code;
}

inline std::optional<Error> FakeCall::finish(berth_status status) {
    over_ = true;
    if (!events_pipe_.is_intact() || !stdin_.is_intact()) broken("M3", "the plugin closed a descriptor of the host");
    if (const std::string change = process_before_.change(); !change.empty()) broken("T4", change);
    if (status == BERTH_OK) return std::nullopt;
    if (status < 0 || status >= BERTH_END) {
        broken("E3", "the method returned " + std::to_string(status));
        return Error(Code::internal, "the plugin returned a number that stands for no error");
    }
    auto passed = this->passed(status);
    if (failure_ && static_cast<berth_status>(failure_->code()) == status) {
        if (!failure_is_passed_ || !passed) return failure_;
        return passed->outcome(failure_->outcome());
    }
    if (passed) return passed;
    broken("E2", failure_ ? "fail was given another code than the method returned" : "the method failed without fail");
    return Error(static_cast<Code>(status), "the plugin failed without saying why");
}

}  // namespace berth::inline sdk_v1::testing

#endif

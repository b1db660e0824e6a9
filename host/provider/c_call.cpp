#include "c_call.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "../base/text.hpp"
#include "../service/admit.hpp"
#include "diagnostics.hpp"
#include "reported.hpp"

namespace berth::inline host_v1 {

namespace {

// What one error may carry. Longer texts are cut, not refused: why something failed is worth more than its form.
constexpr std::size_t longest_message = 4096;
constexpr std::size_t longest_detail_name = 256;
constexpr std::size_t longest_detail = std::size_t{64} * 1024;
constexpr std::size_t longest_upstream = 256;
constexpr std::uint64_t most_details = 64;
constexpr std::size_t longest_progress = 1024;

/// The bytes of a view, as far as they are wanted; a view without data is empty.
std::string_view seen(berth_str view, std::size_t longest) noexcept {
    if (view.data == nullptr) return {};
    return {view.data, static_cast<std::size_t>(std::min<std::uint64_t>(view.size, std::uint64_t{longest} + 1))};
}

Outcome outcome_of(std::int32_t outcome) noexcept {
    switch (outcome) {
        case BERTH_OUTCOME_NONE:
            return Outcome::none;
        case BERTH_OUTCOME_DONE:
            return Outcome::done;
        default:
            return Outcome::unknown;
    }
}

std::string_view cancel_text(CancelReason reason) noexcept {
    switch (reason) {
        case CancelReason::deadline:
            return "the call ran over its deadline";
        case CancelReason::shutdown:
            return "the call was cancelled because the host ends";
        case CancelReason::caller:
            break;
    }
    return "the call was cancelled";
}

berth_event event_of(const CallEvent& event) noexcept {
    return {sizeof(berth_event),
            static_cast<std::uint32_t>(event.kind),
            static_cast<std::int32_t>(event.reason),
            event.signal,
            event.rows,
            event.columns};
}

}  // namespace

std::string bearable(std::string_view bytes, std::size_t longest) {
    const bool cut = bytes.size() > longest;
    if (cut) {
        bytes = bytes.substr(0, longest);
        bytes.remove_suffix(broken_utf8_suffix(bytes));
    }
    auto text = is_utf8(bytes) ? std::string(bytes) : printable(bytes);
    if (cut) text += "... (cut)";
    return text;
}

class CCall::Recording {
public:
    explicit Recording(CCall& call) : call_(call), lock_(call.mutex_) {
        call_.has_records_.store(true, std::memory_order_release);
    }
    CallRecords* operator->() noexcept { return &call_.records_; }

private:
    CCall& call_;
    const std::lock_guard<std::mutex> lock_;
};

bool Door::wait_to_become(State next) noexcept {
    for (;;) {
        int found = free;
        if (state_.compare_exchange_strong(found, next, std::memory_order_acq_rel)) return true;
        if (found == closed) return false;
        if (found == awaited || state_.compare_exchange_strong(found, awaited, std::memory_order_relaxed))
            state_.wait(awaited, std::memory_order_relaxed);
    }
}

struct CCall::Functions {
    static CCall& of(const berth_call* call) noexcept {
        return static_cast<CCall&>(*static_cast<ServiceCall*>(call->host_data));
    }

    static std::int32_t cancelled(const berth_call* call) noexcept { return of(call).call_.cancelled() ? 1 : 0; }

    static int events_fd(berth_call* call) noexcept { return of(call).call_.events_descriptor(); }

    static berth_status next_event(berth_call* call, berth_event* event) noexcept {
        auto& self = of(call);
        return self.guard([&] {
            berth_event room{};
            room.size = event == nullptr ? 0 : event->size;
            if (room.size < size_in_v1_0<berth_event>) {
                throw Breach(provider_diagnostics::malformed, "the plugin asked for an event without room for it");
            }
            const auto next = self.call_.next_event();
            if (!next) return BERTH_AGAIN;
            return give_back(event_of(*next), event) ? BERTH_OK : BERTH_CONTRACT;
        });
    }

    static int stdin_fd(berth_call* call) noexcept { return of(call).call_.standard_input(); }

    static berth_status fail(berth_call* call, const berth_error* error) noexcept {
        auto& self = of(call);
        return self.guard([&] {
            auto full = admit(error);
            if (!full) {
                throw Breach(provider_diagnostics::malformed,
                             "the plugin reported an error without one, or with a struct that is too short");
            }
            // An error that says OK must not turn `return call->fail(...)` into a success.
            if (full->code == BERTH_OK) full->code = BERTH_INTERNAL;
            self.report(*full);
            return full->code;
        });
    }

    static std::int64_t begin_cleanup(berth_call* call, std::int64_t wanted_ms) noexcept {
        return of(call).begin_cleanup(Milliseconds(wanted_ms)).count();
    }

    static void progress(berth_call* call, berth_str what, std::uint64_t done, std::uint64_t total) noexcept {
        auto& self = of(call);
        (void)self.guard([&] {
            const auto text = bearable(self.safe(seen(what, longest_progress)), longest_progress);
            self.call_.progress(printable(text), done, total);
            return BERTH_OK;
        });
    }
};

CCall::CCall(Call& call, Log& log, std::vector<std::string_view> secret_values)
    : call_(call), log_(log), secret_values_(std::move(secret_values)) {
    face_.size = sizeof face_;
    face_.number = call.number();
    face_.deadline_ns = call.deadline_ns();
    face_.host_data = static_cast<ServiceCall*>(this);
    face_.cancelled = &Functions::cancelled;
    face_.events_fd = &Functions::events_fd;
    face_.next_event = &Functions::next_event;
    face_.stdin_fd = &Functions::stdin_fd;
    face_.fail = &Functions::fail;
    face_.begin_cleanup = &Functions::begin_cleanup;
    face_.progress = &Functions::progress;
}

CCall::~CCall() {
    close_resources();
}

void CCall::keep(std::unique_ptr<ServiceResource> resource) {
    if (resources_.are_empty()) call_.watch(this);
    resources_.add(std::move(resource));
    // A cancel that came before somebody watched. Inside a clean-up window nothing of it is left to say.
    if (call_.stopped()) resources_.cancel();
}

void CCall::close_resources() noexcept {
    if (resources_.are_empty()) return;
    call_.watch(nullptr);
    resources_.close();
}

std::string CCall::safe(std::string_view text) const {
    const auto without_known = log_.secrets().mask(text);
    return secret_values_.empty() ? without_known : masked(without_known, secret_values_);
}

ErrorFields CCall::copy(const berth_error& error) const {
    // Masked before it is cut: a cut through a secret would leave the rest of it.
    const auto text = [this](berth_str view, std::size_t longest) {
        return bearable(safe(seen(view, 4 * longest)), longest);
    };
    ErrorFields fields;
    fields.message = text(error.message, longest_message);
    fields.hint = text(error.hint, longest_message);
    if (error.details.data != nullptr) {
        const auto count = std::min(error.details.count, most_details);
        for (std::uint64_t index = 0; index < count; ++index) {
            const auto& pair = error.details.data[index];
            const bool secret = (pair.flags & BERTH_PAIR_SECRET) != 0;
            // Values are bytes (an output, a path): they are cut, but not made printable.
            auto value = secret ? std::string(secret_mask) : safe(seen(pair.value, longest_detail));
            if (value.size() > longest_detail) value.resize(longest_detail);
            fields.details.emplace_back(text(pair.name, longest_detail_name), std::move(value));
        }
    }
    fields.index = read(error.index);
    if (error.path.data != nullptr) fields.path = safe(seen(error.path, longest_message));
    if (error.retry_after_ms.present != 0 && error.retry_after_ms.value >= 0) {
        fields.retry_after = Milliseconds(error.retry_after_ms.value);
    }
    fields.outcome = outcome_of(error.outcome);
    fields.upstream_code = text(error.upstream_code, longest_upstream);
    fields.upstream_request_id = text(error.upstream_request_id, longest_upstream);
    return fields;
}

void CCall::report(const berth_error& error) {
    auto fields = copy(error);
    Recording records(*this);
    const bool adds_to_passed = (error.flags & BERTH_ERROR_PASSED) != 0;
    records->reported = CallRecords::Reported{error.code, std::move(fields), ++order_, adds_to_passed};
}

/// What fails while something is taken back, such as a deletion on a server that is gone, must not hide why it is.
Milliseconds CCall::begin_cleanup(Milliseconds wanted) {
    {
        const std::lock_guard lock(mutex_);
        cleans_up_ = true;
    }
    return call_.begin_cleanup(wanted);
}

berth_status CCall::cancelled() noexcept {
    return guard([this] {
        const auto reason = call_.cancel_reason().value_or(CancelReason::caller);
        ErrorFields fields;
        fields.message = cancel_text(reason);
        fields.outcome = Outcome::unknown;
        return failed(Error(provider_diagnostics::reported(Code::cancelled), std::move(fields)));
    });
}

berth_status CCall::failed(const Error& error) noexcept {
    try {
        Recording records(*this);
        (cleans_up_ ? records->passed_in_cleanup : records->passed) = CallRecords::Passed{error, ++order_};
    } catch (const std::bad_alloc&) {
        return out_of_memory();
    }
    return static_cast<berth_status>(error.code());
}

berth_status CCall::breach(const Error& error) noexcept {
    try {
        Recording records(*this);
        if (!records->breach) records->breach = error;
    } catch (const std::bad_alloc&) {
        return out_of_memory();
    }
    return BERTH_CONTRACT;
}

berth_status CCall::host_failed(const Error& error) noexcept {
    Recording records(*this);
    if (const auto before = host_state(); before != BERTH_OK) return before;
    auto state = static_cast<berth_status>(error.code());
    try {
        records->host_failure = error;
    } catch (const std::bad_alloc&) {
        state = BERTH_RESOURCE_EXHAUSTED;  // take_records() makes the error when there is memory again
    }
    host_state_.store(state, std::memory_order_release);
    return state;
}

berth_status CCall::out_of_memory() noexcept {
    const Recording records(*this);
    if (host_state() == BERTH_OK) host_state_.store(BERTH_RESOURCE_EXHAUSTED, std::memory_order_release);
    return host_state();
}

berth_status CCall::host_bug(const char* what) noexcept {
    try {
        ErrorFields fields;
        fields.message = "the host failed while it served the plugin: " + bearable(safe(what), longest_message);
        fields.outcome = Outcome::unknown;
        return host_failed(Error(provider_diagnostics::reported(Code::internal), std::move(fields)));
    } catch (...) {
        return out_of_memory();
    }
}

CallRecords CCall::take_records() {
    close_resources();
    const std::lock_guard lock(mutex_);
    if (host_state() != BERTH_OK && !records_.host_failure) {
        ErrorFields fields;
        fields.message = "the host ran out of memory while it served the plugin";
        fields.outcome = Outcome::unknown;
        records_.host_failure = Error(provider_diagnostics::reported(Code::resource_exhausted), std::move(fields));
    }
    return std::move(records_);
}

}  // namespace berth::inline host_v1

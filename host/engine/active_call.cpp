#include "active_call.hpp"

#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

Call::Options options_of(ActiveCall::Setup& setup) {
    Call::Options options;
    options.method = row_of(setup.method).name;
    if (setup.deadline) options.deadline = later(setup.began, *setup.deadline);
    options.cleanup_cap = setup.cleanup_cap;
    options.progress = std::move(setup.progress);
    options.standard_input = std::move(setup.standard_input);
    return options;
}

}  // namespace

Call::Clock::time_point later(Call::Clock::time_point began, Milliseconds duration) noexcept {
    const auto room = std::chrono::duration_cast<Milliseconds>(Call::Clock::time_point::max() - began);
    return duration >= room ? Call::Clock::time_point::max() : began + duration;
}

void CallRegistry::add(ActiveCall& call) {
    const std::lock_guard lock(mutex_);
    calls_.insert(&call);
    if (ended_) call.host_ends();
}

void CallRegistry::remove(ActiveCall& call) noexcept {
    const std::lock_guard lock(mutex_);
    calls_.erase(&call);
    if (calls_.empty()) empty_.notify_all();
}

void CallRegistry::shut_down() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (auto* call : calls_)
        call->host_ends();
}

std::vector<std::string> CallRegistry::wait_until_empty(Call::Clock::time_point moment) {
    std::unique_lock lock(mutex_);
    empty_.wait_until(lock, moment, [this] { return calls_.empty(); });
    std::vector<std::string> left;
    for (const auto* call : calls_)
        left.push_back(call->setup().provider + ": " + std::string(call->method()));
    return left;
}

ActiveCall::ActiveCall(CallRegistry& registry, Watchdog& watchdog, Setup setup)
    : registry_(registry), setup_(std::move(setup)), call_(options_of(setup_)), at_shutdown_(setup_.at_shutdown) {
    call_.on_event([this] {
        const std::lock_guard lock(wake_mutex_);
        if (wake_) wake_();
    });
    if (const auto moment = call_.deadline()) {
        watch_ = watchdog.until(call_, *moment);
    } else if (setup_.patience) {
        watch_ = watchdog.while_moving(call_, *setup_.patience);
    }
    registry_.add(*this);
    stopper_.emplace(setup_.stop, Stopper{&call_});
}

ActiveCall::~ActiveCall() {
    stopper_.reset();
    registry_.remove(*this);
    watch_ = {};
}

void ActiveCall::set_wake(std::function<void()> wake) {
    const std::lock_guard lock(wake_mutex_);
    wake_ = std::move(wake);
}

void ActiveCall::detach() {
    detach_asked_ = true;
    call_.detach();
}

void ActiveCall::host_ends() {
    switch (at_shutdown_) {
        case AtShutdown::cancel:
            call_.cancel(CancelReason::shutdown);
            break;
        case AtShutdown::detach:
            detach();
            break;
        case AtShutdown::run_on:
            break;
    }
}

Error ActiveCall::cancelled_error() const {
    ErrorFields fields;
    fields.message = call_.cancel_reason() == CancelReason::shutdown ? "cancelled, because the host ends" : "cancelled";
    return {engine_diagnostics::cancelled, std::move(fields)};
}

void ActiveCall::check() const {
    if (call_.cancelled()) throw explained(cancelled_error());
}

Error ActiveCall::explained(const Error& error) const {
    if (error.code() != Code::cancelled || call_.cancel_reason() != CancelReason::deadline)
        return error.with_place(setup_.provider, method(), setup_.sandbox);
    auto fields = error.fields();
    if (setup_.deadline) {
        fields.message = "not finished within " + duration_text(*setup_.deadline);
        fields.hint = "Give it a longer deadline, or look at what the backend does";
    } else {
        fields.message = "nothing has moved for " + duration_text(setup_.patience.value_or(Milliseconds{0}));
        fields.hint = "See whether the backend still answers";
    }
    return Error(engine_diagnostics::timed_out, std::move(fields))
        .with_place(setup_.provider, method(), setup_.sandbox);
}

Error ActiveCall::current_failure() const {
    const auto internal = [this](std::string message) {
        ErrorFields fields;
        fields.message = std::move(message);
        fields.outcome = Outcome::unknown;
        return explained(Error(engine_diagnostics::unexpected, std::move(fields)));
    };
    try {
        throw;
    } catch (const Error& error) {
        return explained(error);
    } catch (const std::bad_alloc&) {
        ErrorFields fields;
        fields.message = "out of memory";
        fields.outcome = Outcome::unknown;
        return explained(Error(engine_diagnostics::no_system_resource, std::move(fields)));
    } catch (const std::exception& exception) {
        return internal(std::string("unexpected failure: ") + exception.what());
    } catch (...) {
        return internal("unexpected failure of unknown kind");
    }
}

}  // namespace berth::inline host_v1

#include "process_state.hpp"

#include <csignal>
#include <exception>
#include <utility>

#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr int highest_signal = 64;

Error refused(const Diagnostic& diagnostic, std::string message, std::string hint) {
    return {diagnostic, std::move(message), std::move(hint)};
}

}  // namespace

ProcessState::ProcessState(Setup setup)
    : setup_(std::move(setup)),
      channel_(setup_.overflow),
      record_(setup_.process),
      completion_(promise_.get_future().share()) {}

void ProcessState::attach(std::unique_ptr<ActiveCall> call, Gate::Place place) {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
    place_ = std::move(place);
}

void ProcessState::run(const std::function<ProcessEnd(Call&, ProcessReceiver&)>& body) noexcept {
    std::optional<ProcessResult> result;
    std::exception_ptr failure;
    try {
        result = result_of(body);
    } catch (...) {
        failure = std::current_exception();
    }
    channel_.end();
    give_back();
    if (setup_.receiver != nullptr) setup_.receiver->ended();
    if (result) {
        promise_.set_value(std::move(*result));
    } else {
        promise_.set_exception(failure);
    }
}

ProcessResult ProcessState::result_of(const Body& body) {
    // Only this thread ends the call, so it needs no lock to use it.
    auto& active = *call_;
    const ActiveCall::Waking waking(active, [this, &active] {
        if (active.call().cancelled()) channel_.flow_freely_from(OutputChannel::Clock::now());
        channel_.wake();
    });
    ProcessEnd end;
    try {
        active.check();
        end = body(active.call(), *this);
    } catch (...) {
        const auto error = record_.failure(active.current_failure());
        if (receiver_failure_) std::rethrow_exception(receiver_failure_);
        throw error;
    }
    if (receiver_failure_) std::rethrow_exception(receiver_failure_);
    try {
        return record_.result(end, active.call().cancel_reason(), active.detach_asked());
    } catch (const Error& error) {
        throw active.explained(error);
    }
}

void ProcessState::give_back() noexcept {
    std::unique_ptr<ActiveCall> call;
    Gate::Place place;
    {
        const std::lock_guard lock(mutex_);
        call = std::move(call_);
        place = std::move(place_);
    }
    // Outside the lock: it waits for whoever is just saying something to the call.
    call.reset();
    place = {};
    if (setup_.standard_input) setup_.standard_input->end_of_process();
    const std::lock_guard lock(mutex_);
    stage_ = Stage::ended;
    stage_changed_.notify_all();
}

void ProcessState::wait_until_started() {
    std::unique_lock lock(mutex_);
    stage_changed_.wait(lock, [this] { return stage_ != Stage::starting || began_; });
    if (began_) return;
    lock.unlock();
    // Ended without having started: this throws why. A result all the same is the provider's way to say 127.
    (void)completion_.get();
}

void ProcessState::started(std::optional<std::int64_t> pid) {
    if (record_.has_started()) return;
    record_.started(pid);
    if (const auto& timeout = setup_.process.environment.timeout; timeout && timeout->count() > 0)
        channel_.flow_freely_from(later(OutputChannel::Clock::now(), *timeout));
    const std::lock_guard lock(mutex_);
    pid_ = pid;
    began_ = true;
    if (stage_ == Stage::starting) stage_ = Stage::running;
    stage_changed_.notify_all();
}

ProcessReceiver::Taken ProcessState::output(OutputStream stream, std::string_view bytes) {
    started(std::nullopt);
    const auto capture = stream == OutputStream::output ? setup_.process.output : setup_.process.error;
    if (capture == Capture::discard) return Taken::taken;
    if (setup_.receiver != nullptr) {
        hand_over(stream, bytes);
    } else {
        const auto taken = channel_.offer(stream, bytes, [this] { return call_->call().event_waiting(); });
        if (taken != Taken::taken) return taken;
    }
    record_.output(stream, bytes);
    return Taken::taken;
}

void ProcessState::hand_over(OutputStream stream, std::string_view bytes) noexcept {
    if (receiver_failure_) return;
    try {
        setup_.receiver->output(stream, bytes);
    } catch (...) {
        // No exception may pass through the plugin: the process is ended, and the completion throws this.
        receiver_failure_ = std::current_exception();
        call_->call().cancel(CancelReason::caller);
    }
}

bool ProcessState::has_stream(OutputStream stream) const noexcept {
    if (setup_.receiver != nullptr) return false;
    return (stream == OutputStream::output ? setup_.process.output : setup_.process.error) == Capture::keep;
}

std::optional<std::int64_t> ProcessState::pid() const {
    const std::lock_guard lock(mutex_);
    return pid_;
}

bool ProcessState::kill(int signal) {
    if (signal < 1 || signal > highest_signal) {
        throw refused(engine_diagnostics::bad_field, "signal " + std::to_string(signal) + " does not exist",
                      "Use a number from 1 to 64, such as 15 for SIGTERM");
    }
    if (signal != SIGTERM && signal != SIGKILL && setup_.powers.no_signals) throw *setup_.powers.no_signals;
    const std::lock_guard lock(mutex_);
    if (!call_) return false;
    // In this order: room made first could be full before the plugin hears of the signal.
    call_->call().signal(signal);
    channel_.make_room();
    if (signal == SIGKILL) channel_.flow_freely_from(OutputChannel::Clock::now());
    return true;
}

void ProcessState::cancel() {
    const std::lock_guard lock(mutex_);
    if (call_) call_->call().cancel(CancelReason::caller);
}

void ProcessState::detach() {
    if (setup_.powers.no_detach) throw *setup_.powers.no_detach;
    const std::lock_guard lock(mutex_);
    if (call_) call_->detach();
}

void ProcessState::resize(TerminalSize size) {
    if (!setup_.process.terminal) {
        throw refused(engine_diagnostics::bad_field, "this process has no terminal to resize",
                      "Start it with `terminal`");
    }
    if (size.rows == 0 || size.columns == 0 || size.rows > 65535 || size.columns > 65535) {
        throw refused(engine_diagnostics::bad_field, "a terminal has 1 to 65535 rows and columns", {});
    }
    const std::lock_guard lock(mutex_);
    if (call_) call_->call().resize(size.rows, size.columns);
}

void ProcessState::write_stdin(std::string_view bytes) {
    if (!setup_.standard_input) {
        throw refused(engine_diagnostics::bad_field, "this process has no live stdin", "Start it with `interactive`");
    }
    switch (setup_.standard_input->write(bytes)) {
        case StdinPipe::Written::all:
            return;
        case StdinPipe::Written::reader_gone:
            throw refused(engine_diagnostics::stdin_closed, "the process does not read its stdin any more",
                          "See how it ended: wait()");
        case StdinPipe::Written::closed:
            throw refused(engine_diagnostics::stdin_closed, "stdin was closed", {});
    }
}

void ProcessState::close_stdin() noexcept {
    if (setup_.standard_input) setup_.standard_input->close();
}

void ProcessState::abandon() noexcept {
    channel_.abandon();
    close_stdin();
}

}  // namespace berth::inline host_v1

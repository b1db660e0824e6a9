#include "process_result.hpp"

#include <string>
#include <utility>

#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::uint64_t kept_by_default = std::uint64_t{1} << 20U;
constexpr std::size_t shown_in_errors = std::size_t{64} << 10U;
constexpr int highest_signal = 64;
constexpr int kill_signal = 9;

Error bad_end(std::string message) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = "This is a fault of the provider's plugin; tell its author";
    fields.outcome = Outcome::unknown;
    return {engine_diagnostics::bad_answer, std::move(fields)};
}

void check_numbers(const ProcessEnd& end) {
    if (end.signal < 0 || end.signal > highest_signal) {
        throw bad_end("the provider says that signal " + std::to_string(end.signal) + " ended the process");
    }
    if (end.signal == 0 && (end.exit_code < 0 || end.exit_code > 255)) {
        throw bad_end("the provider reports exit code " + std::to_string(end.exit_code) +
                      ", which is outside 0 to 255");
    }
    if (end.kind == ProcessEnd::Kind::signalled && end.signal == 0) {
        throw bad_end("the provider says that a signal ended the process, but not which");
    }
}

std::string_view word_of(std::optional<CancelReason> cancelled) {
    if (cancelled == CancelReason::deadline) return "deadline";
    if (cancelled == CancelReason::shutdown) return "shutdown";
    return "cancelled";
}

}  // namespace

ProcessRecord::ProcessRecord(const ProcessConfig& process)
    : keep_output_(process.output),
      keep_error_(process.error),
      output_(process.max_output_bytes.value_or(kept_by_default)),
      error_(process.max_output_bytes.value_or(kept_by_default)) {}

void ProcessRecord::started(std::optional<std::int64_t> pid) {
    if (began_) return;
    began_ = Clock::now();
    pid_ = pid;
}

void ProcessRecord::output(OutputStream stream, std::string_view bytes) {
    if (!began_) started(std::nullopt);
    if (stream == OutputStream::output) {
        if (keep_output_ == Capture::keep) output_.add(bytes);
    } else if (keep_error_ == Capture::keep) {
        error_.add(bytes);
    }
}

ProcessResult ProcessRecord::result(const ProcessEnd& end, std::optional<CancelReason> cancelled, bool detach_asked) {
    check_numbers(end);
    ProcessResult result;
    result.pid = pid_;
    result.exit_code = end.signal != 0 ? 128 + end.signal : end.exit_code;
    if (end.signal != 0) result.signal = end.signal;
    result.status = ProcessStatus::killed;
    switch (end.kind) {
        case ProcessEnd::Kind::exited:
            result.status = result.exit_code == 0 ? ProcessStatus::completed : ProcessStatus::failed;
            break;
        case ProcessEnd::Kind::signalled:
            result.reason = "signal";
            break;
        case ProcessEnd::Kind::killed:
            result.reason = "killed";
            break;
        case ProcessEnd::Kind::cancelled:
            result.reason = word_of(cancelled);
            break;
        case ProcessEnd::Kind::timeout:
            result.status = ProcessStatus::timeout;
            result.exit_code = 124;
            result.reason = "timeout";
            break;
        case ProcessEnd::Kind::out_of_memory:
            result.exit_code = 128 + kill_signal;
            result.signal = kill_signal;
            result.reason = "oom";
            break;
        case ProcessEnd::Kind::detached:
            if (!detach_asked) throw bad_end("the provider left the process running without having been asked to");
            result.status = ProcessStatus::completed;
            result.reason = "detached";
            break;
        default:
            throw bad_end("the provider says that the process ended in way " +
                          std::to_string(static_cast<int>(end.kind)) + ", which the contract does not know");
    }
    const auto measured = began_ ? Clock::now() - *began_ : Clock::duration::zero();
    result.execution_time = end.duration.value_or(std::chrono::duration_cast<Milliseconds>(measured));
    auto output = output_.take();
    auto error = error_.take();
    result.standard_output = std::move(output.bytes);
    result.output_dropped_bytes = output.dropped;
    result.standard_error = std::move(error.bytes);
    result.error_dropped_bytes = error.dropped;
    return result;
}

Error ProcessRecord::failure(const Error& error) const {
    if (!began_) return error;
    auto fields = error.fields();
    fields.outcome = Outcome::unknown;
    if (auto text = output_.newest(shown_in_errors); !text.empty())
        fields.details.emplace_back("stdout", std::move(text));
    if (auto text = error_.newest(shown_in_errors); !text.empty())
        fields.details.emplace_back("stderr", std::move(text));
    return {Diagnostic{error.diagnostic(), error.code()}, std::move(fields)};
}

}  // namespace berth::inline host_v1

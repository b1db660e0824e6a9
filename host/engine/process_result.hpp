// From what a provider says about the end of a process to what the caller gets: the words, codes and counters of
// docs/contract.md sections 1.4 and 2.5, in one place. Knows no thread and no stream.
#pragma once

#include <optional>
#include <string_view>

#include "../base/error.hpp"
#include "../provider/call.hpp"
#include "../provider/provider.hpp"
#include "kept_tail.hpp"

namespace berth::inline host_v1 {

/// What is kept while a process runs: when it began, its number, and the newest output.
class ProcessRecord {
public:
    using Clock = Call::Clock;

    explicit ProcessRecord(const ProcessConfig& process);

    void started(std::optional<std::int64_t> pid);
    /// Of a stream that the caller discards, nothing is kept.
    void output(OutputStream stream, std::string_view bytes);
    [[nodiscard]] bool has_started() const noexcept { return began_.has_value(); }
    [[nodiscard]] std::optional<std::int64_t> pid() const noexcept { return pid_; }

    /// The result. `cancelled` says why the call was cancelled, when it was. Throws PROTOCOL_ERROR when `end` cannot
    /// be: a detached process nobody asked to detach, or a number outside its range.
    [[nodiscard]] ProcessResult result(const ProcessEnd& end, std::optional<CancelReason> cancelled, bool detach_asked);
    /// An error that came instead of a result. Once the process had started nobody can say how it went on: the outcome
    /// is unknown, and the newest output goes into the details.
    [[nodiscard]] Error failure(const Error& error) const;

private:
    std::optional<Clock::time_point> began_;
    std::optional<std::int64_t> pid_;
    Capture keep_output_;
    Capture keep_error_;
    KeptTail output_;
    KeptTail error_;
};

/// Collects a process that runs on the caller's own thread: never waits, never interrupts.
class Collector final : public ProcessReceiver {
public:
    explicit Collector(const ProcessConfig& process) : record_(process) {}
    void started(std::optional<std::int64_t> pid) override { record_.started(pid); }
    Taken output(OutputStream stream, std::string_view bytes) override {
        record_.output(stream, bytes);
        return Taken::taken;
    }
    [[nodiscard]] ProcessRecord& record() noexcept { return record_; }

private:
    ProcessRecord record_;
};

}  // namespace berth::inline host_v1

// What stands behind a Process: the running call, its output, its stdin and its one result. Shared by the caller's
// handle and the engine's thread, whichever lasts longer. Knows no routing and no other process.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "active_call.hpp"
#include "gate.hpp"
#include "output_channel.hpp"
#include "process.hpp"
#include "process_result.hpp"
#include "stdin_pipe.hpp"

namespace berth::inline host_v1 {

/// What a process may be told; the reasons are for people.
struct ProcessPowers {
    std::optional<Error> no_signals;  ///< absent: every signal may be sent
    std::optional<Error> no_detach;
};

class ProcessState final : public ProcessReceiver, public std::enable_shared_from_this<ProcessState> {
public:
    struct Setup {
        ProcessConfig process;
        Overflow overflow = Overflow::wait;
        OutputReceiver* receiver = nullptr;  ///< hears the output instead of the streams
        ProcessPowers powers;
        std::unique_ptr<StdinPipe> standard_input;  ///< with `interactive`: the write end
    };
    explicit ProcessState(Setup setup);

    /// nullptr without a live stdin.
    [[nodiscard]] const StdinPipe* standard_input() const noexcept { return setup_.standard_input.get(); }

    // --- the engine's side ---
    /// Before run(): the call and its place at the gate, both given back when the process has ended.
    void attach(std::unique_ptr<ActiveCall> call, Gate::Place place);
    /// Runs `body` (the provider's method) and ends this with what it returns or throws, exactly once.
    void run(const std::function<ProcessEnd(Call&, ProcessReceiver&)>& body) noexcept;
    /// Waits until the process has started; throws when it never did.
    void wait_until_started();
    void started(std::optional<std::int64_t> pid) override;
    Taken output(OutputStream stream, std::string_view bytes) override;

    // --- the caller's side: see Process ---
    [[nodiscard]] const ProcessConfig& process() const noexcept { return setup_.process; }
    [[nodiscard]] bool has_stream(OutputStream stream) const noexcept;
    [[nodiscard]] std::optional<std::int64_t> pid() const;
    [[nodiscard]] std::shared_future<ProcessResult> completion() const { return completion_; }
    bool kill(int signal);
    void cancel();
    void detach();
    void resize(TerminalSize size);
    void write_stdin(std::string_view bytes);
    void close_stdin() noexcept;
    void abandon() noexcept;
    [[nodiscard]] OutputChannel& channel() noexcept { return channel_; }

private:
    enum class Stage { starting, running, ended };
    using Body = std::function<ProcessEnd(Call&, ProcessReceiver&)>;
    [[nodiscard]] ProcessResult result_of(const Body& body);
    void hand_over(OutputStream stream, std::string_view bytes) noexcept;
    void give_back() noexcept;

    Setup setup_;
    OutputChannel channel_;
    ProcessRecord record_;                 ///< the engine's thread only
    std::exception_ptr receiver_failure_;  ///< likewise

    mutable std::mutex mutex_;  ///< guards what follows; held while something is said to the call
    std::condition_variable stage_changed_;
    Stage stage_ = Stage::starting;
    std::optional<std::int64_t> pid_;
    bool began_ = false;
    std::unique_ptr<ActiveCall> call_;  ///< gone once the process has ended
    Gate::Place place_;

    std::promise<ProcessResult> promise_;
    std::shared_future<ProcessResult> completion_;
};

}  // namespace berth::inline host_v1

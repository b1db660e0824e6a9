// One process in a sandbox with our stdin, stdout and stderr, from its start to its exit code: Ctrl-C ends it, with -it
// the terminal is raw meanwhile, and a reader that does not read keeps nobody from ending it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "../engine/host.hpp"
#include "command.hpp"
#include "input_pump.hpp"
#include "output_writer.hpp"
#include "raw_terminal.hpp"
#include "session.hpp"

namespace berth::inline host_v1::cli {

class ProcessRun {
public:
    /// Starts it; throws Error when it cannot be started.
    ProcessRun(Session& session, const SandboxName& sandbox, const ProcessOptions& options);
    ProcessRun(const ProcessRun&) = delete;
    ProcessRun& operator=(const ProcessRun&) = delete;
    /// Waits for the process: whoever gave up on it must have destroyed its sandbox.
    ~ProcessRun();

    /// The exit code; absent when a second signal came before the process had ended. Throws Error when the connection
    /// was lost, OutputClosed when nobody reads our output any more (the process has been ended then).
    [[nodiscard]] std::optional<int> wait();

private:
    /// What has happened meanwhile, told by two other threads.
    struct News {
        std::mutex mutex;
        std::condition_variable changed;
        bool ended = false;
        bool reader_gone = false;
        bool terminal_gone = false;
        std::optional<Error> output_failure;
        unsigned signals = 0;
        bool resized = false;
        bool keys_wanted = false;  ///< the terminal is to be raw, and may not be
        [[nodiscard]] bool wants_end() const { return signals > 0 || reader_gone || terminal_gone || output_failure; }
    };
    class Output;

    [[nodiscard]] ProcessConfig process_config(const SandboxName& sandbox, const ProcessOptions& options);
    void pass_input_on();
    void end_of_input();
    void listen();
    /// Says what was heard to the process; true: stop waiting.
    [[nodiscard]] bool attend(std::unique_lock<std::mutex>& lock);
    void wait_for_news(std::unique_lock<std::mutex>& lock);
    void take_keys();
    void end_process();
    [[nodiscard]] int result_code();

    Session& session_;
    News news_;
    FileDescriptor give_up_;
    bool on_terminal_;
    std::optional<RawTerminal> raw_;  ///< with -it
    std::unique_ptr<Output> output_;
    std::optional<Process> process_;
    std::optional<InputPump> input_;
    std::optional<SignalWatch::Listening> listening_;
    bool ending_ = false;
    bool in_background_ = false;  ///< another job has the terminal: its keys are not ours yet
    bool hears_hang_up_ = false;  ///< the process can be sent SIGHUP
};

}  // namespace berth::inline host_v1::cli

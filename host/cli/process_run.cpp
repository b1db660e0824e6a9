#include "process_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "whole_input.hpp"

namespace berth::inline host_v1::cli {

/// Takes the process's output on the engine's thread. Never throws: what went wrong is told to the main thread, which
/// ends the process.
class ProcessRun::Output final : public OutputReceiver {
public:
    Output(News& news, const FileDescriptor& give_up)
        : news_(news), output_(STDOUT_FILENO, give_up), error_(STDERR_FILENO, give_up) {}

    void output(OutputStream stream, std::string_view bytes) override {
        if (broken_) return;
        try {
            auto& writer = stream == OutputStream::output ? output_ : error_;
            if (writer.write(bytes) == OutputWriter::Written::reader_gone) tell(std::nullopt);
        } catch (const Error& failure) {
            tell(failure);
        }
    }

    void ended() noexcept override {
        const std::lock_guard lock(news_.mutex);
        news_.ended = true;
        news_.changed.notify_all();
    }

private:
    void tell(std::optional<Error> failure) {
        broken_ = true;
        const std::lock_guard lock(news_.mutex);
        news_.reader_gone = !failure;
        news_.output_failure = std::move(failure);
        news_.changed.notify_all();
    }

    News& news_;
    OutputWriter output_;
    OutputWriter error_;
    bool broken_ = false;  ///< the engine's thread only
};

ProcessRun::ProcessRun(Session& session, const SandboxName& sandbox, const ProcessOptions& options)
    : session_(session), give_up_(make_event()), output_(std::make_unique<Output>(news_, give_up_)) {
    const auto config = process_config(sandbox, options);
    listen();
    process_.emplace(session_.host().execute_stream(sandbox, config, *output_, session_.call()));
    try {
        pass_input_on(options);
    } catch (...) {
        end_process();
        process_->completion().wait();  // until then it writes to output_
        throw;
    }
}

ProcessRun::~ProcessRun() {
    listening_.reset();
    if (input_) input_->stop();
    if (raw_) raw_->restore();
    session_.signals().before_leaving({});
    process_->completion().wait();  // until then it writes to output_
}

ProcessConfig ProcessRun::process_config(const SandboxName& sandbox, const ProcessOptions& options) {
    ProcessConfig config;
    config.command = options.arguments.front();
    config.args.assign(options.arguments.begin() + 1, options.arguments.end());
    config.environment.env = options.env;
    config.environment.cwd = options.directory;
    config.environment.timeout = options.timeout;
    config.max_output_bytes = 4096;  // it has been shown already
    if (options.terminal) {
        config.terminal.emplace();
        config.terminal->size = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
        if (const auto name = session_.variables().get_filled("TERM")) config.terminal->name = *name;
    }
    if (!options.interactive) return config;
    const auto status = session_.host().open_provider(sandbox.provider, session_.call());
    const auto& features = status.features;
    const bool live = std::any_of(features.begin(), features.end(), [](const FeatureState& feature) {
        return feature.name == "stdin" && feature.offered;
    });
    if (live) {
        config.interactive = true;
    } else {
        config.input = read_whole_input(STDIN_FILENO, sandbox.provider, session_.signals().token());
    }
    return config;
}

void ProcessRun::pass_input_on(const ProcessOptions& options) {
    if (options.terminal && options.interactive && is_terminal(STDIN_FILENO)) {
        raw_.emplace(STDIN_FILENO);
        session_.signals().before_leaving([this] { raw_->restore(); });
    }
    if (const int target = process_->stdin_descriptor(); target >= 0) {
        input_.emplace(STDIN_FILENO, target, [this] { process_->close_stdin(); });
    }
}

void ProcessRun::listen() {
    SignalListener listener;
    listener.end = [this](int, unsigned nth) {
        raise_event(give_up_);  // a writer that waits for a reader must not keep the process from being ended
        const std::lock_guard lock(news_.mutex);
        news_.signals = nth;
        news_.changed.notify_all();
    };
    listener.resize = [this] {
        const std::lock_guard lock(news_.mutex);
        news_.resized = true;
        news_.changed.notify_all();
    };
    listening_.emplace(session_.signals(), std::move(listener));
}

void ProcessRun::end_process() {
    if (std::exchange(ending_, true)) return;
    raise_event(give_up_);
    process_->cancel();
}

bool ProcessRun::attend(std::unique_lock<std::mutex>& lock) {
    const bool end = news_.signals > 0 || news_.reader_gone || news_.output_failure;
    const bool enough = news_.signals > 1 || news_.ended;
    const bool resized = std::exchange(news_.resized, false);
    lock.unlock();
    if (resized) {
        if (const auto size = terminal_size(STDOUT_FILENO)) process_->resize(*size);
    }
    if (end) end_process();
    lock.lock();
    return enough;
}

std::optional<int> ProcessRun::wait() {
    {
        std::unique_lock lock(news_.mutex);
        while (!attend(lock)) {
            news_.changed.wait(lock, [this] {
                const bool end = news_.signals > 0 || news_.reader_gone || news_.output_failure;
                return news_.ended || news_.signals > 1 || news_.resized || (end && !ending_);
            });
        }
        if (!news_.ended) return std::nullopt;
    }
    if (input_) input_->stop();
    if (raw_) raw_->restore();
    return result_code();
}

int ProcessRun::result_code() {
    const auto completion = process_->completion();
    if (const int signal = session_.ending_signal(); signal != 0) return exit_signal_base + signal;
    {
        const std::lock_guard lock(news_.mutex);
        if (news_.output_failure) throw Error(*news_.output_failure);
        if (news_.reader_gone) throw OutputClosed();
    }
    const auto& result = completion.get();
    if (result.status == ProcessStatus::timeout) session_.out().note("the command ran into its timeout and was ended");
    if (result.reason == "oom") session_.out().note("the command was ended by its memory limit");
    return exit_code_of(result);
}

}  // namespace berth::inline host_v1::cli

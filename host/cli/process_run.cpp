#include "process_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"
#include "whole_input.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// How often a job in the background looks whether it has come to the foreground: nobody tells it.
constexpr std::chrono::milliseconds look_again{100};

bool offers(const ProviderStatus& status, std::string_view name) {
    return std::any_of(status.features.begin(), status.features.end(),
                       [&](const FeatureState& feature) { return feature.name == name && feature.offered; });
}

/// Of the terminal that shows the output; where it goes elsewhere, of the one that is typed on.
std::optional<TerminalSize> size_here() {
    const auto shown = terminal_size(STDOUT_FILENO);
    return shown ? shown : terminal_size(STDIN_FILENO);
}

}  // namespace

/// Takes the process's output on the engine's thread. Never throws: what went wrong is told to the main thread, which
/// ends the process.
class ProcessRun::Output final : public OutputReceiver {
public:
    Output(News& news, const FileDescriptor& give_up, RawTerminal* raw)
        : news_(news), raw_(raw), output_(STDOUT_FILENO, give_up), error_(STDERR_FILENO, give_up) {}

    void output(OutputStream stream, std::string_view bytes) override {
        if (broken_) return;
        // The first bytes may be faster than the main thread.
        if (auto* raw = std::exchange(raw_, nullptr)) raw->make_raw();
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
    RawTerminal* raw_;
    OutputWriter output_;
    OutputWriter error_;
    bool broken_ = false;  ///< the engine's thread only
};

ProcessRun::ProcessRun(Session& session, const SandboxName& sandbox, const ProcessOptions& options)
    : session_(session), give_up_(make_event()), on_terminal_(options.terminal) {
    if (options.terminal && options.interactive) raw_.emplace(STDIN_FILENO);
    output_ = std::make_unique<Output>(news_, give_up_, raw_ ? &*raw_ : nullptr);
    listen();  // before the size is asked for, so that no new one is missed
    const auto config = process_config(sandbox, options);
    process_.emplace(session_.host().execute_stream(sandbox, config, *output_, session_.call()));
    try {
        pass_input_on();
    } catch (...) {
        end_process();
        process_->completion().wait();  // until then it writes to output_
        throw;
    }
}

ProcessRun::~ProcessRun() {
    if (raw_) raw_->restore();
    listening_.reset();
    if (input_) input_->stop();
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
        config.terminal->size = size_here().value_or(TerminalSize{});
        if (const auto name = session_.variables().get_filled("TERM")) config.terminal->name = *name;
    }
    if (!options.interactive) return config;
    const auto status = session_.host().open_provider(sandbox.provider, session_.call());
    hears_hang_up_ = options.terminal && offers(status, "signals");
    if (offers(status, "stdin")) {
        config.interactive = true;
    } else {
        config.input = read_whole_input(STDIN_FILENO, sandbox.provider, session_.signals().token());
    }
    return config;
}

void ProcessRun::pass_input_on() {
    take_keys();
    if (const int target = process_->stdin_descriptor(); target >= 0) {
        input_.emplace(STDIN_FILENO, target, [this] { end_of_input(); });
    }
}

void ProcessRun::take_keys() {
    if (raw_) in_background_ = raw_->make_raw() == RawTerminal::Now::in_background;
}

// On the pump's thread. A raw terminal has no end of input: it has gone.
void ProcessRun::end_of_input() {
    if (!raw_ || is_terminal(STDIN_FILENO)) return process_->close_stdin();
    const std::lock_guard lock(news_.mutex);
    news_.terminal_gone = true;
    news_.changed.notify_all();
}

void ProcessRun::listen() {
    SignalListener listener;
    listener.end = [this](int, unsigned nth) {
        if (raw_) raw_->restore();  // also so that Ctrl-C is ours again, should this end take too long
        raise_event(give_up_);      // a writer that waits for a reader must not keep the process from being ended
        const std::lock_guard lock(news_.mutex);
        news_.signals = nth;
        news_.changed.notify_all();
    };
    listener.resize = [this] {
        const std::lock_guard lock(news_.mutex);
        news_.resized = true;
        news_.changed.notify_all();
    };
    listener.stop = [this] {
        if (raw_) raw_->pause();
    };
    listener.go_on = [this] {
        if (raw_) raw_->go_on();
        const std::lock_guard lock(news_.mutex);
        news_.keys_wanted = true;
        news_.resized = true;  // whatever happened to the window, we were not told
        news_.changed.notify_all();
    };
    listener.leave = [this] {
        if (raw_) raw_->restore();
    };
    listening_.emplace(session_.signals(), std::move(listener));
}

void ProcessRun::end_process() {
    if (std::exchange(ending_, true)) return;
    raise_event(give_up_);
    // What a shell in there expects when its window closes; it ignores the SIGTERM that a cancel begins with.
    const bool window_closed = session_.ending_signal() == SIGHUP || (raw_ && !is_terminal(STDIN_FILENO));
    if (window_closed && hears_hang_up_) process_->kill(SIGHUP);
    process_->cancel();
}

bool ProcessRun::attend(std::unique_lock<std::mutex>& lock) {
    const bool end = news_.wants_end();
    const bool enough = news_.signals > 1 || news_.ended;
    const bool resized = std::exchange(news_.resized, false);
    const bool keys_wanted = std::exchange(news_.keys_wanted, false) || in_background_;
    lock.unlock();
    if (keys_wanted) take_keys();
    if (resized && on_terminal_) {
        if (const auto size = size_here()) process_->resize(*size);
    }
    if (end) end_process();
    lock.lock();
    return enough;
}

void ProcessRun::wait_for_news(std::unique_lock<std::mutex>& lock) {
    const auto came = [this] {
        return news_.ended || news_.signals > 1 || news_.resized || news_.keys_wanted ||
               (news_.wants_end() && !ending_);
    };
    if (in_background_) {
        news_.changed.wait_for(lock, look_again, came);
    } else {
        news_.changed.wait(lock, came);
    }
}

std::optional<int> ProcessRun::wait() {
    {
        std::unique_lock lock(news_.mutex);
        while (!attend(lock)) {
            wait_for_news(lock);
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
        if (news_.wants_end() && raw_ && !is_terminal(STDIN_FILENO)) return exit_signal_base + SIGHUP;
        if (news_.output_failure) throw Error(*news_.output_failure);
        if (news_.reader_gone) throw OutputClosed();
    }
    const auto& result = completion.get();
    if (result.status == ProcessStatus::timeout) session_.out().note("the command ran into its timeout and was ended");
    if (result.reason == "oom") session_.out().note("the command was ended by its memory limit");
    return exit_code_of(result);
}

}  // namespace berth::inline host_v1::cli

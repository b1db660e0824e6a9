// `berth run` and `berth exec`.
#include <unistd.h>

#include <optional>
#include <utility>

#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "process_run.hpp"
#include "terminal.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// A sandbox that does not outlive the command it was made for.
class Passing {
public:
    Passing(Session& session, SandboxName sandbox) : session_(session), sandbox_(std::move(sandbox)) {}
    Passing(const Passing&) = delete;
    Passing& operator=(const Passing&) = delete;
    ~Passing() {
        try {
            destroy();
        } catch (const Error& error) {
            session_.out().failure(error);  // besides the one that is on its way
        } catch (...) {
            session_.out().note("the sandbox " + sandbox_.text() + " could not be destroyed");
        }
    }
    /// Once. Ctrl-C does not cancel it; one more than those before leaves the program. That it is gone already, by
    /// itself when its --ttl was over or by somebody else, is what was wanted.
    void destroy() {
        if (std::exchange(done_, true)) return;
        try {
            session_.host().destroy(sandbox_);
        } catch (const Error& error) {
            if (error.code() != Code::not_found) throw;
        }
    }

private:
    Session& session_;
    SandboxName sandbox_;
    bool done_ = false;
};

/// In a sandbox that stays: a second signal leaves the program at once.
int run_and_stay(Session& session, const SandboxName& sandbox, const ProcessOptions& options) {
    ProcessRun running(session, sandbox, options);
    if (const auto code = running.wait()) return *code;
    session.out().note("not waiting any longer; the command may still run in " + sandbox.text());
    session.signals().leave();
}

/// In a sandbox that goes: a second signal destroys it, which ends the command.
int run_and_destroy(Session& session, const SandboxName& sandbox, const ProcessOptions& options) {
    Passing passing(session, sandbox);
    int code = exit_ok;
    {
        ProcessRun running(session, sandbox, options);
        if (const auto ended = running.wait()) {
            code = *ended;
        } else {
            session.out().note("not waiting for the command any longer; its sandbox is destroyed");
            passing.destroy();
            code = exit_signal_base + session.ending_signal();
        }
    }
    passing.destroy();
    return code;
}

/// Before anything is spent. A terminal alone needs none here, only keys do.
void require_keys(const ProcessOptions& options) {
    if (!options.terminal || !options.interactive || is_terminal(STDIN_FILENO)) return;
    throw Error(cli_diagnostics::no_terminal, "-it passes on what is typed, and standard input is no terminal",
                "leave -t out to pass on a file or a pipe (-i), or leave -i out for a terminal without input (-t)");
}

}  // namespace

int perform(Session& session, const ExecCommand& command) {
    require_keys(command.process);
    return run_and_stay(session, sandbox_named(command.sandbox), command.process);
}

int perform(Session& session, const RunCommand& command) {
    require_keys(command.process);
    CreateRequest request{command.create.config, command.create.provider, command.create.require};
    request.config.persistent = command.keep == Keep::yes;
    if (command.process.terminal) request.require.emplace_back("tty");  // refused before anything is spent
    ProgressLine progress(session.progress_shown());
    const auto info = session.host().create(request, session.call(progress));
    progress.clear();
    const SandboxName sandbox{info.provider, info.id};
    if (command.keep == Keep::no) return run_and_destroy(session, sandbox, command.process);
    session.out().note("the sandbox is " + sandbox.text());
    return run_and_stay(session, sandbox, command.process);
}

}  // namespace berth::inline host_v1::cli

// One child process of the example: started in a group of its own, its output handed on, ended by what the caller says.
// Nothing but POSIX and the call; knows no sandbox.
#pragma once

#include <berth/provider.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <system_error>

namespace minimal {

using berth::Code;
using berth::Duration;
using berth::EndKind;
using berth::Error;

/// What errno means; strerror is not for plugins, whose methods run on any thread.
inline std::string words_of(int error) {
    return std::generic_category().message(error);
}

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {
        if (value < 0) throw Error(Code::resource_exhausted, "no descriptor: " + words_of(errno));
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { shut(); }
    int get() const { return value_; }
    void shut() {
        if (value_ >= 0) close(std::exchange(value_, -1));
    }

private:
    int value_;
};

struct Pipe {
    int ends[2] = {-1, -1};
    Descriptor reader{pipe2(ends, O_CLOEXEC) == 0 ? ends[0] : -1};
    Descriptor writer{ends[1]};
};

/// What is to be run.
struct Job {
    std::vector<std::string> argv;
    berth::Variables env;
    std::string cwd;
    std::string input = {};
    int live_stdin = -1;
    Duration timeout{0};
    Duration kill_grace{2000};
    Duration drain_grace{200};
    bool kills_background = false;
};

/// The leader of a process group. When it dies, the group is ended and the leader waited for.
class Child {
public:
    /// The shell looks for the program along the job's PATH, and exits 127 or 126 with a word on stderr when it finds
    /// none or cannot run it.
    Child(const Job& job, int in, int out, int err) {
        std::vector<std::string> texts{"sh", "-c", "exec \"$0\" \"$@\""};
        texts.insert(texts.end(), job.argv.begin(), job.argv.end());
        const std::size_t arguments = texts.size();
        for (const berth::Variable& variable : job.env)
            texts.push_back(variable.name + "=" + variable.value);
        std::vector<char*> argv, env;
        for (std::size_t n = 0; n < texts.size(); ++n)
            (n < arguments ? argv : env).push_back(texts[n].data());
        argv.push_back(nullptr);
        env.push_back(nullptr);

        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, err, 2);
        posix_spawn_file_actions_addchdir_np(&actions, job.cwd.c_str());
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);  // the host ignores SIGPIPE (rule T4)
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
        const int failed = posix_spawn(&pid_, "/bin/sh", &actions, &attributes, argv.data(), env.data());
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (failed != 0) throw Error(Code::execution_failed, words_of(failed)).outcome(berth::Outcome::none);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ == 0) return;
        send_all(SIGKILL);
        wait();
    }
    pid_t pid() const { return pid_; }
    void send(int signal) const { kill(pid_, signal); }
    void send_all(int signal) const { kill(-pid_, signal); }
    int wait() {
        int status = 0;
        waitpid(std::exchange(pid_, 0), &status, 0);
        return status;
    }

private:
    pid_t pid_ = 0;
};

/// Asks `ended` exactly once, also when something was thrown: before the child is waited for.
template <class Ended>
struct LastWord {
    explicit LastWord(Ended& to_ask) : ended(&to_ask) {}
    LastWord(const LastWord&) = delete;
    LastWord& operator=(const LastWord&) = delete;
    ~LastWord() {
        if (ended != nullptr) say();
    }
    bool say() { return (*std::exchange(ended, nullptr))(); }
    Ended* ended;
};

/// Runs a job to its end. `started(pid)` and `output(stream, bytes, on_event)` are as in berth::ProcessSink; `ended()`
/// is asked when the process is over and not yet waited for, and says whether others have killed it.
template <class Started, class Output, class Ended>
berth::ProcessEnd run(berth::Call& call, const Job& job, Started started, Output output, Ended ended) {
    using Clock = std::chrono::steady_clock;
    call.throw_if_cancelled();
    Descriptor input{memfd_create("input", MFD_CLOEXEC)};
    if (pwrite(input.get(), job.input.data(), job.input.size(), 0) != static_cast<ssize_t>(job.input.size()))
        throw Error(Code::resource_exhausted, "the input could not be kept");
    Pipe pipes[2];
    const auto begin = Clock::now();
    Child child{job, job.live_stdin >= 0 ? job.live_stdin : input.get(), pipes[0].writer.get(), pipes[1].writer.get()};
    Descriptor exit{static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0))};
    for (Pipe& pipe : pipes)
        pipe.writer.shut();
    LastWord<Ended> last{ended};
    started(child.pid());

    constexpr auto never = Clock::time_point::max();
    auto timeout_at = job.timeout.count() > 0 ? begin + job.timeout : never;
    auto kill_at = never;
    auto drained_at = never;
    std::optional<EndKind> why;
    const auto stop = [&](EndKind reason, int signal) {
        if (!why) why = reason;
        child.send_all(signal);
        timeout_at = never;
        if (kill_at == never) kill_at = Clock::now() + job.kill_grace;
    };
    const auto on_event = [&](const berth::Event& event) {
        if (event.kind == berth::EventKind::cancel) {
            call.begin_cleanup(job.kill_grace + job.drain_grace + Duration{1000});
            stop(EndKind::cancelled, SIGTERM);
        } else if (event.kind == berth::EventKind::signal) {
            if (event.signal == SIGTERM || event.signal == SIGKILL)
                stop(EndKind::killed, event.signal);
            else
                child.send(event.signal);
        }
    };

    bool alive = true;
    const auto open = [&] { return pipes[0].reader.get() >= 0 || pipes[1].reader.get() >= 0; };
    while (alive || (open() && Clock::now() < drained_at)) {
        const int events = call.events_fd();
        const Duration longest{events >= 0 ? 60'000 : 100};  // without a descriptor: look often
        const auto next = std::min({timeout_at, kill_at, drained_at, Clock::now() + longest});
        const auto wait = std::chrono::ceil<Duration>(next - Clock::now()).count();
        pollfd ready[] = {{alive ? exit.get() : -1, POLLIN, 0},
                          {pipes[0].reader.get(), POLLIN, 0},
                          {pipes[1].reader.get(), POLLIN, 0},
                          {events, POLLIN, 0}};
        poll(ready, 4, wait < 0 ? 0 : static_cast<int>(wait));
        while (const auto event = call.next_event())
            on_event(*event);
        for (int n = 0; n < 2; ++n) {
            if (ready[1 + n].revents == 0) continue;
            char buffer[65536];
            const ssize_t got = read(pipes[n].reader.get(), buffer, sizeof buffer);
            const auto stream = n == 0 ? berth::Stream::out : berth::Stream::err;
            if (got <= 0)
                pipes[n].reader.shut();
            else
                output(stream, std::string_view{buffer, static_cast<std::size_t>(got)}, on_event);
        }
        if (alive && ready[0].revents != 0) {
            alive = false;
            timeout_at = kill_at = never;
            drained_at = Clock::now() + job.drain_grace;
            if (why || job.kills_background) child.send_all(SIGKILL);  // not yet waited for: the group is still ours
        }
        if (Clock::now() >= timeout_at) stop(EndKind::timeout, SIGTERM);
        if (Clock::now() >= kill_at) {
            child.send_all(SIGKILL);
            kill_at = never;
        }
    }
    if (last.say() && !why) why = EndKind::killed;
    berth::ProcessEnd end = berth::ProcessEnd::from_wait_status(child.wait(), why);
    end.duration = std::chrono::duration_cast<Duration>(Clock::now() - begin);
    return end;
}

}  // namespace minimal

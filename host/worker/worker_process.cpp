#include "worker_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "../worker/wire/link.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

/// What a plugin may need to find its programs, files and words. Nothing else: the environment of a host holds the
/// credentials of other providers.
constexpr std::array<std::string_view, 16> passed_on{"PATH",           "HOME",
                                                     "USER",           "LOGNAME",
                                                     "LANG",           "LC_ALL",
                                                     "LC_CTYPE",       "TZ",
                                                     "TMPDIR",         "XDG_RUNTIME_DIR",
                                                     "XDG_STATE_HOME", "XDG_CACHE_HOME",
                                                     "XDG_DATA_HOME",  "XDG_CONFIG_HOME",
                                                     "ASAN_OPTIONS",   "TSAN_OPTIONS"};

std::vector<std::string> environment() {
    std::vector<std::string> variables;
    for (const auto name : passed_on) {
        const std::string text(name);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): a host that changes its environment beside threads breaks more than this
        if (const char* value = std::getenv(text.c_str())) variables.push_back(text + "=" + value);
    }
    return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (auto& text : texts)
        all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

[[noreturn]] void cannot_start(const std::string& program, int number) {
    throw Error(
        worker_diagnostics::cannot_start,
        "the program of workers, " + printable(program) + ", cannot be started: " + system_message(number),
        "Install berth-worker beside berth: whatever did not come with Berth is loaded there, at least the first time");
}

/// Which descriptor becomes which in the child. Numbers that the child is to have are free there: it has just begun.
class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    void give(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
    void open_null(int to) { ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDONLY, 0); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// A group of its own, and signals as a program expects them.
class Attributes {
public:
    Attributes() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(
            &attributes_, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

StartedWorker start(const std::string& program, const WorkerLimits& limits) {
    StartedWorker worker;
    auto [ours, theirs] = wire::make_link();
    auto output = make_pipe();
    FileActions actions;
    actions.open_null(STDIN_FILENO);
    // The socket first: 3 could be one of the others, and dup2 of a number onto itself would leave it close-on-exec.
    FileDescriptor high(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
    FileDescriptor high_output(::fcntl(output.write_end.get(), F_DUPFD_CLOEXEC, 10));
    if (!high || !high_output) cannot_start(program, errno);
    actions.give(high_output.get(), STDOUT_FILENO);
    actions.give(high_output.get(), STDERR_FILENO);
    actions.give(high.get(), 3);
    const Attributes attributes;
    std::vector<std::string> words{program, std::to_string(::getpid()), std::to_string(limits.memory_bytes.value_or(0)),
                                   std::to_string(limits.cpus.value_or(0))};
    auto variables = environment();
    const int failed = ::posix_spawn(&worker.pid, program.c_str(), actions.get(), attributes.get(),
                                     pointers(words).data(), pointers(variables).data());
    if (failed != 0) cannot_start(program, failed);
    worker.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, worker.pid, 0)));
    worker.control = std::move(ours);
    worker.output = std::move(output.read_end);
    ::fcntl(worker.output.get(), F_SETFL, O_NONBLOCK);
    if (!worker.process) {
        const int number = errno;
        kill_worker(worker);
        ::waitpid(worker.pid, nullptr, 0);
        cannot_start(program, number);
    }
    return worker;
}

}  // namespace

WorkerStarter process_starter(std::string program, WorkerLimits limits) {
    return [program = std::move(program), limits] { return start(program, limits); };
}

EndOfWorker reap(const StartedWorker& worker) {
    // What it started and left in its group. Until it is reaped, the group's name is nobody else's.
    ::kill(-worker.pid, SIGKILL);
    siginfo_t ended{};
    if (::waitid(P_PIDFD, static_cast<id_t>(worker.process.get()), &ended, WEXITED) != 0)
        return {"ended, and how is not known: " + system_message(errno), false};
    if (ended.si_code == CLD_EXITED)
        return {"ended with exit code " + std::to_string(ended.si_status), false, ended.si_status == 0};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps this text for each thread
    const char* const name = ::strsignal(ended.si_status);
    auto text = "was killed by signal " + std::to_string(ended.si_status) + " (" + (name != nullptr ? name : "?") + ")";
    if (ended.si_status == SIGKILL) text += ", perhaps because the machine was out of memory";
    return {text, ended.si_status == SIGKILL};
}

void kill_worker(const StartedWorker& worker) noexcept {
    if (worker.pid <= 0) return;
    if (worker.process) ::syscall(SYS_pidfd_send_signal, worker.process.get(), SIGKILL, nullptr, 0);
    // Its group is named by its process id, which is not given away before it has been reaped.
    ::kill(-worker.pid, SIGKILL);
}

}  // namespace berth::inline host_v1

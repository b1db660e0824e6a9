// See killed_step.hpp.
#include "killed_step.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <map>
#include <new>
#include <set>
#include <string>

namespace killed_step {
namespace {

constexpr unsigned patience_seconds = 60;
constexpr unsigned long marker = 0x6b696c6c;

struct Call {
    long number;
    const char* name;
    int path;  // which argument is a path worth telling; -1: none
};

constexpr Call steps[] = {
#ifdef SYS_rename  // older names, which some machines have
    {SYS_rename, "rename", 0},
    {SYS_mkdir, "mkdir", 0},
    {SYS_rmdir, "rmdir", 0},
    {SYS_unlink, "unlink", 0},
    {SYS_symlink, "symlink", 1},
    {SYS_chmod, "chmod", 0},
    {SYS_fork, "fork", -1},
    {SYS_vfork, "vfork", -1},
#endif
    {SYS_renameat2, "renameat2", 1},
    {SYS_renameat, "renameat", 1},
    {SYS_mkdirat, "mkdirat", 1},
    {SYS_unlinkat, "unlinkat", 1},
    {SYS_linkat, "linkat", 3},
    {SYS_symlinkat, "symlinkat", 2},
    {SYS_fchmod, "fchmod", -1},
    {SYS_fchmodat, "fchmodat", 1},
    {SYS_fchown, "fchown", -1},
    {SYS_fchownat, "fchownat", 1},
    {SYS_utimensat, "utimensat", 1},
    {SYS_ftruncate, "ftruncate", -1},
    {SYS_fsync, "fsync", -1},
    {SYS_flock, "flock", -1},
    {SYS_write, "write", -1},
    {SYS_pwrite64, "pwrite64", -1},
    {SYS_copy_file_range, "copy_file_range", -1},
    {SYS_clone, "clone", -1},
    {SYS_clone3, "clone3", -1},
    {SYS_execve, "execve", 0},
    {SYS_mount, "mount", 1},
    {SYS_umount2, "umount2", 0},
    {SYS_pivot_root, "pivot_root", -1},
    {SYS_unshare, "unshare", -1},
    {SYS_setns, "setns", -1},
    {SYS_setsid, "setsid", -1},
    {SYS_setresuid, "setresuid", -1},
    {SYS_prctl, "prctl", -1},
    {SYS_bind, "bind", -1},
    {SYS_listen, "listen", -1},
    {SYS_connect, "connect", -1},
    {SYS_accept4, "accept4", -1},
    {SYS_sendmsg, "sendmsg", -1},
    {SYS_sendto, "sendto", -1},
    {SYS_close_range, "close_range", -1},
    {SYS_kill, "kill", -1},
    {SYS_pidfd_send_signal, "pidfd_send_signal", -1},
    {SYS_exit_group, "exit_group", -1},
};

// Null: nobody else sees anything of it.
const Call* step_of(const __ptrace_syscall_info& info) {
    const auto number = static_cast<long>(info.entry.nr);
    if (number == SYS_openat && (info.entry.args[2] & O_CREAT) != 0) {
        static constexpr Call making{SYS_openat, "openat(O_CREAT)", 1};
        return &making;
    }
    const Call* found =
        std::find_if(std::begin(steps), std::end(steps), [&](const Call& call) { return call.number == number; });
    return found == std::end(steps) ? nullptr : found;
}

std::string name_of(pid_t pid) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
    return name;
}

std::string text_at(pid_t pid, unsigned long long address) {
    std::string text;
    while (text.size() < 80) {
        errno = 0;
        const long word = ::ptrace(PTRACE_PEEKDATA, pid, address + text.size(), nullptr);
        if (errno != 0) {
            return text;
        }
        for (std::size_t i = 0; i < sizeof word; ++i) {
            const char c = static_cast<char>(static_cast<unsigned long>(word) >> (8 * i));
            if (c == 0) {
                return text;
            }
            text += c;
        }
    }
    return text;
}

// The process between the test and the child: it watches, and whoever it has watched is free when it ends.
class Watch {
public:
    Watch(pid_t caller, std::optional<Kill> kill, Outcome& outcome) : caller_(caller), kill_(kill), outcome_(outcome) {
        actors_[caller] = Actor::caller;
    }

    // Until the caller has ended.
    void run() {
        for (;;) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, __WALL);
            if (pid < 0 && errno == EINTR) {
                continue;
            }
            if (pid < 0) {
                return;
            }
            if (WIFSTOPPED(status)) {
                stopped(pid, status);
            } else if (pid == caller_) {
                outcome_.caller_status = status;
                return;
            }
        }
    }

private:
    void stopped(pid_t pid, int status) {
        const int signal = WSTOPSIG(status);
        const int event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            at_call(pid);
            ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
        } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
            ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);  // stopped by a signal, and to stay so
        } else if (event == PTRACE_EVENT_STOP && actors_.count(pid) == 0) {
            early_.insert(pid);  // its parent has not said yet that it made it
        } else if (event != 0) {
            at_event(pid, event);
            ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
        } else {
            ::ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
        }
    }

    void at_event(pid_t pid, int event) {
        unsigned long other = 0;
        if (event == PTRACE_EVENT_EXEC) {
            actors_[pid] = Actor::helper;
        } else if (event != PTRACE_EVENT_STOP && ::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &other) == 0) {
            const auto child = static_cast<pid_t>(other);
            actors_[child] = actors_[pid];
            if (early_.erase(child) != 0) {
                ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
            }
        }
    }

    void at_call(pid_t pid) {
        __ptrace_syscall_info info{};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) {
            return;
        }
        if (pid == caller_ && info.entry.nr == SYS_getpgid && info.entry.args[0] == marker) {
            counting_ = !counting_;
            return;
        }
        const Call* step = counting_ && !outcome_.killed ? step_of(info) : nullptr;
        if (step == nullptr) {
            return;
        }
        const Actor actor = actors_[pid];
        const std::size_t number = ++(actor == Actor::caller ? outcome_.caller_steps : outcome_.helper_steps);
        if (kill_ && kill_->actor == actor && kill_->step == number) {
            outcome_.killed = true;
            const std::string path = step->path < 0 ? "" : text_at(pid, info.entry.args[step->path]);
            std::snprintf(outcome_.at, sizeof outcome_.at, "%s %d before %s %s", name_of(pid).c_str(), pid, step->name,
                          path.c_str());
            if (kill_->victim != Victim::actor) {
                ::kill(caller_, SIGKILL);
            }
            if (kill_->victim != Victim::caller) {
                ::kill(pid, SIGKILL);
            }
        }
    }

    pid_t caller_;
    std::optional<Kill> kill_;
    Outcome& outcome_;
    std::map<pid_t, Actor> actors_;
    std::set<pid_t> early_;
    bool counting_ = false;
};

Outcome* watched_outcome = nullptr;
pid_t watched_caller = 0;

void give_up(int) {
    watched_outcome->hung = true;
    ::kill(watched_caller, SIGKILL);
}

bool seize(pid_t pid) {
    constexpr unsigned long options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    int status = 0;
    return ::ptrace(PTRACE_SEIZE, pid, nullptr, options) == 0 &&
           ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 && ::waitpid(pid, &status, __WALL) == pid &&
           WIFSTOPPED(status) && ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0;
}

[[noreturn]] void be_caller(int go, const std::function<void(const std::function<void()>&)>& work) {
    char byte = 0;
    if (::read(go, &byte, 1) != 1) {
        ::_exit(3);
    }
    ::close(go);
    const auto turn = [] { ::syscall(SYS_getpgid, marker); };
    try {
        work(turn);
    } catch (...) {
        ::_exit(1);
    }
    turn();
    ::_exit(0);
}

[[noreturn]] void be_watcher(const std::function<void(const std::function<void()>&)>& work, std::optional<Kill> kill,
                             Outcome& outcome) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        ::_exit(2);
    }
    const pid_t caller = ::fork();
    if (caller == 0) {
        ::close(ends[1]);
        be_caller(ends[0], work);
    }
    ::close(ends[0]);
    watched_outcome = &outcome;
    watched_caller = caller;
    ::signal(SIGALRM, give_up);
    ::alarm(patience_seconds);
    if (!seize(caller) || ::write(ends[1], "", 1) != 1) {
        ::kill(caller, SIGKILL);
        ::_exit(2);
    }
    Watch(caller, kill, outcome).run();
    ::_exit(0);
}

}  // namespace

Outcome run(const std::function<void(const std::function<void()>& begin)>& work, std::optional<Kill> kill) {
    void* const shared = ::mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const outcome = new (shared) Outcome;
    const pid_t watcher = ::fork();
    if (watcher == 0) {
        be_watcher(work, kill, *outcome);
    }
    ::waitpid(watcher, nullptr, 0);
    const Outcome result = *outcome;
    ::munmap(shared, sizeof(Outcome));
    return result;
}

std::string obstacle() {
    const Outcome outcome = run([](const std::function<void()>& begin) { begin(); }, std::nullopt);
    return outcome.caller_status == 0 ? "" : "no process may watch another here (ptrace)";
}

}  // namespace killed_step

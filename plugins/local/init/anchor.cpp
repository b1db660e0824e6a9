// See run.hpp. Everything here runs inside an anchor or between vfork and exec, or is as careful: raw calls only, for
// errno and the C library's locks are shared with process 1.
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cstring>

#include "limits.hpp"
#include "places.hpp"
#include "raw.hpp"
#include "run.hpp"

namespace berth_init {
namespace {

// One frame with up to three descriptors. A plugin that does not read what it asked for loses it.
void send_frame(int connection, const void* bytes, std::size_t size, const int* descriptors, std::size_t count) {
    alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
    iovec part{const_cast<void*>(bytes), size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    raw::call(SYS_sendmsg, connection, raw::address(&message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct StartedFrame {
    protocol::Header header;
    std::uint32_t pid;
    std::uint32_t streams;
};

struct EndedFrame {
    protocol::Header header;
    std::uint32_t status;
    std::uint32_t cause;
    std::uint64_t nanoseconds;
};

struct FailedFrame {
    protocol::Header header;
    std::uint32_t stage;
    std::uint32_t error;
    std::uint32_t operation;
    std::uint32_t path_size;
    std::uint32_t text_size;
};

[[noreturn]] void give_up(Run& run, protocol::Stage stage, long result) {
    run.stage.store(static_cast<int>(stage));
    run.error.store(static_cast<int>(-result));
    for (;;) {
        raw::call(SYS_exit_group, 127);
    }
}

// Looks a program up as execvp does, but never hands a script without an interpreter to a shell.
long execute_along(Run& run, const char* program) {
    long result = -ENOENT;
    bool denied = false;
    char candidate[4096];
    const std::size_t name_size = std::strlen(program);
    const char* part = run.path;
    while (part != nullptr) {
        const char* end = part;
        while (*end != 0 && *end != ':') {
            ++end;
        }
        const auto size = static_cast<std::size_t>(end - part);
        if (size + name_size + 2 <= sizeof candidate) {
            std::memcpy(candidate, part, size);
            candidate[size] = '/';
            // An empty part of PATH is the working directory.
            std::memcpy(candidate + (size == 0 ? 0 : size + 1), program, name_size + 1);
            result = raw::call(SYS_execve, raw::address(candidate), raw::address(run.arguments),
                               raw::address(run.environment));
            if (result == -EACCES) {
                denied = true;
            } else if (result != -ENOENT && result != -ENOTDIR && result != -ELOOP && result != -ENAMETOOLONG) {
                return result;
            }
        }
        part = *end == 0 ? nullptr : end + 1;
    }
    return denied ? -EACCES : -ENOENT;
}

// The main process before it is one. It shares our memory and never returns from here.
void become_main(void* argument) {
    Run& run = *static_cast<Run*>(argument);
    run.child.store(static_cast<pid_t>(raw::call(SYS_getpid)));
    raw::call(SYS_setsid);
    for (const int group : run.groups) {
        if (group >= 0) {
            if (const long result = raw::call(SYS_write, group, raw::address("0"), 1); result < 0) {
                give_up(run, protocol::Stage::group, result);
            }
        }
    }
    if (run.place >= 0) {
        // Until here the table was process 1's own.
        const long result = raw::call(SYS_close_range, places_end, ~0U, CLOSE_RANGE_UNSHARE);
        if (result < 0) {
            give_up(run, protocol::Stage::resources, result);
        }
    }
    if ((run.flags & protocol::run_terminal) != 0) {
        if (const long result = raw::call(SYS_ioctl, run.child_ends[0], TIOCSCTTY, 0); result < 0) {
            give_up(run, protocol::Stage::resources, result);
        }
    }
    for (int target = 0; target < 3; ++target) {
        // The sources are all above 2: descriptors 0 to 2 of process 1 are always open.
        const long result = raw::call(SYS_dup3, run.child_ends[target], target, 0);
        if (result < 0) {
            give_up(run, protocol::Stage::resources, result);
        }
    }
    raw::call(SYS_close_range, 3, ~0U, 0);
    restore_limits();
    raw::call(SYS_umask, 022);
    if (const long result = raw::call(SYS_chdir, raw::address(run.directory)); result < 0) {
        give_up(run, protocol::Stage::directory, result);
    }
    const std::uint64_t no_signals = 0;
    raw::call(SYS_rt_sigprocmask, SIG_SETMASK, raw::address(&no_signals), 0, sizeof no_signals);
    const char* program = run.arguments[0];
    const bool named = std::strchr(program, '/') != nullptr;
    const long result =
        named ? raw::call(SYS_execve, raw::address(program), raw::address(run.arguments), raw::address(run.environment))
              : execute_along(run, program);
    give_up(run, protocol::Stage::execute, result);
}

void wake_process_1(const Run& run) {
    const std::uint64_t one = 1;
    raw::call(SYS_write, run.notify, raw::address(&one), sizeof one);
}

// Reaps the run's tree until nothing is left of it.
void reap_tree(Run& run) {
    const pid_t main = run.main.load();
    for (;;) {
        const long result = raw::call(SYS_waitid, P_ALL, 0, raw::address(&run.reaped), WEXITED | __WALL);
        if (result == -EINTR) {
            continue;
        }
        if (result < 0) {
            return;
        }
        if (run.reaped.si_pid != main) {
            continue;
        }
        recover_end(run);
        if (!run.wait_for_tree.load()) {
            tell_ended(run);
        }
        if (raw::call(SYS_waitid, P_ALL, 0, 0, WEXITED | WNOHANG | WNOWAIT | __WALL) == -ECHILD) {
            return;
        }
        wake_process_1(run);  // something was left behind: it may have to be ended, and its output drained
    }
}

}  // namespace

void anchor_life(void* argument) {
    Run& run = *static_cast<Run*>(argument);
    const std::uint64_t all_signals = ~std::uint64_t{0};
    raw::call(SYS_rt_sigprocmask, SIG_SETMASK, raw::address(&all_signals), 0, sizeof all_signals);
    raw::call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
    char* const stack_top = static_cast<char*>(run.stacks) + anchor_stack + child_stack;
    const unsigned long files = run.place >= 0 ? CLONE_FILES : 0;
    const long pid = raw::spawn(CLONE_VM | CLONE_VFORK | SIGCHLD | files, stack_top, become_main, &run);
    if ((run.flags & protocol::run_terminal) == 0) {
        close_child_ends(run);
    } else {
        // A terminal stays open until the end is told: a program that closes it for a while has not ended its output.
        close_end(run.child_ends[1]);
        close_end(run.child_ends[2]);
    }
    for (int& group : run.groups) {
        close_end(group);
    }
    if (pid < 0) {
        run.error.store(static_cast<int>(-pid));
        run.stage.store(static_cast<int>(protocol::Stage::resources));
    } else if (run.stage.load() == 0) {
        run.main.store(static_cast<pid_t>(pid));
        tell_started(run);
        reap_tree(run);
    }
    if (run.stage.load() != 0) {
        tell_failed(run);
    } else if (!run.end_told.load()) {
        tell_ended(run);
    }
    for (;;) {
        raw::call(SYS_exit_group, 0);
    }
}

std::int64_t monotonic_ns() {
    timespec now{};
    raw::call(SYS_clock_gettime, CLOCK_MONOTONIC, raw::address(&now));
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool recover_end(Run& run) {
    if (run.reaped.si_pid != run.main.load()) {
        return false;
    }
    const int value = run.reaped.si_status;
    run.status.store(run.reaped.si_code == CLD_EXITED ? (value & 0xff) << 8
                                                      : value | (run.reaped.si_code == CLD_DUMPED ? 0x80 : 0));
    run.ended_at.store(monotonic_ns());
    run.main_ended.store(true);
    return true;
}

void tell_started(Run& run) {
    StartedFrame frame{};
    frame.header = {static_cast<std::uint32_t>(protocol::Type::started), sizeof frame - sizeof frame.header};
    frame.pid = static_cast<std::uint32_t>(run.main.load());
    int descriptors[3];
    std::size_t count = 0;
    if (run.outputs[0] >= 0) {
        const bool terminal = (run.flags & protocol::run_terminal) != 0;
        frame.streams |= terminal ? protocol::stream_terminal : protocol::stream_stdout;
        descriptors[count++] = run.outputs[0];
    }
    if (run.outputs[1] >= 0) {
        frame.streams |= protocol::stream_stderr;
        descriptors[count++] = run.outputs[1];
    }
    if (run.input >= 0) {
        frame.streams |= protocol::stream_stdin;
        descriptors[count++] = run.input;
    }
    send_frame(run.connection, &frame, sizeof frame, descriptors, count);
    run.started_told.store(true);
    close_end(run.input);  // the plugin's alone from now on: its close is the end of stdin
}

void tell_failed(Run& run) {
    close_child_ends(run);
    FailedFrame frame{};
    frame.header = {static_cast<std::uint32_t>(protocol::Type::failed), sizeof frame - sizeof frame.header};
    frame.stage = static_cast<std::uint32_t>(run.stage.load());
    frame.error = static_cast<std::uint32_t>(run.error.load());
    send_frame(run.connection, &frame, sizeof frame, nullptr, 0);
    run.end_told.store(true);
}

void tell_ended(Run& run) {
    close_child_ends(run);
    EndedFrame frame{};
    frame.header = {static_cast<std::uint32_t>(protocol::Type::ended), sizeof frame - sizeof frame.header};
    frame.status = static_cast<std::uint32_t>(run.status.load());
    frame.cause = run.cause.load();
    const std::int64_t duration = run.ended_at.load() - run.started_at;
    frame.nanoseconds = duration < 0 ? 0 : static_cast<std::uint64_t>(duration);
    send_frame(run.connection, &frame, sizeof frame, nullptr, 0);
    run.end_told.store(true);
}

void close_child_ends(Run& run) {
    if (run.place >= 0) {
        clear_place(run.place, &run);
        for (int& end : run.child_ends) {
            end = -1;
        }
        return;
    }
    for (int& end : run.child_ends) {
        close_end(end);
    }
}

void close_end(int& descriptor) {
    if (descriptor >= 0) {
        // Forgotten first: an anchor killed in between loses one descriptor. The other way round process 1 would close the
        // number a second time, and by then it may be another's.
        const int number = descriptor;
        descriptor = -1;
        raw::call(SYS_close, number);
    }
}

}  // namespace berth_init

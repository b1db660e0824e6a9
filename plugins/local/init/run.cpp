// See run.hpp: what process 1 does about a run. What the anchor does is in anchor.cpp.
#include "run.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "limits.hpp"
#include "places.hpp"
#include "process_table.hpp"
#include "raw.hpp"
#include "terminal.hpp"

namespace berth_init {
namespace {

bool make_pipe(int& ours, int& childs, bool childs_end_writes) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    // Our plugin opens its end anew (adopt_pipe), and is another user to a sandbox that has ids of its own.
    fchmod(ends[0], 0666);
    ours = ends[childs_end_writes ? 0 : 1];
    childs = ends[childs_end_writes ? 1 : 0];
    return true;
}

bool make_output(Run& run, int index, std::uint32_t discard) {
    if ((run.flags & discard) != 0) {
        run.child_ends[index + 1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return run.child_ends[index + 1] >= 0;
    }
    return make_pipe(run.outputs[index], run.child_ends[index + 1], true);
}

bool make_streams(Run& run) {
    if ((run.flags & protocol::run_terminal) != 0) {
        return open_terminal(run.rows, run.columns, run.outputs[0], run.child_ends);
    }
    if ((run.flags & protocol::run_stdin) != 0) {
        if (!make_pipe(run.input, run.child_ends[0], false)) {
            return false;
        }
    } else {
        run.child_ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (run.child_ends[0] < 0) {
            return false;
        }
    }
    return make_output(run, 0, protocol::run_discard_stdout) && make_output(run, 1, protocol::run_discard_stderr);
}

char** parse_strings(protocol::Reader& reader) {
    const std::uint32_t count = reader.u32();
    if (!reader.good() || count > protocol::max_strings) {
        return nullptr;
    }
    auto** strings = static_cast<char**>(std::calloc(count + std::size_t{1}, sizeof(char*)));
    if (strings == nullptr) {
        return nullptr;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string_view text = reader.text(protocol::max_request);
        strings[i] = const_cast<char*>(text.data());
    }
    return strings;
}

}  // namespace

Run::~Run() {
    std::free(arguments);
    std::free(environment);
    close_child_ends(*this);
    for (int& output : outputs) {
        close_end(output);
    }
    for (int& group : groups) {
        close_end(group);
    }
    close_end(input);
    if (stacks != nullptr) {
        munmap(stacks, anchor_stack + child_stack);
    }
}

bool parse_run(Run& run) {
    protocol::Reader reader({run.text.data(), run.text.size()});
    if (reader.u32() != protocol::version) {
        return false;
    }
    run.flags = reader.u32();
    run.timeout_ms = reader.i64();
    run.grace_ms = reader.i64();
    run.directory = reader.text(protocol::max_path).data();
    run.arguments = parse_strings(reader);
    run.environment = parse_strings(reader);
    constexpr std::uint32_t largest_terminal = 65'535;
    if ((run.flags & protocol::run_terminal) != 0) {
        run.rows = reader.u32();
        run.columns = reader.u32();
    }
    constexpr std::int64_t longest = 1'000LL * 3600 * 24 * 36'500;
    if (!reader.finished() || (run.flags & ~protocol::run_known_flags) != 0 || run.timeout_ms < 0 ||
        run.timeout_ms > longest || run.grace_ms < 0 || run.grace_ms > longest || run.arguments == nullptr ||
        run.environment == nullptr || run.arguments[0] == nullptr || run.arguments[0][0] == 0 ||
        run.rows > largest_terminal || run.columns > largest_terminal) {
        return false;
    }
    run.path = "/usr/local/bin:/usr/bin:/bin";
    for (char** variable = run.environment; *variable != nullptr; ++variable) {
        if (std::strncmp(*variable, "PATH=", 5) == 0) {
            run.path = *variable + 5;
        }
    }
    return true;
}

bool start_run(Run& run) {
    run.stacks = mmap(nullptr, anchor_stack + child_stack, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (run.stacks == MAP_FAILED) {
        run.stacks = nullptr;
    }
    if (run.stacks == nullptr || !make_streams(run)) {
        run.stage.store(static_cast<int>(protocol::Stage::resources));
        run.error.store(errno);
        return false;
    }
    if ((run.flags & protocol::run_terminal) == 0) {  // whose own end stays open as long as the run
        run.place = move_to_place(run.child_ends, &run);
    }
    run.started_at = monotonic_ns();
    run.deadline = run.timeout_ms == 0 ? 0 : run.started_at + run.timeout_ms * 1'000'000;
    run.wait_for_tree.store((run.flags & protocol::run_kill_background) != 0);
    char* const stack_top = static_cast<char*>(run.stacks) + anchor_stack;
    const long pid = raw::spawn(CLONE_VM | CLONE_FILES | SIGCHLD, stack_top, anchor_life, &run);
    if (pid < 0) {
        run.stage.store(static_cast<int>(protocol::Stage::resources));
        run.error.store(static_cast<int>(-pid));
        return false;
    }
    run.anchor = static_cast<pid_t>(pid);
    run.anchor_lives = true;
    return true;
}

void signal_run(const Run& run, int signal) {
    // Once the main process has been reaped its number may be another's: only the tree below the anchor is still ours.
    const bool main_is_ours = run.main.load() > 0 && !run.main_ended.load();
    if (signal == SIGKILL) {
        kill_tree(run);
    } else if (main_is_ours) {
        kill(signal == SIGTERM ? -run.main.load() : run.main.load(), signal);
    }
}

void kill_tree(const Run& run) {
    const bool main_is_ours = run.main.load() > 0 && !run.main_ended.load();
    if (main_is_ours) {
        kill(-run.main.load(), SIGKILL);
    }
    // Everything below the anchor, again and again until a round finds nothing new: what forks meanwhile is found too.
    // Without an anchor the tree is what descends from the main process or stayed in its group or session.
    if (run.anchor_lives) {
        kill_descendants(run.anchor, 0);
    } else if (main_is_ours) {
        kill_descendants(0, run.main.load());
    }
}

}  // namespace berth_init

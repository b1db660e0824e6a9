// See detached.hpp.
#include "detached.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/raw.hpp"

namespace berth_local {
namespace {

constexpr std::size_t stack_size = 64U << 10;
constexpr int out_of_the_way = 100;

// Two stacks: for a child and for the child's child.
class Stacks {
public:
    Stacks()
        : memory_(::mmap(nullptr, 2 * stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                         0)) {}
    ~Stacks() {
        if (good()) {
            ::munmap(memory_, 2 * stack_size);
        }
    }
    Stacks(const Stacks&) = delete;
    Stacks& operator=(const Stacks&) = delete;
    [[nodiscard]] bool good() const { return memory_ != MAP_FAILED; }
    [[nodiscard]] char* top(std::size_t number) const {
        return static_cast<char*>(memory_) + (number + 1) * stack_size;
    }

private:
    void* memory_;
};

// Shares memory with its parent, which waits until it has ended or become another program. The child's number, or a
// negative errno. Not the C library's clone: ThreadSanitizer takes that for a fork, and believes the copy to be alone.
long clone_here(void (*function)(void*), char* stack_top, void* argument) {
    return berth_init::raw::spawn(CLONE_VM | CLONE_VFORK | SIGCHLD, stack_top, function, argument);
}

// Starts the first child and waits for its end. The errno of a failure, or 0.
int run_first(void (*function)(void*), char* stack_top, void* argument) {
    // No handler of the host may run in a child that shares its memory.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const long child = clone_here(function, stack_top, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    while (child > 0 && ::waitpid(static_cast<pid_t>(child), nullptr, 0) < 0 && errno == EINTR) {
    }
    return child < 0 ? static_cast<int>(-child) : 0;
}

struct Launch {
    const DetachedProgram* program;
    char* const* arguments;
    int* places;  // room for as many as there are descriptors
    char* second_stack;
    pid_t pid = 0;
    int error = 0;
};

// In a child every call is the kernel's own: the C library's, where a sanitizer stands before them, keep books on what
// they did, and the books are the host's. `_exit` would even run its last checks.
[[noreturn]] void end_child(int status) {
    for (;;) {
        ::syscall(SYS_exit_group, status);
    }
}

bool place_descriptors(const Launch& launch) {
    const std::vector<int>& sources = launch.program->descriptors;
    for (std::size_t place = 0; place < sources.size(); ++place) {
        // First out of the way of every target, then onto them: a source may have any number.
        launch.places[place] =
            sources[place] < 0 ? -1 : static_cast<int>(::syscall(SYS_fcntl, sources[place], F_DUPFD, out_of_the_way));
        if (sources[place] >= 0 && launch.places[place] < 0) {
            return false;
        }
    }
    for (std::size_t place = 0; place < sources.size(); ++place) {
        if (launch.places[place] < 0) {
            ::syscall(SYS_close, place);  // the host may have something of that number
        } else if (::syscall(SYS_dup3, launch.places[place], place, 0) < 0) {
            return false;
        }
    }
    return ::syscall(SYS_close_range, static_cast<unsigned>(sources.size()), ~0U, 0) == 0;
}

// The kernel's own call: the C library and sanitizers keep tables of handlers, and those are the host's.
void reset_signals() {
    const std::array<unsigned long, 4> at_first{};  // handler, flags, restorer, mask
    for (int number = 1; number < 32; ++number) {
        if (number != SIGKILL && number != SIGSTOP) {
            ::syscall(SYS_rt_sigaction, number, at_first.data(), nullptr, sizeof(unsigned long));
        }
    }
}

// The functions that children begin with run on stacks that no sanitizer knows, and never return.
[[noreturn]] __attribute__((no_sanitize("address", "thread"))) void become_program(void* argument) {
    Launch& launch = *static_cast<Launch*>(argument);
    reset_signals();
    ::syscall(SYS_setsid);
    char* const no_environment[] = {nullptr};
    const unsigned long no_signals = 0;
    const DetachedProgram& program = *launch.program;
    if (::syscall(SYS_chdir, "/") == 0 && (program.prepare == nullptr || program.prepare(program.context)) &&
        place_descriptors(launch) &&
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals) == 0) {
        ::syscall(SYS_execve, program.path.c_str(), launch.arguments, no_environment);
    }
    launch.error = errno;
    end_child(127);
}

// The child of our child is nobody's to wait for but the machine's first process.
[[noreturn]] __attribute__((no_sanitize("address", "thread"))) void step_aside(void* argument) {
    Launch& launch = *static_cast<Launch*>(argument);
    const long child = clone_here(become_program, launch.second_stack, argument);
    launch.pid = child < 0 ? 0 : static_cast<pid_t>(child);
    if (child < 0) {
        launch.error = static_cast<int>(-child);
    }
    end_child(0);
}

struct Work {
    int (*function)(const void*);
    const void* context;
    int result = ECANCELED;
};

[[noreturn]] __attribute__((no_sanitize("address", "thread"))) void do_work(void* argument) {
    Work& work = *static_cast<Work*>(argument);
    work.result = work.function(work.context);
    end_child(0);
}

}  // namespace

bool join_groups(const std::vector<Descriptor>& groups) {
    for (const Descriptor& group : groups) {
        if (::syscall(SYS_write, group.get(), "0", 1) != 1) {
            return false;
        }
    }
    return true;
}

Started start_detached(const DetachedProgram& program) {
    std::vector<std::string> texts = program.arguments;
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        arguments.push_back(text.data());
    }
    arguments.push_back(nullptr);
    std::vector<int> places(program.descriptors.size(), -1);
    const Stacks stacks;
    if (!stacks.good()) {
        return {0, errno};
    }
    Launch launch{&program, arguments.data(), places.data(), stacks.top(1)};
    const int error = run_first(step_aside, stacks.top(0), &launch);
    return {launch.pid, error != 0 ? error : launch.error};
}

int in_child(int (*work)(const void* context), const void* context) {
    const Stacks stacks;
    if (!stacks.good()) {
        return errno;
    }
    Work item{work, context};
    const int error = run_first(do_work, stacks.top(0), &item);
    return error != 0 ? error : item.result;
}

}  // namespace berth_local

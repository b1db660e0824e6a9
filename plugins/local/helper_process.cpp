#include "helper_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "failure.hpp"

namespace berth_local {
namespace {

class SpawnPlan {
public:
    SpawnPlan() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        // The host may have blocked or ignored whatever it likes.
        sigset_t signals;
        sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    }
    ~SpawnPlan() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    // First out of the way of every number, as a source may have any.
    void give(int descriptor, int number) {
        held_.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 32));
        if (!held_.back()) {
            throw system_failure("no descriptor is free", errno);
        }
        ::posix_spawn_file_actions_adddup2(&actions_, held_.back().get(), number);
        next_ = std::max(next_, number + 1);
    }
    int start(pid_t& process, const char* program, char* const* arguments) {
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, next_);
        char* const no_environment[] = {nullptr};
        return ::posix_spawn(&process, program, &actions_, &attributes_, arguments, no_environment);
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    std::vector<Descriptor> held_;
    int next_ = 3;
};

}  // namespace

HelperProcess::HelperProcess(const std::string& program, std::vector<std::string> arguments,
                             std::initializer_list<Given> given)
    : complaints_(::memfd_create("complaints", MFD_CLOEXEC)) {
    int ends[2];
    if (!complaints_ || ::pipe2(ends, O_CLOEXEC) != 0) {
        throw system_failure("cannot start " + program, errno);
    }
    output_ = Descriptor(ends[0]);
    const Descriptor writing(ends[1]);
    arguments.insert(arguments.begin(), program);
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) {
        words.push_back(argument.data());
    }
    words.push_back(nullptr);
    SpawnPlan plan;
    plan.give(writing.get(), 1);
    plan.give(complaints_.get(), 2);
    for (const Given& one : given) {
        plan.give(one.descriptor, one.number);
    }
    if (const int error = plan.start(process_, program.c_str(), words.data()); error != 0) {
        process_ = 0;
        throw system_failure("cannot start " + program, error);
    }
}

HelperProcess::~HelperProcess() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        wait();
    }
}

void HelperProcess::wait() {
    while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
}

std::optional<std::string> HelperProcess::complaint() {
    wait();
    if (status_ == 0) {
        return std::nullopt;
    }
    char text[2000];
    const ssize_t size = ::pread(complaints_.get(), text, sizeof text, 0);
    std::string why(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!why.empty() && why.back() == '\n') {
        why.pop_back();
    }
    return why;
}

void HelperProcess::finish(std::int32_t code, const std::string& doing) {
    if (const std::optional<std::string> why = complaint()) {
        throw failure(code, doing + ": " + (why->empty() ? "the helper died without a word" : *why));
    }
}

}  // namespace berth_local

// What a plugin must leave alone in the process that it is a guest of (rule T4), remembered before a call and compared
// after it: signal mask, working directory, the handling of SIGPIPE.
#ifndef BERTH_TESTING_PROCESS_STATE_HPP
#define BERTH_TESTING_PROCESS_STATE_HPP

#include <dirent.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace berth::inline sdk_v1::testing {

class ProcessState {
public:
    static ProcessState now() {
        ProcessState state;
        pthread_sigmask(SIG_SETMASK, nullptr, &state.mask_);
        sigaction(SIGPIPE, nullptr, &state.pipe_);
        char buffer[PATH_MAX];
        if (getcwd(buffer, sizeof buffer) != nullptr) state.directory_ = buffer;
        return state;
    }
    /// What has changed since, empty when nothing has.
    std::string change() const {
        const ProcessState after = now();
        for (int signal = 1; signal < NSIG; ++signal)
            if (sigismember(&mask_, signal) != sigismember(&after.mask_, signal)) return "the signal mask was changed";
        if (pipe_.sa_handler != after.pipe_.sa_handler) return "the handling of SIGPIPE was changed";
        if (directory_ != after.directory_) return "the working directory was changed";
        return {};
    }
    /// How many descriptors are open in this process.
    static std::size_t descriptors() {
        std::size_t count = 0;
        if (DIR* folder = opendir("/proc/self/fd")) {
            while (readdir(folder) != nullptr)
                ++count;
            closedir(folder);
        }
        return count;
    }
    /// True when a child has ended that nobody waited for.
    static bool has_unwaited_child() {
        siginfo_t info{};
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
    }

private:
    sigset_t mask_{};
    struct sigaction pipe_ {};
    std::string directory_;
};

}  // namespace berth::inline sdk_v1::testing

#endif

#include "confinement.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <limits>

#include "../../base/error.hpp"

namespace berth::inline host_v1::worker {

namespace {

std::string failure(const char* what) {
    return std::string(what) + ": " + system_message(errno);
}

/// The first so many of the processors it may run on.
bool keep_processors(std::uint32_t wanted) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
    cpu_set_t kept;
    CPU_ZERO(&kept);
    std::uint32_t count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < wanted; ++processor) {
        if (!CPU_ISSET(processor, &allowed)) continue;
        CPU_SET(processor, &kept);
        ++count;
    }
    return ::sched_setaffinity(0, sizeof kept, &kept) == 0;
}

}  // namespace

std::string confine(const Confinement& confinement, int last_descriptor) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failure("prctl(PR_SET_PDEATHSIG)");
    // It may have died before that.
    if (::getppid() != confinement.host_process) return "the host is gone";
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("prctl(PR_SET_NO_NEW_PRIVS)");
    if (::syscall(SYS_close_range, static_cast<unsigned>(last_descriptor) + 1, std::numeric_limits<unsigned>::max(),
                  0) != 0)
        return failure("close_range");
    const rlimit no_core{0, 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return failure("setrlimit(RLIMIT_CORE)");
#ifdef BERTH_SANITIZED
    constexpr bool may_be_limited = false;  // a sanitizer's shadow alone takes terabytes
#else
    constexpr bool may_be_limited = true;
#endif
    if (may_be_limited && confinement.memory_bytes > 0) {
        const rlimit memory{confinement.memory_bytes, confinement.memory_bytes};
        if (::setrlimit(RLIMIT_DATA, &memory) != 0) return failure("setrlimit(RLIMIT_DATA)");
    }
    if (confinement.cpus > 0 && !keep_processors(confinement.cpus)) return failure("sched_setaffinity");
    // A write to a pipe that nobody reads is an error of that write (rule T4).
    ::signal(SIGPIPE, SIG_IGN);
    return {};
}

}  // namespace berth::inline host_v1::worker

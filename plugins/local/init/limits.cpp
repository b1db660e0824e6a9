#include "limits.hpp"

#include <sys/resource.h>

#include "raw.hpp"

namespace berth_init {
namespace {
rlimit given{};  // of process 1 itself, before it raised its own: written once at the start
}

void raise_limits() {
    if (getrlimit(RLIMIT_NOFILE, &given) == 0) {
        const rlimit raised{given.rlim_max, given.rlim_max};
        setrlimit(RLIMIT_NOFILE, &raised);
    }
}

void restore_limits() {
    if (given.rlim_max != 0) {
        raw::call(SYS_prlimit64, 0, RLIMIT_NOFILE, raw::address(&given), 0);
    }
}

}  // namespace berth_init

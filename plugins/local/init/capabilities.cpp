#include "capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace berth_init {

void settle_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    if (syscall(SYS_capget, &header, sets) != 0) {
        return;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    const std::uint64_t kept = std::uint64_t{sets[1].permitted} << 32 | sets[0].permitted;
    for (unsigned capability = 0; capability < 64; ++capability) {
        if ((kept >> capability & 1) == 0) {
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // bubblewrap has done it already where nothing is kept
        }
    }
    sets[0].inheritable = 0;
    sets[1].inheritable = 0;
    syscall(SYS_capset, &header, sets);
}

}  // namespace berth_init

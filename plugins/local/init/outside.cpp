#include "outside.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace berth_init {
namespace {

// As in linux/landlock.h, which Debian 12 has in an older form.
struct RulesetAttributes {
    std::uint64_t files;
    std::uint64_t network;
    std::uint64_t scopes;
};
constexpr std::uint64_t abstract_sockets = 1;

}  // namespace

void leave_abstract_sockets() {
    const RulesetAttributes attributes{0, 0, abstract_sockets};
    const long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset >= 0) {
        syscall(SYS_landlock_restrict_self, ruleset, 0);
        close(static_cast<int>(ruleset));
    }
}

}  // namespace berth_init

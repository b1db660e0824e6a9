// A terminal of its own for a test: what a window holds, and what a program has.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file_descriptor.hpp"

namespace berth_test {

struct TerminalPair {
    berth::FileDescriptor master;
    berth::FileDescriptor slave;
};

inline TerminalPair make_terminal() {
    TerminalPair pair;
    pair.master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(pair.master);
    REQUIRE(::grantpt(pair.master.get()) == 0);
    REQUIRE(::unlockpt(pair.master.get()) == 0);
    char name[128] = {};
    REQUIRE(::ptsname_r(pair.master.get(), name, sizeof name) == 0);
    pair.slave.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(pair.slave);
    return pair;
}

}  // namespace berth_test

// berth-init: the first process of a sandbox. `berth-init FD` takes work from the listening Unix socket FD.
//
// Static and small: it is run by every sandbox, in whatever root that has. It holds no capability but those that a
// template's root has over its own ids, cannot be traced or read by what runs beside it (not dumpable), and gives none
// of its descriptors away but the pipes of the run in hand.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "capabilities.hpp"
#include "limits.hpp"
#include "outside.hpp"
#include "server.hpp"

namespace {

constexpr int misuse = 2;
constexpr int listener = 3;

// stdin, stdout and stderr are nothing, 3 is the socket, and no other descriptor is left from outside.
bool tidy_descriptors(int socket) {
    if (socket != listener && dup2(socket, listener) < 0) {
        return false;
    }
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) {
        return false;
    }
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        if (dup2(nothing, descriptor) < 0) {
            return false;
        }
    }
    return close_range(listener + 1, ~0U, 0) == 0 && fcntl(listener, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(listener, F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        return misuse;
    }
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    berth_init::settle_capabilities();
    berth_init::leave_abstract_sockets();
    prctl(PR_SET_NAME, "berth-init");
    umask(0);
    berth_init::raise_limits();
    static berth_init::Server server;
    if (getpid() != 1 || !tidy_descriptors(std::atoi(arguments[1])) || !server.start(listener)) {
        return misuse;
    }
    server.serve();
}

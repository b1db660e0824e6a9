// berth-init: the first process of a sandbox. `berth-init FD` takes work from the listening Unix socket FD, for ever;
// `berth-init FD NOTE LIFE IDLE` for so many milliseconds in all and without use (0 = no limit), and then writes to NOTE.
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
constexpr int note = 4;

// stdin, stdout and stderr are nothing, 3 is the socket, 4 takes the note, and no other descriptor is left from outside.
bool tidy_descriptors(int socket, int given_note) {
    // First out of the way: either may have the other's place.
    const int far_note = given_note < 0 ? -1 : fcntl(given_note, F_DUPFD, 100);
    if ((socket != listener && dup2(socket, listener) < 0) || (far_note >= 0 && dup3(far_note, note, O_CLOEXEC) < 0)) {
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
    const unsigned first_unknown = given_note < 0 ? note : note + 1;
    return close_range(first_unknown, ~0U, 0) == 0 && fcntl(listener, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(listener, F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

int main(int count, char** arguments) {
    const bool limited = count == 5;
    if (count != 2 && !limited) {
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
    const int given_note = limited ? std::atoi(arguments[2]) : -1;
    if (getpid() != 1 || !tidy_descriptors(std::atoi(arguments[1]), given_note) || !server.start(listener)) {
        return misuse;
    }
    if (limited && !server.limit_lifetime(note, std::atoll(arguments[3]), std::atoll(arguments[4]))) {
        return misuse;
    }
    server.serve();
}

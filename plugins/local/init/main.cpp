// berth-init: the first process of a sandbox. `berth-init FD NAME LOOK` takes work from the listening Unix socket FD until
// that has lost its name, of which NAME is a handle and which is looked for each LOOK milliseconds; `berth-init FD NAME
// LOOK NOTE LIFE IDLE` for so many milliseconds in all and without use (0 = no limit), and then writes to NOTE.
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
constexpr int name = 4;
constexpr int note = 5;
constexpr int out_of_the_way = 100;

// stdin, stdout and stderr are nothing, 3 is the socket, 4 its name, 5 takes the note, and no other descriptor is left
// from outside.
bool tidy_descriptors(const int (&given)[3]) {
    int far[3] = {-1, -1, -1};
    for (int i = 0; i < 3; ++i) {
        // First out of the way: each may have another's place.
        far[i] = given[i] < 0 ? -1 : fcntl(given[i], F_DUPFD, out_of_the_way);
    }
    for (int i = 0; i < 3; ++i) {
        if (given[i] >= 0 && (far[i] < 0 || dup3(far[i], listener + i, O_CLOEXEC) < 0)) {
            return false;
        }
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
    const unsigned first_unknown = given[2] < 0 ? note : note + 1;
    return close_range(first_unknown, ~0U, 0) == 0 && fcntl(listener, F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

int main(int count, char** arguments) {
    const bool limited = count == 7;
    if (count != 4 && !limited) {
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
    const int given[3] = {std::atoi(arguments[1]), std::atoi(arguments[2]), limited ? std::atoi(arguments[4]) : -1};
    if (getpid() != 1 || !tidy_descriptors(given) || !server.start(listener)) {
        return misuse;
    }
    server.look_for(name, std::atoll(arguments[3]));
    if (limited && !server.limit_lifetime(note, std::atoll(arguments[5]), std::atoll(arguments[6]))) {
        return misuse;
    }
    server.serve();
}

#include "terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

namespace berth_init {
namespace {

// Erasing a character erases all its bytes: what runs here speaks UTF-8 (LANG is C.UTF-8).
void expect_utf8(int terminal) {
    termios state{};
    if (tcgetattr(terminal, &state) == 0) {
        state.c_iflag |= IUTF8;
        tcsetattr(terminal, TCSANOW, &state);
    }
}

}  // namespace

bool open_terminal(std::uint32_t rows, std::uint32_t columns, int& master, int (&ends)[3]) {
    // By its place in devpts: /dev itself can be changed by what runs here, a mounted file system's own node cannot.
    master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) {
        return false;
    }
    const int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) != 0) {
        return false;
    }
    // The other side of exactly this master, whatever lies under its name.
    ends[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    for (int i = 1; i < 3 && ends[0] >= 0; ++i) {
        ends[i] = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
    }
    if (ends[0] < 0 || ends[1] < 0 || ends[2] < 0) {
        return false;
    }
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    ioctl(master, TIOCSWINSZ, &size);
    expect_utf8(ends[0]);
    return true;
}

}  // namespace berth_init

#include "terminal_end.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

namespace berth_local {

Descriptor adopt_terminal(Descriptor received) {
    struct stat info {};
    int number = -1;
    // Only a master's end knows the number of its terminal.
    const bool master = ::fstat(received.get(), &info) == 0 && S_ISCHR(info.st_mode) &&
                        ::ioctl(received.get(), TIOCGPTN, &number) == 0 &&
                        (::fcntl(received.get(), F_GETFL) & O_ACCMODE) == O_RDWR;
    return master ? std::move(received) : Descriptor();
}

void make_unblocking(const Descriptor& terminal) {
    ::fcntl(terminal.get(), F_SETFL, O_RDWR | O_NONBLOCK);
}

void set_terminal_size(const Descriptor& terminal, std::uint32_t rows, std::uint32_t columns) {
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    ::ioctl(terminal.get(), TIOCSWINSZ, &size);
}

char end_of_file_byte(const Descriptor& terminal) {
    constexpr char control_d = 4;
    termios state{};
    return ::tcgetattr(terminal.get(), &state) == 0 ? static_cast<char>(state.c_cc[VEOF]) : control_d;
}

}  // namespace berth_local

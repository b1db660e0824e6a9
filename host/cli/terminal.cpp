#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace berth::inline host_v1::cli {

bool is_terminal(int descriptor) noexcept {
    return ::isatty(descriptor) == 1;
}

std::optional<TerminalSize> terminal_size(int descriptor) noexcept {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
    return TerminalSize{size.ws_row, size.ws_col};
}

Colour colour_for(int descriptor, bool no_color, bool dumb_terminal) noexcept {
    return !no_color && !dumb_terminal && is_terminal(descriptor) ? Colour::on : Colour::off;
}

}  // namespace berth::inline host_v1::cli

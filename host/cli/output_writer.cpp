#include "output_writer.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "../base/error.hpp"
#include "diagnostics.hpp"
#include "terminal.hpp"

namespace berth::inline host_v1::cli {

OutputWriter::OutputWriter(int descriptor, const FileDescriptor& give_up) : descriptor_(descriptor), give_up_(give_up) {
    struct stat state {};
    if (::fstat(descriptor_, &state) != 0 || S_ISREG(state.st_mode) || S_ISBLK(state.st_mode)) return;
    kind_ = Kind::in_pieces;
    terminal_ = is_terminal(descriptor_);
    if (!S_ISFIFO(state.st_mode) && !S_ISCHR(state.st_mode)) return;
    // One that was closed holds its place as one for reading only: opened anew it would take and lose everything.
    if ((::fcntl(descriptor_, F_GETFL) & O_ACCMODE) == O_RDONLY) return;
    const auto path = "/proc/self/fd/" + std::to_string(descriptor_);
    own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!own_) return;
    descriptor_ = own_.get();
    kind_ = Kind::non_blocking;
}

bool OutputWriter::wait_for_room() {
    std::array<pollfd, 2> waiting{{{descriptor_, POLLOUT, 0}, {give_up_.get(), POLLIN, 0}}};
    while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
    }
    return waiting[0].revents != 0;  // POLLERR, too: the write then says what is wrong
}

OutputWriter::Written OutputWriter::write(std::string_view bytes) {
    while (!bytes.empty()) {
        if (kind_ != Kind::file && !wait_for_room()) return Written::dropped;
        // A pipe that has room takes this many bytes without blocking, whatever its flags.
        const auto count = kind_ == Kind::in_pieces ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
        const auto written = ::write(descriptor_, bytes.data(), count);
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR || errno == EAGAIN) continue;
        // A terminal whose window was closed answers EIO.
        if (errno == EPIPE || errno == ECONNRESET || (errno == EIO && terminal_)) return Written::reader_gone;
        throw Error(cli_diagnostics::output_failed, "the output could not be written: " + system_message(errno),
                    "make room, or send it elsewhere");
    }
    return Written::all;
}

}  // namespace berth::inline host_v1::cli

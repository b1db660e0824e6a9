#include "process_output.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "terminal_end.hpp"

namespace berth_local {
namespace {

constexpr std::size_t cold_buffer = 64U << 10;
constexpr std::size_t hot_buffer = 256U << 10;
constexpr std::uint64_t hot_after = 1U << 20;
constexpr int hot_pipe = 1 << 20;
constexpr std::size_t most_in_terminal = 128U << 10;  // the kernel's own bound is half of it

}  // namespace

std::string_view ProcessOutput::read(OutputBuffer& buffer) {
    const std::size_t wanted = hot_ ? hot_buffer : cold_buffer;
    if (buffer.size < wanted) {
        buffer.bytes = std::make_unique_for_overwrite<char[]>(wanted);
        buffer.size = wanted;
    }
    if (kind_ == Kind::terminal) {
        return read_terminal(buffer);
    }
    const ssize_t size = ::read(from_.get(), buffer.bytes.get(), buffer.size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return {};
    }
    if (size <= 0) {
        from_.reset();
        return {};
    }
    grow_pipe(static_cast<std::size_t>(size));
    return {buffer.bytes.get(), static_cast<std::size_t>(size)};
}

std::size_t ProcessOutput::most_there() const {
    int size = 0;
    if (kind_ == Kind::terminal) {
        return most_in_terminal;  // it counts only what it has looked at itself
    }
    return ::ioctl(from_.get(), FIONREAD, &size) == 0 ? static_cast<std::size_t>(size) : 0;
}

void ProcessOutput::grow_pipe(std::size_t size) {
    total_ += size;
    if (!hot_ && total_ > hot_after) {
        hot_ = true;
        ::fcntl(from_.get(), F_SETPIPE_SZ, hot_pipe);  // refused when the user's budget is used up: no matter
    }
}

// A terminal gives a page at most each time: gather what is there.
std::string_view ProcessOutput::read_terminal(OutputBuffer& buffer) {
    std::size_t filled = 0;
    make_unblocking(from_);
    while (filled < buffer.size) {
        const ssize_t size = ::read(from_.get(), buffer.bytes.get() + filled, buffer.size - filled);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            if (size == 0 || errno != EAGAIN) {
                from_.reset();  // EIO: nobody has the terminal open any more
            }
            break;
        }
        filled += static_cast<std::size_t>(size);
    }
    return {buffer.bytes.get(), filled};
}

}  // namespace berth_local

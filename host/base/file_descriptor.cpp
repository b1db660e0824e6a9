#include "file_descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace berth::inline host_v1 {

void FileDescriptor::reset(int descriptor) noexcept {
    // EINTR after close leaves the descriptor closed on Linux: never repeat it.
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
}

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    return {FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

FileDescriptor make_event() {
    FileDescriptor event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
    return event;
}

void raise_event(const FileDescriptor& event) noexcept {
    const std::uint64_t one = 1;
    // The only failure possible is a counter at its limit, and then it is readable already.
    [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

void clear_event(const FileDescriptor& event) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event.get(), &count, sizeof count);
}

int write_all(int descriptor, std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd waiting{descriptor, POLLOUT, 0};
            ::poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace berth::inline host_v1

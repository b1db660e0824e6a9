#include "link.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "failure.hpp"

namespace berth_local {
namespace {

constexpr std::size_t most_descriptors = 3;
constexpr std::size_t first_input = 4U << 10;
constexpr std::size_t most_input = sizeof(protocol::Header) + protocol::max_frame;

}  // namespace

Link Link::to(int sandbox_directory) {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        throw system_failure("cannot make a socket", errno);
    }
    const int yes = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    // Through the directory's descriptor: the path itself may be longer than a socket address can hold.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", sandbox_directory);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        if (error == ECONNREFUSED || error == ENOENT) {
            throw refusal(BERTH_NOT_READY, "the sandbox is stopped", "restart it");
        }
        Failure failure = system_failure("cannot reach the sandbox's first process", error);
        failure.outcome = BERTH_OUTCOME_NONE;
        throw failure;
    }
    return Link(std::move(socket));
}

Link::Link(Descriptor connected) : socket_(std::move(connected)) {}

Link::Sent Link::flush() {
    while (sent_ < output_.size()) {
        const ssize_t size = send_some();
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? Sent::blocked : Sent::closed;
        }
        sent_ += static_cast<std::size_t>(size);
        along_ = nullptr;
    }
    output_.clear();
    sent_ = 0;
    return Sent::all;
}

ssize_t Link::send_some() {
    iovec part{output_.data() + sent_, output_.size() - sent_};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
    const std::size_t count = along_ == nullptr ? 0 : std::min(along_->size(), most_descriptors);
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (std::size_t i = 0; i < count; ++i) {
            const int number = (*along_)[i].get();
            std::memcpy(CMSG_DATA(header) + i * sizeof number, &number, sizeof number);
        }
    }
    return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
}

Link::Got Link::next(Frame& frame) {
    for (;;) {
        const std::size_t there = filled_ - used_;
        if (there >= sizeof(protocol::Header)) {
            protocol::Header header{};
            std::memcpy(&header, input_.data() + used_, sizeof header);
            if (header.size > protocol::max_frame) {
                return Got::broken;
            }
            if (there >= sizeof header + header.size) {
                frame.type = static_cast<protocol::Type>(header.type);
                frame.payload = {input_.data() + used_ + sizeof header, header.size};
                used_ += sizeof header + header.size;
                return Got::frame;
            }
        }
        if (const Got got = receive(); got != Got::frame) {
            return got;
        }
    }
}

// More bytes for input_: Got::frame says there are some.
Link::Got Link::receive() {
    if (used_ > 0) {
        std::memmove(input_.data(), input_.data() + used_, filled_ - used_);
        filled_ -= used_;
        used_ = 0;
    }
    if (filled_ == input_.size()) {
        // Small answers need little; only a stream of files fills more and more.
        const std::size_t grown = input_.empty() ? first_input : input_.size() * 8;
        input_.resize(grown < most_input ? grown : most_input);
    }
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
    iovec part{input_.data() + filled_, input_.size() - filled_};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = 0;
    do {
        size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Got::nothing;
        }
        // The kernel tells an end with bytes left in the peer's queue by this number (unix(7), stream sockets).
        left_unread_ = errno == ECONNRESET;
        return Got::closed;
    }
    take_control(message);
    if (size == 0) {
        return Got::closed;
    }
    if (descriptors_.size() > most_descriptors || (message.msg_flags & MSG_CTRUNC) != 0) {
        return Got::broken;
    }
    filled_ += static_cast<std::size_t>(size);
    return Got::frame;
}

void Link::take_control(msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (header->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int number = -1;
                std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
                // Closing a socket may take as long as its sender wished. Only pipes and terminals are wanted anyway.
                const linger at_once{};
                ::setsockopt(number, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
                descriptors_.emplace_back(number);
            }
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            peer_ = credentials.pid;
        }
    }
}

Descriptor adopt_pipe(const Descriptor& received, int access) {
    if (::fcntl(received.get(), F_GETPIPE_SZ) <= 0 || (::fcntl(received.get(), F_GETFL) & O_ACCMODE) != access) {
        return {};
    }
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", received.get());
    return Descriptor(::open(path.data(), access | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace berth_local

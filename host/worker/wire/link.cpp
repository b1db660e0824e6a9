#include "link.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace berth::inline host_v1::wire {

namespace {

constexpr std::size_t usual_buffer = std::size_t{16} * 1024;
constexpr std::size_t most_descriptors = 4;
/// Payloads up to here are copied behind their header, to be sent in one piece.
constexpr std::size_t longest_copied = 4096;

#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
/// What was received was sent before. Where both ends are threads of one process, as in tests, a race detector that looks
/// at one descriptor at a time has to be told.
void* sent_before() {
    static char place;
    return &place;
}
void note_sending() {
    __tsan_release(sent_before());
}
void note_receiving() {
    __tsan_acquire(sent_before());
}
#else
void note_sending() {}
void note_receiving() {}
#endif

/// The control data of a message that carries descriptors.
struct Ancillary {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> bytes{};
};

void attach(msghdr& message, Ancillary& room, const std::vector<int>& descriptors) {
    const std::size_t size = descriptors.size() * sizeof(int);
    message.msg_control = room.bytes.data();
    message.msg_controllen = CMSG_SPACE(size);
    auto* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
}

std::string_view bytes_of(const FrameHeader& header) {
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

void adopt(msghdr& message, std::deque<FileDescriptor>& into) {
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index < count; ++index) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            into.emplace_back(descriptor);
        }
    }
}

}  // namespace

bool Link::send_message(std::array<std::string_view, 3> parts, const std::vector<int>& descriptors, int flags) {
    std::array<iovec, 3> pieces{};
    std::transform(parts.begin(), parts.end(), pieces.begin(), [](std::string_view part) {
        return iovec{const_cast<char*>(part.data()), part.size()};
    });
    Ancillary room;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    if (!descriptors.empty()) attach(message, room, descriptors);
    note_sending();
    for (;;) {
        const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | flags);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        auto left = static_cast<std::size_t>(sent);
        std::size_t missing = 0;
        for (auto& piece : pieces) {
            const auto used = std::min(left, piece.iov_len);
            piece.iov_base = static_cast<char*>(piece.iov_base) + used;
            piece.iov_len -= used;
            left -= used;
            missing += piece.iov_len;
        }
        if (missing == 0) return true;
        // Begun frames are finished, whatever that takes: half of one would be the end of the link.
        flags = 0;
        message.msg_control = nullptr;
        message.msg_controllen = 0;
    }
}

bool Link::send(FrameKind kind, std::uint64_t call, std::string_view payload, const std::vector<int>& descriptors) {
    return send(kind, call, payload, {}, descriptors);
}

bool Link::send(FrameKind kind, std::uint64_t call, std::string_view head, std::string_view rest,
                const std::vector<int>& descriptors) {
    const FrameHeader header{static_cast<std::uint32_t>(head.size() + rest.size()), kind,
                             static_cast<std::uint16_t>(descriptors.size()), call};
    if (descriptors.empty() && header.size <= longest_copied) {
        queue(header, head, rest);
        return flush();
    }
    if (!flush()) return false;
    return send_message({bytes_of(header), head, rest}, descriptors, 0);
}

void Link::queue(const FrameHeader& header, std::string_view head, std::string_view rest) {
    queued_.append(bytes_of(header)).append(head).append(rest);
}

void Link::queue(FrameKind kind, std::uint64_t call, std::string_view payload) {
    queue({static_cast<std::uint32_t>(payload.size()), kind, 0, call}, payload, {});
}

/// The plain call: in one piece and without descriptors, a message of the full form costs more to send than it carries.
bool Link::flush() {
    std::string_view left = queued_;
    if (!left.empty()) note_sending();
    while (!left.empty()) {
        const auto sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) break;
        left.remove_prefix(static_cast<std::size_t>(sent));
    }
    queued_.clear();
    return left.empty();
}

bool Link::send_at_once(FrameKind kind, std::uint64_t call, std::string_view payload) {
    const FrameHeader header{static_cast<std::uint32_t>(payload.size()), kind, 0, call};
    return send_message({bytes_of(header), payload, {}}, {}, MSG_DONTWAIT);
}

std::optional<Frame> Link::receive() {
    return receive(Waiting::yes);
}

std::optional<Frame> Link::try_receive() {
    return receive(Waiting::no);
}

std::optional<Frame> Link::receive(Waiting waiting) {
    for (;;) {
        if (auto frame = parse()) return frame;
        if (gone_ || !fill(waiting)) return std::nullopt;
    }
}

/// Where the next frame would begin is not known any more: nobody may look again.
void Link::break_off(const char* how) {
    gone_ = true;
    begin_ = end_ = 0;
    throw Malformed(how);
}

std::optional<Frame> Link::parse() {
    if (end_ - begin_ < sizeof(FrameHeader)) return std::nullopt;
    FrameHeader header;
    std::memcpy(&header, buffer_.data() + begin_, sizeof header);
    if (header.size > largest_payload) break_off("a message is too long");
    if (end_ - begin_ < sizeof header + header.size) {
        // Grown as bytes come, not as they are promised.
        const auto wanted = std::min(sizeof header + header.size, 2 * buffer_.size());
        if (end_ - begin_ == buffer_.size() && buffer_.size() < wanted) buffer_.resize(wanted);
        return std::nullopt;
    }
    if (header.descriptors > received_.size()) break_off("a message came without its descriptors");
    Frame frame{header.kind, header.call, {buffer_.data() + begin_ + sizeof header, header.size}, {}};
    for (; header.descriptors > 0; --header.descriptors) {
        frame.descriptors.push_back(std::move(received_.front()));
        received_.pop_front();
    }
    begin_ += sizeof header + header.size;
    return frame;
}

bool Link::fill(Waiting waiting) {
    if (begin_ == end_) {
        begin_ = end_ = 0;
        // One large message must not be paid for until the end.
        if (buffer_.size() > 64 * usual_buffer) buffer_ = {};
    } else if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.empty()) buffer_.resize(usual_buffer);
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    for (;;) {
        const auto got =
            receive_bytes(buffer_.data() + end_, buffer_.size() - end_, waiting == Waiting::no ? MSG_DONTWAIT : 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        if (got <= 0) {
            gone_ = true;
            return false;
        }
        note_receiving();
        end_ += static_cast<std::size_t>(got);
        return true;
    }
}

ssize_t Link::receive_bytes(char* into, std::size_t room, int flags) {
    if (descriptors_ == Descriptors::never) return ::recv(socket_.get(), into, room, flags);
    iovec part{into, room};
    Ancillary ancillary;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.bytes.data();
    message.msg_controllen = ancillary.bytes.size();
    const auto got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | flags);
    if (got < 0) return got;
    adopt(message, received_);
    if ((message.msg_flags & MSG_CTRUNC) != 0) break_off("descriptors were lost on the way");
    return got;
}

void Link::shut_down() const noexcept {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

std::pair<FileDescriptor, FileDescriptor> make_link() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace berth::inline host_v1::wire

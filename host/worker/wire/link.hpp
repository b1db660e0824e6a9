// One end of a socket between a host and its worker: frames out, frames in, descriptors with them. Knows no kind of frame.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/file_descriptor.hpp"
#include "codec.hpp"
#include "frame.hpp"

namespace berth::inline host_v1::wire {

/// What came. `payload` lives until the next receive on the same link.
struct Frame {
    FrameKind kind{};
    std::uint64_t call = 0;
    std::string_view payload;
    std::vector<FileDescriptor> descriptors;
};

/// Whether descriptors may come over a link: room for them costs each message that is received. Where they must not come,
/// those that do are closed by the system, and the message that promised them breaks the protocol.
enum class Descriptors { never, may_come };

/// Sending and receiving are independent of each other; each by one thread at a time.
class Link {
public:
    explicit Link(FileDescriptor socket, Descriptors descriptors = Descriptors::may_come)
        : socket_(std::move(socket)), descriptors_(descriptors) {}

    /// Sends a frame, and waits while the other end is behind. False: the other end is gone.
    [[nodiscard]] bool send(FrameKind kind, std::uint64_t call, std::string_view payload,
                            const std::vector<int>& descriptors = {});
    /// The same with a payload of two parts.
    [[nodiscard]] bool send(FrameKind kind, std::uint64_t call, std::string_view head, std::string_view rest,
                            const std::vector<int>& descriptors = {});
    /// Keeps a frame until the next send or flush: several small ones are one system call.
    void queue(FrameKind kind, std::uint64_t call, std::string_view payload);
    [[nodiscard]] bool flush();
    [[nodiscard]] std::size_t queued() const noexcept { return queued_.size(); }
    /// Sends without waiting, as events must. False: gone, or so far behind that nothing more fits.
    [[nodiscard]] bool send_at_once(FrameKind kind, std::uint64_t call, std::string_view payload);

    /// Waits for a frame. Absent: the other end is gone. Throws Malformed.
    [[nodiscard]] std::optional<Frame> receive();
    /// A frame that has come already, or nothing. Look at is_gone() then.
    [[nodiscard]] std::optional<Frame> try_receive();
    [[nodiscard]] bool is_gone() const noexcept { return gone_; }

    [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
    /// Whoever waits on either end hears that it is over. Any thread.
    void shut_down() const noexcept;

private:
    enum class Waiting { no, yes };
    [[nodiscard]] bool send_message(std::array<std::string_view, 3> parts, const std::vector<int>& descriptors,
                                    int flags);
    void queue(const FrameHeader& header, std::string_view head, std::string_view rest);
    [[nodiscard]] ssize_t receive_bytes(char* into, std::size_t room, int flags);
    [[nodiscard]] std::optional<Frame> receive(Waiting waiting);
    [[nodiscard]] std::optional<Frame> parse();
    [[noreturn]] void break_off(const char* how);
    /// False: nothing came.
    [[nodiscard]] bool fill(Waiting waiting);

    FileDescriptor socket_;
    Descriptors descriptors_;
    std::string queued_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::deque<FileDescriptor> received_;
    bool gone_ = false;
};

/// Two ends of one socket, both close-on-exec. Throws std::system_error.
[[nodiscard]] std::pair<FileDescriptor, FileDescriptor> make_link();

}  // namespace berth::inline host_v1::wire

// One connection to a sandbox's init: frames out and in, without ever waiting inside.
//
// What comes in is hostile: sizes are bounded, descriptors are taken only as many as a run can have. Callers poll
// `descriptor()` together with whatever else they wait for. Knows no meaning of any frame.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "protocol.hpp"

namespace berth_local {

struct Frame {
    protocol::Type type{};
    std::string_view payload;  // lives until the next call of `next`
};

class Link {
public:
    enum class Sent { all, blocked, closed };
    enum class Got { frame, nothing, closed, broken };

    // Connects to the socket in the sandbox's directory. Throws NOT_READY when nobody listens: it is gone.
    static Link to(int sandbox_directory);
    // For tests and for what is connected already.
    explicit Link(Descriptor connected);

    [[nodiscard]] int descriptor() const { return socket_.get(); }
    // Frames are written to this buffer (protocol::Writer) and go with the next `flush`.
    [[nodiscard]] std::string& output() { return output_; }
    [[nodiscard]] bool output_waits() const { return sent_ < output_.size(); }
    Sent flush();
    // These go with the first byte that is sent next. They must live until then, and at most three can go.
    void send_along(const std::vector<Descriptor>& descriptors) { along_ = &descriptors; }
    Got next(Frame& frame);
    // Descriptors that came along so far, in order; theirs to check.
    [[nodiscard]] std::vector<Descriptor> take_descriptors() { return std::exchange(descriptors_, {}); }
    // Process number, as seen from here, of who sent the latest bytes; 0 = not known.
    [[nodiscard]] pid_t peer() const { return peer_; }
    // After `closed`: the peer went without having read all that was sent to it.
    [[nodiscard]] bool left_unread() const { return left_unread_; }

private:
    void take_control(::msghdr& message);
    ssize_t send_some();
    Got receive();

    Descriptor socket_;
    std::string output_;
    std::size_t sent_ = 0;
    const std::vector<Descriptor>* along_ = nullptr;
    std::string input_;
    std::size_t used_ = 0;    // of input_, already given out
    std::size_t filled_ = 0;  // of input_, received
    std::vector<Descriptor> descriptors_;
    pid_t peer_ = 0;
    bool left_unread_ = false;
};

// A pipe end that came from a sandbox, as our own open file: nobody there can make us wait on it. Empty when it is no
// pipe or not open in the wanted way (O_RDONLY, O_WRONLY).
[[nodiscard]] Descriptor adopt_pipe(const Descriptor& received, int access);

}  // namespace berth_local

// A WebSocket's client side that hides nothing: each message as it came, and how the connection ended. Knows no vendor.
#pragma once

#include <optional>

#include "raw_client.hpp"

namespace standin_test {

class WebSocket {
public:
    /// Connects and asks for the upgrade; `answer` tells whether that was granted.
    WebSocket(std::uint16_t port, const std::string& target, Headers headers);

    [[nodiscard]] const Reply& answer() const { return answer_; }
    /// The next message; nothing at the end of the connection.
    [[nodiscard]] std::optional<std::string> receive();
    /// Everything to the end.
    [[nodiscard]] std::string receive_all();
    /// The code of the other side's close; 1006 when there was none, 0 while it goes on.
    [[nodiscard]] unsigned closed_with() const { return closed_with_; }
    /// Whether the last message said that it is text.
    [[nodiscard]] bool was_text() const { return kind_ == 1; }
    void send_ping();
    /// Waits for the answer to a ping; false when a message or the end comes before it.
    [[nodiscard]] bool receive_pong();

private:
    struct Frame {
        unsigned kind;
        std::string bytes;
    };
    /// The next one, a close noted; nothing at the end.
    [[nodiscard]] std::optional<Frame> next();

    RawClient client_;
    Reply answer_;
    unsigned closed_with_ = 0;
    unsigned kind_ = 0;
};

}  // namespace standin_test

// One WebSocket connection on the transport's thread: from the name of its server to its last frame. Everything but
// kick() and cut() on that thread. Knows no plugin.
#pragma once

#include <memory>

#include "../socket_transport.hpp"
#include "beast.hpp"
#include "mailbox.hpp"

namespace berth::inline host_v1 {

/// What all connections share.
struct SocketSurroundings {
    asio::io_context& loop;
    asio::ssl::context& security;
    const HttpTransportOptions& options;
};

class Conversation {
public:
    Conversation() = default;
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    virtual ~Conversation() = default;

    /// Begins; lives by itself until it has ended.
    virtual void begin() = 0;
    /// There is something to send, or room again. Any thread.
    virtual void kick() = 0;
    /// Ends it without a word. Any thread.
    virtual void cut() = 0;
};

/// Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<Conversation> make_conversation(const SocketSurroundings& surroundings, SocketPlan plan,
                                                              std::shared_ptr<Mailbox> mailbox);

}  // namespace berth::inline host_v1

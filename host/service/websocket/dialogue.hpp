// What an open WebSocket makes of the bytes that its peer sends, and which bytes it has to send: messages to and from the
// mailbox, pings answered, goodbyes on both sides, broken rules. Knows no connection and no time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frames.hpp"
#include "mailbox.hpp"

namespace berth::inline host_v1 {

/// One thread. Everything throws std::bad_alloc.
class Dialogue {
public:
    /// So much is made ready to be sent at once; one message may be larger.
    static constexpr std::size_t most_ready = std::size_t{64} << 10U;
    using MakeMask = FrameMask();

    Dialogue(std::shared_ptr<Mailbox> mailbox, MakeMask* make_mask)
        : mailbox_(std::move(mailbox)), make_mask_(make_mask) {}

    /// Where the peer's next bytes go, and that so many came. The mailbox hears of all that is whole in them.
    [[nodiscard]] std::span<char> room() { return reader_.room(); }
    enum class Hearing {
        on,
        later,  ///< when the mailbox has room again
        over    ///< the peer said goodbye, or broke a rule: what is to be sent yet is the last
    };
    [[nodiscard]] Hearing arrived(std::size_t count);

    /// Asks the peer for a sign of life.
    void ping() { asks_ = true; }
    /// The next bytes to be sent, until the next call; empty: there are none.
    [[nodiscard]] std::string_view next_bytes();
    /// Whether our goodbye is among what next_bytes() gave; nothing follows it.
    [[nodiscard]] bool has_said_goodbye() const noexcept { return has_said_goodbye_; }

private:
    [[nodiscard]] Hearing hear_control();
    void leave(const BrokenRule& rule);
    void add(Opcode opcode, std::string_view payload) { append_frame(ready_, opcode, payload, make_mask_()); }
    void add_goodbye(int close_code);

    const std::shared_ptr<Mailbox> mailbox_;
    MakeMask* const make_mask_;
    FrameReader reader_;
    std::vector<SocketEvent> heard_;
    std::string ready_;
    std::optional<std::string> pong_;  ///< to the last ping: who sent many needs no more
    std::optional<int> answer_;        ///< the code of the goodbye that the peer has brought about
    bool asks_ = false;
    bool has_said_goodbye_ = false;
};

}  // namespace berth::inline host_v1

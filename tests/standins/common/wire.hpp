// The bytes of an answer on their way out, and what a fault does to them: cut, held back, a byte at a time. Knows no
// meaning of what it sends.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "faults.hpp"

namespace standin {

class Wire {
public:
    Wire(int socket, Faults& faults) : socket_(socket), faults_(faults) {}

    /// From here on `met` acts on what is sent as body.
    void obey(const Met& met);
    /// Bytes that no fault counts. False: the other side is gone, or a fault has ended this answer.
    bool send(std::string_view bytes);
    /// Bytes of a body as HTTP frames them.
    bool send_body(std::string_view bytes);
    /// Breaks the connection so that the client's next read is an error and no end.
    void reset();
    /// This connection takes no further request.
    void end() { ended_ = true; }
    [[nodiscard]] bool ended() const { return ended_; }
    /// From here on the connection is a WebSocket, which whoever reads requests makes of it.
    void become(std::function<void(Talk&)> talk) { talk_ = std::move(talk); }
    [[nodiscard]] const std::function<void(Talk&)>& talk() const { return talk_; }

private:
    [[nodiscard]] std::string_view before_fault(std::string_view bytes) const;

    int socket_;
    Faults& faults_;
    Met met_;
    std::size_t sent_ = 0;
    std::size_t fault_at_ = std::string::npos;
    bool ended_ = false;
    std::function<void(Talk&)> talk_;
};

}  // namespace standin

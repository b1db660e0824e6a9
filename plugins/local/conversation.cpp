#include "conversation.hpp"

#include <poll.h>

#include <algorithm>

namespace berth_local {

void wait_for(Link& link, Caller& caller) {
    if (caller.cancelled()) {
        throw failure(BERTH_CANCELLED, "cancelled while files were copied");
    }
    pollfd waits[2] = {{link.descriptor(), static_cast<short>(POLLIN | (link.output_waits() ? POLLOUT : 0)), 0},
                       {caller.events(), POLLIN, 0}};
    ::poll(waits, 2, waits[1].fd < 0 ? blind_poll_ms : -1);
    while (caller.next_event()) {  // the only event of a transfer is its cancel, which `cancelled` tells
    }
}

bool send_gathered(Link& link, Caller& caller) {
    for (;;) {
        switch (link.flush()) {
            case Link::Sent::all:
                return true;
            case Link::Sent::closed:
                return false;
            case Link::Sent::blocked: {
                wait_for(link, caller);
                pollfd readable{link.descriptor(), POLLIN, 0};
                if (::poll(&readable, 1, 0) > 0) {
                    return false;
                }
            }
        }
    }
}

Failure transfer_cut() {
    return failure(BERTH_UNAVAILABLE, "the sandbox ended the transfer in the middle");
}

Failure transfer_failure(std::string_view payload) {
    protocol::Reader reader(payload);
    const auto stage = static_cast<protocol::Stage>(reader.u32());
    const int error = static_cast<int>(reader.u32());
    const std::uint32_t operation = reader.u32();
    const std::string path{reader.bytes(protocol::max_path)};
    reader.bytes(protocol::max_path);
    Failure failure;
    failure.index = operation;
    failure.path = path;
    switch (stage) {
        case protocol::Stage::file:
            failure.code = code_of_errno(error);
            failure.message = "a file of the sandbox: " + words_of_errno(error);
            break;
        case protocol::Stage::changed:
            failure.code = BERTH_CONFLICT;
            failure.message = "a file changed while it was copied";
            failure.hint = "copy it again";
            break;
        case protocol::Stage::unsupported:
            failure.code = BERTH_UNSUPPORTED;
            failure.message = "a fifo, socket or device cannot be copied";
            break;
        default:
            failure.code = BERTH_PROTOCOL_ERROR;
            failure.message = "the sandbox was started by another version of Berth";
            failure.hint = "restart the sandbox";
    }
    return failure;
}

}  // namespace berth_local

#include "wire.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace standin {

void Wire::obey(const Met& met) {
    met_ = met;
    sent_ = 0;
    fault_at_ = std::string::npos;
    for (const auto* name : {"cut_after", "stall_after"}) {
        if (met_.has(name)) fault_at_ = met_[name].get<std::size_t>();
    }
}

bool Wire::send(std::string_view bytes) {
    while (!bytes.empty() && !ended_) {
        const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            ended_ = true;
        } else {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    return !ended_;
}

std::string_view Wire::before_fault(std::string_view bytes) const {
    return bytes.substr(0, fault_at_ - std::min(fault_at_, sent_));
}

bool Wire::send_body(std::string_view bytes) {
    while (!bytes.empty()) {
        auto part = before_fault(bytes);
        if (met_.wants("trickle")) part = part.substr(0, 1);
        if (!send(part)) return false;
        sent_ += part.size();
        bytes.remove_prefix(part.size());
        if (sent_ < fault_at_) continue;
        if (met_.has("cut_after")) {
            end();
            return false;
        }
        faults_.wait_for_release(met_);
        fault_at_ = std::string::npos;
    }
    return !ended_;
}

void Wire::reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    end();
}

}  // namespace standin

// Which state of which file a host has checked: the worker loads that one or none. Knows no path.
#pragma once

#include "../../plugin/trust.hpp"
#include "codec.hpp"

namespace berth::inline host_v1::wire {

inline void put_identity(Encoder& message, const FileIdentity& identity) {
    message.put(identity.device).put(identity.inode).put(identity.size);
    message.put(identity.modified_ns).put(identity.changed_ns);
}

inline FileIdentity get_identity(Decoder& message) {
    FileIdentity identity;
    identity.device = message.get<std::uint64_t>();
    identity.inode = message.get<std::uint64_t>();
    identity.size = message.get<std::uint64_t>();
    identity.modified_ns = message.get<std::int64_t>();
    identity.changed_ns = message.get<std::int64_t>();
    return identity;
}

}  // namespace berth::inline host_v1::wire

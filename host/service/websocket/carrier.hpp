// What the streams of beast.hpp need done to them in the system's or OpenSSL's own words. Knows no WebSocket.
#pragma once

#include <string>

#include "beast.hpp"

namespace berth::inline host_v1 {

/// Makes the socket for an address, not yet connected: closed in the programs that this one starts, which the library's
/// own way would leave it open to.
[[nodiscard]] boost::system::error_code make_socket(Carrier& carrier,
                                                    const asio::generic::stream_protocol::endpoint& endpoint);

/// Which of its certificates the server should show, and for which it has to have one. False: out of memory.
[[nodiscard]] bool expect_name(SecureCarrier& stream, const std::string& name);

}  // namespace berth::inline host_v1

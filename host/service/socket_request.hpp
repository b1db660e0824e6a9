// A plugin's wish for a WebSocket on its way into the transport: checked and taken apart. Knows no connection.
#pragma once

#include <berth/plugin.h>

#include <string>

#include "http_options.hpp"
#include "socket_transport.hpp"

namespace berth::inline host_v1 {

/// A connection of any version of the contract, checked; ws:// and http:// mean the same here, as wss:// and https://
/// do. `shown` is what may be said of its address. Throws Error (a breach of the contract) that says what is wrong.
struct SocketWish {
    SocketPlan plan;
    std::string url;    ///< as http:// or https://
    std::string shown;  ///< without a query
};
[[nodiscard]] SocketWish socket_wish_of(const berth_http_request* request);

/// Adds the proxy that was chosen, unless the host is excluded from it. Throws Error when it is none that this service
/// can use.
void add_proxy(SocketPlan& plan, const ProxyChoice& choice);

}  // namespace berth::inline host_v1

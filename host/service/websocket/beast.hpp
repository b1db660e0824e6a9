// Boost.Asio, Boost.Beast and OpenSSL as the WebSocket service uses them: the streams that a connection can be made of.
// The only file that includes them.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <utility>

namespace berth::inline host_v1 {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// TCP or a Unix socket, with a limit on how long each step may take. A type of its own, so that the two functions below
/// are found for it.
class Carrier : public beast::basic_stream<asio::generic::stream_protocol> {
public:
    using basic_stream::basic_stream;
};
using SecureCarrier = beast::ssl_stream<Carrier>;

/// How the library ends a connection after the goodbyes, or after a broken rule. Its own way waits until the peer has
/// closed, too, and a peer that never does would keep the news from whoever listens.
template <typename Handler>
void async_teardown(beast::role_type /*role*/, Carrier& carrier, Handler&& handler) {
    beast::error_code ignored;
    carrier.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    asio::post(carrier.get_executor(), beast::bind_front_handler(std::forward<Handler>(handler), beast::error_code()));
}
template <typename Handler>
void async_teardown(beast::role_type role, SecureCarrier& carrier, Handler&& handler) {
    async_teardown(role, carrier.next_layer(), std::forward<Handler>(handler));
}

}  // namespace berth::inline host_v1

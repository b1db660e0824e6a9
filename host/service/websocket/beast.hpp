// Boost.Asio, Boost.Beast and OpenSSL as the WebSocket service uses them: the streams that a connection can be made of,
// and the HTTP that opens it. The only file that includes them.
#pragma once

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace berth::inline host_v1 {

namespace asio = boost::asio;
namespace beast = boost::beast;

/// TCP or a Unix socket.
using Carrier = asio::generic::stream_protocol::socket;
using SecureCarrier = asio::ssl::stream<Carrier>;

}  // namespace berth::inline host_v1

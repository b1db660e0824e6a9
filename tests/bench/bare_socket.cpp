#include "bare_socket.hpp"

// Asio needs it and does not say so.
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <stdexcept>
#include <string_view>

namespace bench {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using Tcp = asio::ip::tcp;

struct Address {
    std::string host;
    unsigned short port = 0;
    std::string target;
};

Address address_of(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    const auto colon = url.find(':', scheme.size());
    const auto slash = url.find('/', scheme.size());
    if (url.rfind(scheme, 0) != 0 || colon > slash) throw std::runtime_error("no http://HOST:PORT/...: " + url);
    return {url.substr(scheme.size(), colon - scheme.size()),
            static_cast<unsigned short>(std::stoi(url.substr(colon + 1, slash - colon - 1))), url.substr(slash)};
}

}  // namespace

std::size_t count_messages(const std::string& url, const std::vector<std::string>& headers) {
    const auto address = address_of(url);
    asio::io_context context;
    websocket::stream<Tcp::socket> stream(context);
    stream.next_layer().connect({asio::ip::make_address(address.host), address.port});
    stream.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
        for (const auto& header : headers) {
            const auto colon = header.find(": ");
            request.set(header.substr(0, colon), header.substr(colon + 2));
        }
    }));
    stream.handshake(address.host, address.target);
    std::size_t total = 0;
    boost::beast::flat_buffer message;
    for (boost::beast::error_code over;;) {
        total += stream.read(message, over);
        message.clear();
        if (over == websocket::error::closed && stream.reason().code == websocket::close_code::normal) return total;
        if (over) throw std::runtime_error("a WebSocket ended: " + over.message());
    }
}

}  // namespace bench

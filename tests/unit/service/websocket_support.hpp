// What the tests of the websocket service share: a plugin's socket in short, and a server out of raw bytes, which may do
// everything that is forbidden.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "http_support.hpp"
#include "server_process.hpp"
#include "service/websocket/handshake.hpp"

namespace berth_test {

/// A connection that is open, or was refused.
class Socket {
public:
    Socket(Running& running, const Request& request) : table_(*running.services.services.face()->websocket) {
        opened = table_.open(running.services.services.face(), running.raw(), &request.raw, &raw_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    berth_status send(std::string_view message, std::uint32_t as = BERTH_SOCKET_TEXT) {
        return table_.send(raw_, as, bytes(message));
    }
    berth_status receive() { return take(table_.receive(raw_, room())); }
    berth_status try_receive() { return take(table_.try_receive(raw_, room())); }
    [[nodiscard]] int descriptor() const { return table_.fd(raw_); }
    void close(int code = 1000) { table_.close(raw_, code); }

    berth_status opened = BERTH_OK;
    std::uint32_t kind = 0;
    std::string content;
    int close_code = 0;

private:
    berth_socket_message* room() {
        message_ = {};
        message_.size = sizeof message_;
        return &message_;
    }
    berth_status take(berth_status status) {
        if (status != BERTH_OK) return status;
        kind = message_.kind;
        content.assign(reinterpret_cast<const char*>(message_.bytes.data), message_.bytes.size);
        close_code = message_.close_code;
        return status;
    }
    const berth_websocket& table_;
    berth_socket* raw_ = nullptr;
    berth_socket_message message_{};
};

class SocketServer {
public:
    SocketServer() : process_(BERTH_WEBSOCKET_SERVER, {}) {}
    explicit SocketServer(const Certificate& certificate)
        : process_(BERTH_WEBSOCKET_SERVER, {certificate.file(), certificate.key()}), scheme_("wss") {}
    [[nodiscard]] std::string url(const std::string& path, const std::string& host = "localhost") const {
        return scheme_ + "://" + host + ":" + process_.port() + path;
    }
    [[nodiscard]] const std::string& port() const { return process_.port(); }

private:
    ServerProcess process_;
    std::string scheme_ = "ws";
};

/// A frame as a server sends it, or as none would: `first` and `second` are its first two bytes, with the bits that say
/// what it is, whether it is masked, and a length of up to 125.
inline std::string frame(unsigned first, std::string_view payload) {
    REQUIRE(payload.size() < 126);
    return std::string{static_cast<char>(first), static_cast<char>(payload.size())} + std::string(payload);
}

/// The head of an answer that opens a WebSocket, for the key in the request.
inline std::string opening_answer(const ReceivedRequest& request, std::string_view more_headers = {}) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           accept_of(request.headers.at("sec-websocket-key")) + "\r\n" + std::string(more_headers) + "\r\n";
}

/// What of a client's frame a test wants to know.
struct ClientFrame {
    unsigned opcode = 0;
    std::string payload;  ///< unmasked
    [[nodiscard]] int close_code() const {
        if (payload.size() < 2) return 1005;
        return (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]);
    }
};

/// The next frame of a client, of up to 125 bytes; nothing when it has gone.
inline std::optional<ClientFrame> client_frame(ServerConnection& connection) {
    std::string bytes;
    const auto until = [&](std::size_t size) {
        while (bytes.size() < size) {
            const auto some = connection.some(size - bytes.size());
            if (some.empty()) return false;
            bytes += some;
        }
        return true;
    };
    if (!until(6)) return std::nullopt;
    const auto size = static_cast<std::size_t>(bytes[1] & 0x7F);
    if (!until(6 + size)) return std::nullopt;
    ClientFrame read{static_cast<unsigned>(bytes[0]) & 0x0FU, bytes.substr(6)};
    for (std::size_t index = 0; index < size; ++index)
        read.payload[index] = static_cast<char>(read.payload[index] ^ bytes[2 + index % 4]);
    return read;
}

}  // namespace berth_test

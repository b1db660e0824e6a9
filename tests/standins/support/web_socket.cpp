#include "web_socket.hpp"

namespace standin_test {

namespace {

constexpr unsigned close_frame = 8;
constexpr unsigned pong_frame = 10;
constexpr unsigned no_close = 1006;

std::size_t number_of(const std::string& bytes) {
    std::size_t value = 0;
    for (const auto byte : bytes) {
        value = value * 256 + static_cast<unsigned char>(byte);
    }
    return value;
}

}  // namespace

WebSocket::WebSocket(std::uint16_t port, const std::string& target, Headers headers) : client_(port) {
    headers.insert(headers.end(), {{"connection", "Upgrade"},
                                   {"upgrade", "websocket"},
                                   {"sec-websocket-version", "13"},
                                   {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    client_.send("GET", target, headers, "");
    answer_ = client_.receive_head();
}

std::optional<WebSocket::Frame> WebSocket::next() {
    if (closed_with_ != 0) return std::nullopt;
    const auto head = client_.receive_bytes(2);
    if (head.size() < 2) {
        closed_with_ = no_close;
        return std::nullopt;
    }
    const auto kind = static_cast<unsigned char>(head[0]) & 0x0fU;
    auto length = static_cast<std::size_t>(static_cast<unsigned char>(head[1]) & 0x7fU);
    if (length == 126) length = number_of(client_.receive_bytes(2));
    if (length == 127) length = number_of(client_.receive_bytes(8));
    auto bytes = client_.receive_bytes(length);
    if (kind == close_frame) {
        closed_with_ = static_cast<unsigned>(number_of(bytes.substr(0, 2)));
        return std::nullopt;
    }
    return Frame{kind, std::move(bytes)};
}

std::optional<std::string> WebSocket::receive() {
    while (auto frame = next()) {
        if (frame->kind == pong_frame) continue;
        kind_ = frame->kind;
        return std::move(frame->bytes);
    }
    return std::nullopt;
}

bool WebSocket::receive_pong() {
    const auto frame = next();
    return frame && frame->kind == pong_frame;
}

std::string WebSocket::receive_all() {
    std::string all;
    while (const auto message = receive()) {
        all += *message;
    }
    return all;
}

void WebSocket::send_ping() {
    // With a mask of zeros, as a client has to have one.
    client_.send_raw(std::string("\x89\x80\0\0\0\0", 6));
}

}  // namespace standin_test

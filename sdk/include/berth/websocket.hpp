// WebSocket connections to a backend through the host; the same rules as for http.hpp.
#ifndef BERTH_WEBSOCKET_HPP
#define BERTH_WEBSOCKET_HPP

#include "http.hpp"

namespace berth::inline sdk_v1 {

/// What a message is.
enum class MessageKind : std::uint32_t {
    text = BERTH_SOCKET_TEXT,
    binary = BERTH_SOCKET_BINARY,
    closed = BERTH_SOCKET_CLOSED  ///< The peer has closed; `close_code` says why, 1006 when it did not say.
};

/// What arrived. `bytes` live until the next receive.
struct Message {
    MessageKind kind;
    std::string_view bytes;
    int close_code = 0;
};

/// One connection. Move-only; closed when it dies, at the latest with its call.
class WebSocket {
public:
    WebSocket(const berth_websocket& service, berth_socket* raw) : service_(&service), raw_(raw) {}
    WebSocket(WebSocket&& other) noexcept : service_(other.service_), raw_(std::exchange(other.raw_, nullptr)) {}
    WebSocket& operator=(WebSocket&& other) noexcept {
        std::swap(service_, other.service_);
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~WebSocket() { close(); }

    void send(MessageKind kind, std::string_view bytes) {
        const berth_status status = service_->send(raw_, static_cast<std::uint32_t>(kind), detail::bytes(bytes));
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "a message to the backend was not sent");
    }
    /// Waits for a message.
    Message receive() {
        berth_socket_message message = detail::sized<berth_socket_message>();
        return arrived(service_->receive(raw_, &message), message);
    }
    /// The same without waiting; absent when nothing is there yet: poll fd().
    std::optional<Message> try_receive() {
        berth_socket_message message = detail::sized<berth_socket_message>();
        const berth_status status = service_->try_receive(raw_, &message);
        if (status == BERTH_AGAIN) return std::nullopt;
        return arrived(status, message);
    }
    int fd() const { return service_->fd(raw_); }
    void close(int code = 1000) noexcept {
        if (raw_ != nullptr) service_->close(std::exchange(raw_, nullptr), code);
    }

private:
    static Message arrived(berth_status status, const berth_socket_message& message) {
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "no message came from the backend");
        return {static_cast<MessageKind>(message.kind), detail::view(message.bytes), message.close_code};
    }

    const berth_websocket* service_;
    berth_socket* raw_;
};

/// The host's WebSocket service. [any thread]
class WebSockets {
public:
    explicit WebSockets(const berth_host* host) : host_(host) {}
    WebSocket open(Call& call, const HttpRequest& request) const {
        if (host_->websocket == nullptr) throw Error(Code::unsupported, "this host offers no websocket");
        berth_socket* socket = nullptr;
        const berth_status status =
            host_->websocket->open(host_, call.raw(), detail::RawRequest{request}.get(), &socket);
        if (status != BERTH_OK)
            throw Error::recorded_by_host(status, "a connection to the backend could not be opened");
        return WebSocket{*host_->websocket, socket};
    }

private:
    const berth_host* host_;
};

inline WebSockets Host::websockets() const {
    return WebSockets{raw_};
}

}  // namespace berth::inline sdk_v1

#endif

// Scripted WebSocket connections: what arrives, in order, and what the plugin sent.
#ifndef BERTH_TESTING_FAKE_WEBSOCKET_HPP
#define BERTH_TESTING_FAKE_WEBSOCKET_HPP

#include "../websocket.hpp"
#include "fake_http.hpp"

namespace berth::inline sdk_v1::testing {

/// A message that owns its bytes. A close is of kind `closed`, with its code.
struct ScriptedMessage {
    MessageKind kind;
    std::string bytes;
    int close_code = 0;
};

/// One connection; it stays after close, so that late use shows.
struct FakeSocket {
    FakeSocket(FakeCall& of, std::deque<ScriptedMessage> script) : call(of), incoming(std::move(script)) {}
    FakeCall& call;
    std::deque<ScriptedMessage> incoming;
    std::vector<ScriptedMessage> sent;
    Arena lent;
    LentPipe ready;
    std::optional<int> close_code;  ///< Once closed.
    bool asked = false;             ///< try_receive has said AGAIN for the next message.
};

/// The service: `websockets.on("/v1/shell").push_back({MessageKind::text, "hello"})`. After the script the peer closes.
class FakeWebSockets : public berth_websocket {
public:
    FakeWebSockets() : berth_websocket{} {
        size = sizeof(berth_websocket);
        send = [](berth_socket* raw, std::uint32_t kind, berth_bytes bytes) noexcept -> berth_status {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "send"};
            if (const berth_status status = obstacle(self); status != BERTH_OK) return status;
            self.sent.push_back({static_cast<MessageKind>(kind), std::string{::berth::detail::view(bytes)}});
            return BERTH_OK;
        };
        receive = [](berth_socket* raw, berth_socket_message* to) noexcept -> berth_status {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "receive"};
            const berth_status status = obstacle(self);
            return status == BERTH_OK ? give(self, *to) : status;
        };
        try_receive = [](berth_socket* raw, berth_socket_message* to) noexcept -> berth_status {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "try_receive"};
            if (const berth_status status = obstacle(self); status != BERTH_OK) return status;
            if (!std::exchange(self.asked, true)) return BERTH_AGAIN;
            return give(self, *to);
        };
        fd = [](berth_socket* raw) noexcept -> int {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "fd of a socket"};
            if (!self.ready.is_open()) {
                self.ready.open();
                (void)self.ready.write("!");  // the next message comes as soon as somebody waits for it
            }
            return self.ready.reader();
        };
        close = [](berth_socket* raw, std::int32_t code) noexcept {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "close of a socket"};
            if (self.close_code) self.call.broken("T2", "a socket was closed twice");
            self.close_code = code;
            self.lent.die();
        };
    }

    /// What arrives on connections to this path.
    std::deque<ScriptedMessage>& on(const std::string& path) { return scripts_[path]; }
    /// Every connection that was opened, in order.
    std::list<FakeSocket> sockets;

    berth_status start(FakeCall& call, const berth_http_request& request, berth_socket** socket) {
        const ::berth::detail::Locking locking{&lock_};
        if (call.stopped()) return call.host_stops();
        const std::string path{FakeHttp::path_of(::berth::detail::view(request.url))};
        const auto script = scripts_.find(path);
        if (script == scripts_.end()) {
            call.broken("script", "no connection to " + path + " is scripted");
            return call.host_fails(BERTH_UNAVAILABLE, "no connection is scripted", Outcome::none);
        }
        *socket = reinterpret_cast<berth_socket*>(&sockets.emplace_back(call, script->second));
        return BERTH_OK;
    }
    /// The call is over: the host closes what is still open, and says how many there were.
    std::size_t close_all(FakeCall& call) {
        const ::berth::detail::Locking locking{&lock_};
        std::size_t still_open = 0;
        for (FakeSocket& socket : sockets)
            if (&socket.call == &call && !socket.close_code) {
                socket.close_code = 1001;
                socket.lent.die();
                ++still_open;
            }
        return still_open;
    }

private:
    static FakeSocket& from(berth_socket* raw) { return *reinterpret_cast<FakeSocket*>(raw); }
    static berth_status obstacle(FakeSocket& self) {
        if (self.close_code) {
            self.call.broken("T2", "a closed socket was used");
            return BERTH_CONTRACT;
        }
        return self.call.stopped() ? self.call.host_stops() : berth_status{BERTH_OK};
    }
    static berth_status give(FakeSocket& self, berth_socket_message& to) {
        if (to.size < sizeof to) self.call.broken("V2", "receive was given a message without its size");
        self.lent.die();
        self.asked = false;
        to = {};
        to.size = sizeof to;
        if (self.incoming.empty()) {
            to.kind = BERTH_SOCKET_CLOSED;
            to.close_code = 1006;
            return BERTH_OK;
        }
        const ScriptedMessage message = self.incoming.front();
        self.incoming.pop_front();
        to.kind = static_cast<std::uint32_t>(message.kind);
        to.bytes = self.lent.bytes(message.bytes);
        to.close_code = message.close_code;
        return BERTH_OK;
    }
    std::map<std::string, std::deque<ScriptedMessage>> scripts_;
    ::berth::detail::Lock lock_;
};

}  // namespace berth::inline sdk_v1::testing

#endif

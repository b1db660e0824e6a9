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
    bool stays_open = false;  ///< After the last message nothing comes, and no close either.
    std::vector<ScriptedMessage> sent;
    Arena lent;
    LentPipe ready;
    LentPipe silent;
    std::optional<int> close_code;  ///< Once closed.
    bool asked = false;             ///< try_receive has said AGAIN for the next message.
};

/// What happens on one connection.
struct SocketScript {
    std::deque<ScriptedMessage> messages;
    bool stays_open = false;
    bool refused = false;
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
            if (self.incoming.empty() && self.stays_open) return BERTH_AGAIN;
            if (!std::exchange(self.asked, true)) return BERTH_AGAIN;
            return give(self, *to);
        };
        fd = [](berth_socket* raw) noexcept -> int {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "fd of a socket"};
            // The next message comes as soon as somebody waits for it.
            LentPipe& ready = self.incoming.empty() && self.stays_open ? self.silent : self.ready;
            if (!ready.is_open()) {
                ready.open();
                if (&ready == &self.ready) (void)ready.write("!");
            }
            return ready.reader();
        };
        close = [](berth_socket* raw, std::int32_t code) noexcept {
            FakeSocket& self = from(raw);
            const FakeCall::Use use{self.call, "close of a socket"};
            if (self.close_code) self.call.broken("T2", "a socket was closed twice");
            self.close_code = code;
            self.lent.die();
        };
    }

    using Connecting = std::function<SocketScript(const std::string& path)>;

    /// From now on the script of each connection, whatever its path, is made when it is opened. `connecting` must not touch
    /// the fake host.
    void connect_by(Connecting connecting) { connecting_ = std::move(connecting); }
    /// What arrives on connections to this path, in which `*` stands for one part.
    std::deque<ScriptedMessage>& on(const std::string& path) { return scripts_[path]; }
    /// Every connection that was opened, in order.
    std::list<FakeSocket> sockets;

    berth_status start(FakeCall& call, const berth_http_request& request, berth_socket** socket) {
        const ::berth::detail::Locking locking{&lock_};
        if (call.stopped()) return call.host_stops();
        const std::string path{FakeHttp::path_of(::berth::detail::view(request.url))};
        const auto script = std::find_if(scripts_.begin(), scripts_.end(),
                                         [&](const auto& known) { return is_scripted_path(known.first, path); });
        if (!connecting_ && script == scripts_.end()) {
            call.broken("script", "no connection to " + path + " is scripted");
            return call.host_fails(BERTH_UNAVAILABLE, "no connection is scripted", Outcome::none);
        }
        SocketScript made = connecting_ ? connecting_(path) : SocketScript{script->second, false, false};
        if (made.refused) return call.host_fails(BERTH_UNAVAILABLE, "the connection was refused", Outcome::none);
        FakeSocket& opened = sockets.emplace_back(call, std::move(made.messages));
        opened.stays_open = made.stays_open;
        *socket = reinterpret_cast<berth_socket*>(&opened);
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
    Connecting connecting_;
    ::berth::detail::Lock lock_;
};

}  // namespace berth::inline sdk_v1::testing

#endif

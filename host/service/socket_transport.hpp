// What carries WebSocket connections, as the host sees it: one transport for all providers of a host, in a module of its
// own. Nothing is thrown across. Knows no plugin and no library.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../base/duration.hpp"
#include "http_transport.hpp"

namespace berth::inline host_v1 {

/// One connection to open, checked: whatever is in here may be sent as it is.
struct SocketPlan {
    enum class Security { none, tls };
    Security security = Security::tls;
    std::string host;        ///< name or address, without brackets
    std::string port;        ///< a number
    std::string host_field;  ///< as the header of that name has it
    std::string target;      ///< path and query
    HttpHeaders headers;
    std::string unix_socket;  ///< connect here instead
    /// An http:// proxy that is asked to CONNECT; absent: straight.
    struct Proxy {
        std::string host;
        std::string port;
        std::string credentials;  ///< "name:password", or empty
    };
    std::optional<Proxy> proxy;
    std::optional<Milliseconds> idle_limit;
};

enum class SocketMessageKind { text, binary };

/// What arrived: a message, or the end of the connection.
struct SocketEvent {
    enum class Kind { text, binary, closed };
    Kind kind = Kind::closed;
    std::string_view bytes;              ///< of what `keeper` keeps
    std::shared_ptr<const void> keeper;  ///< of many messages together, where they came together
    int close_code = 1006;               ///< with `closed`; 1006 when the peer did not say
};

/// Whether a code may stand in a goodbye: those between say what nobody said.
[[nodiscard]] constexpr bool is_sayable(int close_code) noexcept {
    const bool is_reserved = close_code == 1004 || close_code == 1005 || close_code == 1006;
    return (close_code >= 1000 && close_code <= 1014 && !is_reserved) || (close_code >= 3000 && close_code <= 4999);
}

/// Why there is no connection, or no more of it.
struct SocketFailure {
    enum class Kind {
        unreachable,  ///< no connection came about
        insecure,     ///< whoever answered could not prove who it is
        refused,      ///< the server answered with `status` and did not switch
        malformed,    ///< what came is no WebSocket, or a message beyond the limit
        broken,       ///< the connection ended while something was to be sent
        idle,         ///< nothing moved for longer than the request allows
        unusable      ///< the transport itself: certificates, memory
    };
    Kind kind = Kind::broken;
    std::string reason;  ///< a clause for people, without the address
    int status = 0;
    std::optional<Milliseconds> retry_after;
};

enum class SocketStep { done, again, given_up, failed };

/// One connection. Everything but cancel(): one thread at a time. Destroying it cuts it.
class SocketConnection {
public:
    SocketConnection() = default;
    SocketConnection(const SocketConnection&) = delete;
    SocketConnection& operator=(const SocketConnection&) = delete;
    virtual ~SocketConnection() = default;

    // Those that take a call wait.
    [[nodiscard]] virtual SocketStep opened(const ServiceCall& call) noexcept = 0;
    [[nodiscard]] virtual SocketStep send(const ServiceCall& call, SocketMessageKind kind,
                                          std::string_view bytes) noexcept = 0;
    /// done: event() is there, until the next receive. After the end: the end, again and again.
    [[nodiscard]] virtual SocketStep receive(const ServiceCall& call) noexcept = 0;
    [[nodiscard]] virtual SocketStep try_receive(const ServiceCall& call) noexcept = 0;
    [[nodiscard]] virtual const SocketEvent& event() const noexcept = 0;
    [[nodiscard]] virtual const SocketFailure& failure() const noexcept = 0;
    /// Readable while try_receive() would not answer `again`; -1 when there is none to be had.
    [[nodiscard]] virtual int descriptor() noexcept = 0;
    /// Says goodbye with this code after what waits to be sent, and hears nothing more. Waits for nothing.
    virtual void close(int code) noexcept = 0;
    /// The call was given up: whoever waits here looks again. Any thread; waits for nothing.
    virtual void cancel() noexcept = 0;
};

/// One thread for all connections of a host. Any thread. Every connection ends before it.
class SocketTransport {
public:
    SocketTransport() = default;
    SocketTransport(const SocketTransport&) = delete;
    SocketTransport& operator=(const SocketTransport&) = delete;
    virtual ~SocketTransport() = default;
    /// Begins to connect. nullptr when memory is out.
    [[nodiscard]] virtual std::unique_ptr<SocketConnection> start(SocketPlan plan) noexcept = 0;
};

/// Makes a transport. The caller owns it; nullptr when there is no memory or no thread for it.
using MakeSocketTransport = SocketTransport*(const HttpTransportOptions& options) noexcept;

/// The function of that type which the module has. The number changes with anything in this file.
inline constexpr const char* make_socket_transport_symbol = "berth_make_socket_transport_2";

}  // namespace berth::inline host_v1

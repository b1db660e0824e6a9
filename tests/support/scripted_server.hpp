// A server on loopback that does to each connection what a test says: answers, cuts, stalls, sends garbage. It knows of
// HTTP only how to take a request apart.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"

namespace berth_test {

using berth::FileDescriptor;

struct ReceivedRequest {
    std::string line;                            ///< "POST /path HTTP/1.1"
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

/// The server's end of one connection. Its own thread only, but for shut_down().
class ServerConnection {
public:
    explicit ServerConnection(FileDescriptor socket) : socket_(std::move(socket)) {}

    /// The next whole request; nothing when the client has gone.
    [[nodiscard]] std::optional<ReceivedRequest> request();
    /// The next request without its body.
    [[nodiscard]] std::optional<ReceivedRequest> request_head();
    /// As much as has come, at least a byte, at most `most`; empty when the client has gone.
    [[nodiscard]] std::string some(std::size_t most);
    /// False when the client has gone.
    bool send(std::string_view bytes);
    /// "HTTP/1.1 200 OK" with a length and the body.
    bool answer(int status, std::string_view body, std::string_view more_headers = {});
    /// Waits until the client closes, throwing away what it sends.
    void wait_for_end();
    /// Ends it as a crash does: the client hears of a reset, and loses what it has not read yet.
    void reset() noexcept;
    void shut_down() noexcept;  ///< any thread

private:
    FileDescriptor socket_;
    std::string waiting_;
};

class ScriptedServer {
public:
    /// Runs for each connection on a thread of its own, with the number of the connection from 0; what it leaves open is
    /// closed when it returns.
    using Handler = std::function<void(ServerConnection&, std::size_t number)>;

    explicit ScriptedServer(Handler handler);
    /// The same on a Unix socket, which is made at `path`.
    ScriptedServer(const std::string& path, Handler handler);
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer();

    [[nodiscard]] std::string url(std::string_view path = "/") const;
    [[nodiscard]] int port() const noexcept { return port_; }
    [[nodiscard]] std::size_t connections() const;

private:
    void listen(FileDescriptor socket);
    void accept_all();

    Handler handler_;
    FileDescriptor listener_;
    FileDescriptor ending_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<ServerConnection>> connections_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// A port of loopback on which nobody listens.
[[nodiscard]] int unused_port();

}  // namespace berth_test

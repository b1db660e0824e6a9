// HTTP/1.1 on loopback: connections, each with a thread of its own, and requests read from them. Some
// of them become WebSockets. The one room that includes Boost.Beast. Knows no meaning of a request.
#pragma once

#include <cstdint>
#include <memory>

#include "exchange.hpp"

namespace standin {

class HttpServer {
public:
    /// Listens on 127.0.0.1 alone; port 0 is any free one. Throws std::system_error.
    HttpServer(std::uint16_t port, Stage stage);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    /// Breaks every connection and waits for their threads. Whoever waits inside a request must have been woken.
    ~HttpServer();

    [[nodiscard]] std::uint16_t port() const;

private:
    class Connections;
    std::unique_ptr<Connections> connections_;
};

}  // namespace standin

// A call that is given up in each phase of a WebSocket: the plugin hears of it at once, and the server of an end.
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "websocket_support.hpp"

using namespace berth_test;

namespace {

/// Cancels the call when the server says that it has come so far.
class Canceller {
public:
    explicit Canceller(Running& running)
        : thread_([this, &running] {
              reached.wait();
              running.call.cancel(CancelReason::deadline);
          }) {}
    Canceller(const Canceller&) = delete;
    Canceller& operator=(const Canceller&) = delete;
    ~Canceller() { thread_.join(); }
    Signal reached;

private:
    std::thread thread_;
};

/// Somebody who listens and whose queue is full: a connection to it neither comes about nor fails.
class FullListener {
public:
    FullListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_.get(), raw, size) == 0);
        REQUIRE(::listen(listener_.get(), 0) == 0);
        REQUIRE(::getsockname(listener_.get(), raw, &size) == 0);
        port_ = ntohs(address.sin_port);
        for (auto& waiting : waiting_) {
            waiting = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            (void)::connect(waiting.get(), raw, size);
        }
    }
    [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_) + "/"; }

private:
    FileDescriptor listener_;
    std::array<FileDescriptor, 3> waiting_;
    int port_ = 0;
};

}  // namespace

TEST_CASE("a cancel ends the wait for a connection that does not come about") {
    const FullListener listener;
    Services services;
    Running running(services);
    Canceller canceller(running);
    canceller.reached.raise();
    const Socket socket(running, Request("GET", listener.url()));
    CHECK(socket.opened == BERTH_CANCELLED);
}

TEST_CASE("a connection that does not come about ends by itself, too") {
    const FullListener listener;
    HttpConfiguration http;
    http.connect_timeout = 200ms;
    Services services(http);
    Running running(services);
    const Socket socket(running, Request("GET", listener.url()));
    CHECK(socket.opened == BERTH_UNAVAILABLE);
    CHECK(running.error().diagnostic() == "BERTH-S-07");
}

TEST_CASE("a cancel ends the wait for a server's certificate, and for its answer, and their connections") {
    for (const std::string scheme : {"wss", "ws"}) {
        INFO(scheme);
        Services services;
        Running running(services);
        Canceller canceller(running);
        Signal gone;
        ScriptedServer server([&](ServerConnection& connection, std::size_t) {
            (void)connection.some(1);
            canceller.reached.raise();
            connection.wait_for_end();
            gone.raise();
        });
        const Socket socket(running, Request("GET", scheme + "://127.0.0.1:" + std::to_string(server.port()) + "/"));
        CHECK(socket.opened == BERTH_CANCELLED);
        gone.wait();
    }
}

TEST_CASE("a server that is silent instead of proving who it is took too long") {
    ScriptedServer server([&](ServerConnection& connection, std::size_t) { connection.wait_for_end(); });
    HttpConfiguration http;
    http.connect_timeout = 200ms;
    Services services(http);
    Running running(services);
    const Socket socket(running, Request("GET", "wss://127.0.0.1:" + std::to_string(server.port()) + "/"));
    CHECK(socket.opened == BERTH_UNAVAILABLE);
    const auto error = running.error();
    CHECK(error.diagnostic() == "BERTH-S-07");
    CHECK(error.fields().message.find("took too long") != std::string::npos);
}

TEST_CASE("a cancel ends a send to a server that reads nothing, and its connection ends with the call") {
    Signal stop;
    Signal gone;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        connection.send(opening_answer(*request));
        stop.wait();
        connection.wait_for_end();
        gone.raise();
    });
    Services services;
    {
        Running running(services);
        Socket socket(running, Request("GET", server.url()));
        REQUIRE(socket.opened == BERTH_OK);
        const std::string part(1U << 18U, 'x');
        std::thread canceller;
        berth_status status = BERTH_OK;
        for (int count = 0; status == BERTH_OK; ++count) {
            if (count == 4) canceller = std::thread([&] { running.call.cancel(CancelReason::deadline); });
            status = socket.send(part, BERTH_SOCKET_BINARY);
        }
        if (canceller.joinable()) canceller.join();
        CHECK(status == BERTH_CANCELLED);
    }
    stop.raise();
    gone.wait();
}

TEST_CASE("a cancel in the middle of a message loses nothing of it for the clean-up") {
    Services services;
    Running running(services);
    Canceller canceller(running);
    Signal go_on;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        connection.send(opening_answer(*request) + "\x81\x05" + "ha");
        go_on.wait();
        connection.send("lf!");
        connection.wait_for_end();
    });
    Socket socket(running, Request("GET", server.url()));
    REQUIRE(socket.opened == BERTH_OK);
    canceller.reached.raise();
    CHECK(socket.receive() == BERTH_CANCELLED);
    go_on.raise();
    REQUIRE(running.raw()->begin_cleanup(running.raw(), 5000) == 5000);
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "half!");
}

TEST_CASE("closing waits for nothing, and the call's end cuts what was not closed") {
    Signal gone;
    ScriptedServer server([&](ServerConnection& connection, std::size_t number) {
        const auto request = connection.request();
        connection.send(opening_answer(*request));
        connection.wait_for_end();
        if (number == 1) gone.raise();
    });
    Services services;
    {
        Running running(services);
        Socket closed(running, Request("GET", server.url()));
        closed.close(1000);
        const Socket left(running, Request("GET", server.url()));
        CHECK(left.opened == BERTH_OK);
    }
    gone.wait();
}

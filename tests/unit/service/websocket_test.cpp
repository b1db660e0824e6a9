// WebSockets of plugins: messages of every kind, both streams of back-pressure, who is trusted, proxies, servers that
// break the rules, and the call that a connection belongs to.
#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "server_process.hpp"
#include "service/socket_request.hpp"
#include "websocket_support.hpp"

using namespace berth_test;

TEST_CASE("messages of both kinds go out and come back, from nothing to some megabytes") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/echo")));
    if (socket.opened != BERTH_OK) FAIL(std::string(running.error().what()));
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 3'000'000U}) {
        std::string content(size, 'm');
        CHECK(socket.send(content, BERTH_SOCKET_BINARY) == BERTH_OK);
        REQUIRE(socket.receive() == BERTH_OK);
        CHECK(socket.kind == BERTH_SOCKET_BINARY);
        CHECK((socket.content == content));
    }
    CHECK(socket.send("grüße") == BERTH_OK);
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.kind == BERTH_SOCKET_TEXT);
    CHECK(socket.content == "grüße");
}

TEST_CASE("a wish arrives as it was made, with the upgrade in small letters") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/head"), {{"Authorization", "Bearer abcdef", 1}, {"X-A", "b"}}));
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content.starts_with("GET /head HTTP/1.1\r\n"));
    CHECK(socket.content.find("Upgrade: websocket\r\n") != std::string::npos);
    CHECK(socket.content.find("Authorization: Bearer abcdef") != std::string::npos);
    CHECK(socket.content.find("Host: localhost:" + server.port()) != std::string::npos);
    CHECK(socket.content.find("User-Agent: berth/") != std::string::npos);
}

TEST_CASE("a message in pieces is one message, a ping in between is answered, and a reason ends it") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/fragments")));
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "grüße");
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "pong are you there");
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.kind == BERTH_SOCKET_CLOSED);
    CHECK(socket.close_code == 4001);
    CHECK(socket.receive() == BERTH_OK);
    CHECK(socket.close_code == 4001);
    CHECK(socket.send("too late") == BERTH_UNAVAILABLE);
}

TEST_CASE("a peer that goes without a word has closed with 1006, after all that it said") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/cut")));
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "whole");
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.kind == BERTH_SOCKET_CLOSED);
    CHECK(socket.close_code == 1006);
}

TEST_CASE("a reader that stands still is waited for, and then gets everything in order") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/flood")));
    pollfd entry{socket.descriptor(), POLLIN, 0};
    REQUIRE(::poll(&entry, 1, -1) == 1);
    std::uint32_t right = 0;
    for (std::uint32_t index = 0; index < 4096; ++index) {
        REQUIRE(socket.receive() == BERTH_OK);
        const auto* const number = reinterpret_cast<const unsigned char*>(socket.content.data());
        const auto got = (std::uint32_t{number[0]} << 24U) | (std::uint32_t{number[1]} << 16U) |
                         (std::uint32_t{number[2]} << 8U) | number[3];
        if (got == index && socket.content.size() == 16384) ++right;
    }
    CHECK(right == 4096);
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.kind == BERTH_SOCKET_CLOSED);
    CHECK(socket.close_code == 1000);
}

TEST_CASE("without waiting there is nothing until the descriptor says so") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/echo")));
    CHECK(socket.try_receive() == BERTH_AGAIN);
    pollfd entry{socket.descriptor(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 0) == 0);
    CHECK(socket.send("hello") == BERTH_OK);
    CHECK(::poll(&entry, 1, -1) == 1);
    CHECK(socket.try_receive() == BERTH_OK);
    CHECK(socket.content == "hello");
    CHECK(::poll(&entry, 1, 0) == 0);
}

TEST_CASE("servers that break the rules of frames are left") {
    const SocketServer server;
    Services services;
    for (const auto* path : {"/masked", "/reserved", "/opcode", "/bad_text", "/long_ping", "/oversized", "/negative",
                             "/no_beginning", "/bad_close"}) {
        INFO(std::string(path));
        Running running(services);
        Socket socket(running, Request("GET", server.url(path)));
        REQUIRE(socket.opened == BERTH_OK);
        CHECK(socket.receive() == BERTH_PROTOCOL_ERROR);
        CHECK(running.error().diagnostic() == "BERTH-S-11");
    }
}

TEST_CASE("servers that open no WebSocket are told apart") {
    const SocketServer server;
    HttpConfiguration http;
    http.connect_timeout = 300ms;
    Services services(http);
    const auto refused = [&](const std::string& url, berth_status status, std::string_view diagnostic) {
        INFO(url);
        Running running(services);
        Socket socket(running, Request("GET", url));
        CHECK(socket.opened == status);
        const auto error = running.error();
        CHECK_MESSAGE(error.diagnostic() == diagnostic, std::string(error.what()));
        CHECK(error.fields().message.find("secret") == std::string::npos);
        return error;
    };
    refused(server.url("/status/401?token=secret"), BERTH_AUTH_FAILED, "BERTH-S-13");
    refused(server.url("/status/404"), BERTH_NOT_FOUND, "BERTH-S-13");
    CHECK(refused(server.url("/status/429"), BERTH_RATE_LIMITED, "BERTH-S-13").fields().retry_after == 3s);
    CHECK(refused(server.url("/status/503"), BERTH_UNAVAILABLE, "BERTH-S-13").fields().upstream_code == "503");
    refused(server.url("/status/200"), BERTH_PROTOCOL_ERROR, "BERTH-S-13");
    refused(server.url("/garbage"), BERTH_PROTOCOL_ERROR, "BERTH-S-11");
    refused(server.url("/wrong_accept"), BERTH_PROTOCOL_ERROR, "BERTH-S-11");
    refused(server.url("/never"), BERTH_UNAVAILABLE, "BERTH-S-07");
    refused(server.url("/drip"), BERTH_UNAVAILABLE, "BERTH-S-07");
    refused("ws://127.0.0.1:" + std::to_string(unused_port()) + "/", BERTH_UNAVAILABLE, "BERTH-S-07");
}

TEST_CASE("over TLS a server has to prove its name") {
    const Certificate certificate;
    const SocketServer server(certificate);
    Services trusting(certificate.trusted());
    {
        Running running(trusting);
        Socket socket(running, Request("GET", server.url("/echo")));
        REQUIRE(socket.opened == BERTH_OK);
        CHECK(socket.send("over TLS") == BERTH_OK);
        REQUIRE(socket.receive() == BERTH_OK);
        CHECK(socket.content == "over TLS");
    }
    const auto refused = [&](Services& services, const std::string& url) {
        Running running(services);
        Socket socket(running, Request("GET", url));
        CHECK(socket.opened == BERTH_UNAVAILABLE);
        const auto error = running.error();
        CHECK_MESSAGE(error.diagnostic() == "BERTH-S-08", std::string(error.what()));
    };
    Services nobody;
    refused(nobody, server.url("/echo"));
    const Certificate other;
    Services another(other.trusted());
    refused(another, server.url("/echo"));
    // The right authority, and a name that its certificate does not have.
    const auto by_proxy = [&](HttpConfiguration http) {
        http.proxy = "";
        return http;
    };
    Services straight(by_proxy(certificate.trusted()));
    Running running(straight);
    Socket by_address(running, Request("GET", server.url("/echo", "127.0.0.1")));
    CHECK(by_address.opened == BERTH_OK);
}

TEST_CASE("a proxy is asked to connect, with its password") {
    const SocketServer server;
    std::string asked;
    ScriptedServer proxy([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        asked = request->line + "|" + request->headers.at("proxy-authorization");
        connection.send("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    });
    const auto address = "http://me:p%40ss@127.0.0.1:" + std::to_string(proxy.port());
    const auto with = [&](const char* excluded) {
        return EnvironmentVariables(EnvironmentVariables::Variables{{"http_proxy", address}, {"no_proxy", excluded}});
    };
    {
        Services services({}, with("example.org"));
        Running running(services);
        Socket socket(running, Request("GET", server.url("/echo")));
        CHECK(socket.opened == BERTH_UNAVAILABLE);
        CHECK(std::string(running.error().what()).find("the proxy answered 502") != std::string::npos);
        CHECK(asked == "CONNECT localhost:" + server.port() + " HTTP/1.1|Basic bWU6cEBzcw==");
    }
    Services services({}, with("localhost"));
    Running running(services);
    Socket socket(running, Request("GET", server.url("/echo")));
    CHECK(socket.opened == BERTH_OK);
}

TEST_CASE("a cancel ends every wait, and a clean-up window lets a new connection through") {
    const SocketServer server;
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/silent")));
    REQUIRE(socket.opened == BERTH_OK);
    Signal waiting;
    std::thread canceller([&] {
        waiting.wait();
        running.call.cancel(CancelReason::caller);
    });
    waiting.raise();
    CHECK(socket.receive() == BERTH_CANCELLED);
    canceller.join();
    CHECK(socket.send("x") == BERTH_CANCELLED);
    Socket refused(running, Request("GET", server.url("/echo")));
    CHECK(refused.opened == BERTH_CANCELLED);
    REQUIRE(running.raw()->begin_cleanup(running.raw(), 5000) == 5000);
    Socket cleaning(running, Request("GET", server.url("/echo")));
    CHECK(cleaning.opened == BERTH_OK);
}

TEST_CASE("a peer that shows no sign of life is left when the request's patience ends") {
    // It reads and answers no ping.
    const SocketServer server;
    Services services;
    Running running(services);
    Request request("GET", server.url("/silent"));
    request.raw.idle_ms = {200, 1};
    Socket socket(running, request);
    REQUIRE(socket.opened == BERTH_OK);
    CHECK(socket.receive() == BERTH_UNAVAILABLE);
    CHECK(running.error().diagnostic() == "BERTH-S-10");
}

TEST_CASE("what no plugin may ask of a WebSocket is a broken rule") {
    const SocketServer server;
    Services services;
    const auto refused = [&](const Request& request, const char* why) {
        Running running(services);
        Socket socket(running, request);
        CHECK(socket.opened == BERTH_CONTRACT);
        CHECK_MESSAGE(running.breach().find(why) != std::string::npos, why);
    };
    refused(Request("GET", "ftp://x/"), "neither");
    refused(Request("GET", "ws://x:0/"), "host or port");
    refused(Request("GET", "ws://x:99999/"), "host or port");
    refused(Request("GET", "ws://x/#part"), "fragment");
    refused(Request("GET", "ws://x/", {{"Upgrade", "h2c"}}), "writes itself");
    refused(Request("GET", "ws://x/").flags(BERTH_HTTP_REPEATABLE), "flags");
    Running running(services);
    Socket socket(running, Request("GET", server.url("/echo")));
    CHECK(socket.send("\xff", BERTH_SOCKET_TEXT) == BERTH_CONTRACT);
    CHECK(socket.send("x", 7) == BERTH_CONTRACT);
    socket.close();
    CHECK(socket.receive() == BERTH_CONTRACT);
    CHECK(socket.send("x") == BERTH_CONTRACT);
}

TEST_CASE("what was sent before the goodbye still arrives, and the goodbye after it") {
    const SocketServer server;
    Services services;
    {
        Running running(services);
        Socket socket(running, Request("GET", server.url("/count")));
        for (int turn = 0; turn < 100; ++turn)
            CHECK(socket.send("message") == BERTH_OK);
        socket.close(4000);
    }
    Running running(services);
    Socket socket(running, Request("GET", server.url("/counted")));
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK((socket.content == "100 messages, then 4000"));
}

TEST_CASE("many threads share one transport of WebSockets") {
    const SocketServer server;
    Services services;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; ++thread) {
        threads.emplace_back([&, thread] {
            Running running(services);
            Socket socket(running, Request("GET", server.url("/echo")));
            for (int turn = 0; turn < 30; ++turn) {
                const auto content = std::to_string(thread) + "." + std::to_string(turn);
                if (socket.send(content) == BERTH_OK && socket.receive() == BERTH_OK && socket.content == content)
                    ++right;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(right == 180);
}

TEST_CASE("addresses and proxies are taken apart") {
    const auto wish = [](std::string url) {
        const Request request("GET", std::move(url));
        return socket_wish_of(&request.raw);
    };
    const auto secure = wish("wss://api.example.org/a?b=c");
    CHECK(secure.plan.security == SocketPlan::Security::tls);
    CHECK(secure.plan.port == "443");
    CHECK(secure.plan.target == "/a?b=c");
    CHECK(secure.shown == "https://api.example.org/a");
    const auto plain = wish("ws://[::1]:81?x");
    CHECK(plain.plan.host == "::1");
    CHECK(plain.plan.port == "81");
    CHECK(plain.plan.host_field == "[::1]:81");
    CHECK(plain.plan.target == "/?x");
    CHECK(is_excluded("a.example.org", "x,.example.org"));
    CHECK(is_excluded("example.org", " example.org"));
    CHECK(is_excluded("anything", "*"));
    CHECK_FALSE(is_excluded("badexample.org", "example.org"));
    CHECK_FALSE(is_excluded("example.org", ""));
    SocketPlan plan;
    plan.host = "b.org";
    CHECK_THROWS_AS(add_proxy(plan, {"socks5://p:1", ""}), Error);
    CHECK_THROWS_AS(add_proxy(plan, {"http://p:x", ""}), Error);
    add_proxy(plan, {"http://p:3128/", "c.org"});
    REQUIRE(plan.proxy);
    CHECK(plan.proxy->host == "p");
    CHECK(plan.proxy->port == "3128");
}

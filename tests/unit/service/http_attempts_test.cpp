// What lies between the attempts of one request: answers that nobody gets, what is known to have been sent, a cancel, and
// who else could hold a connection.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "http_support.hpp"

using namespace berth_test;

namespace {

/// This process's descriptors that are connected to `port` of loopback.
std::vector<int> connected_to(int port) {
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int descriptor = std::stoi(entry.path().filename().string());
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) found.push_back(descriptor);
    }
    return found;
}

}  // namespace

TEST_CASE("no program that the process starts can hold a connection") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.answer(200, "");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    REQUIRE(exchange.head() == 200);
    const auto descriptors = connected_to(server.port());
    REQUIRE(descriptors.size() == 1);
    CHECK((::fcntl(descriptors.front(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("an answer that is passed over and never ends is not waited for") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        if (++requests == 1) {
            connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nand then nothing");
        } else {
            connection.answer(200, "well");
        }
        connection.wait_for_end();
    });
    Services services;
    Running running(services, Call::Clock::now() + 60s);
    Exchange exchange(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "well");
    CHECK(requests == 2);
}

TEST_CASE("what an earlier attempt may have done is not forgotten when a later one reaches nobody") {
    Signal answered;
    auto server = std::make_optional<ScriptedServer>([&answered](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.answer(503, "", "Connection: close\r\n");
        answered.raise();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("DELETE", server->url()).flags(BERTH_HTTP_REPEATABLE));
    answered.wait();
    server.reset();
    CHECK(exchange.head() == -BERTH_UNAVAILABLE);
    const auto error = running.error();
    CHECK(error.diagnostic() == "BERTH-S-07");
    CHECK(error.fields().outcome == Outcome::unknown);
}

TEST_CASE("after a cancel no further attempt is begun, whatever the last one came to") {
    std::atomic<int> requests{0};
    Signal answered;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        while (connection.request()) {
            ++requests;
            connection.answer(503, "", "Retry-After: 1\r\n");
            answered.raise();
        }
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_UNINTERRUPTED | BERTH_HTTP_REPEATABLE));
    answered.wait();
    running.call.cancel(CancelReason::caller);
    CHECK(exchange.head() == -BERTH_CANCELLED);
    CHECK(requests == 1);
}

// Servers that open a WebSocket and then break its rules: each is told by a reason of its own, left with the code for
// that, and keeps neither the plugin nor a connection.
#include <filesystem>
#include <iterator>
#include <thread>

#include "websocket_support.hpp"

using namespace berth_test;

namespace {

constexpr std::string_view secret = "hunter2hunter2";

/// A connection that carries a secret in its header and in its query.
Request secret_request(const ScriptedServer& server) {
    return Request("GET", server.url("/follow?token=" + std::string(secret)),
                   {{"Authorization", secret, BERTH_PAIR_SECRET}});
}

/// A server that sends these bytes behind a right answer, and what the client said to it before it went.
class Hostile {
public:
    explicit Hostile(std::string bytes)
        : server_([this, bytes = std::move(bytes)](ServerConnection& connection, std::size_t) {
              const auto request = connection.request();
              connection.send(opening_answer(*request) + bytes);
              while (const auto heard = client_frame(connection)) {
                  if (heard->opcode == 8) close_code = heard->close_code();
              }
              gone.raise();
          }) {}
    Signal gone;
    int close_code = 0;
    [[nodiscard]] const ScriptedServer& server() const { return server_; }

private:
    ScriptedServer server_;
};

std::size_t open_descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t threads() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

std::string repeated(std::string_view what, int times) {
    std::string all;
    for (int turn = 0; turn < times; ++turn)
        all += what;
    return all;
}

}  // namespace

TEST_CASE("each broken rule has its reason and its code, and what came before it is heard") {
    struct Rule {
        const char* name;
        std::string bytes;
        int left_with;
        const char* reason;
    };
    const auto long_head = [](unsigned char first, std::initializer_list<unsigned char> length) {
        std::string bytes{static_cast<char>(first), '\x7f'};
        for (const auto byte : length)
            bytes += static_cast<char>(byte);
        return bytes;
    };
    const std::vector<Rule> rules{
        {"2^63 bytes", long_head(0x82, {0x80, 0, 0, 0, 0, 0, 0, 0}), 1002, "length"},
        {"2^64 - 1 bytes", long_head(0x82, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1002, "length"},
        {"over the limit", long_head(0x82, {0, 0, 0, 0, 1, 0, 0, 1}), 1009, "larger than 16 MiB"},
        {"over the limit in pieces", frame(0x02, "x") + long_head(0x80, {0, 0, 0, 0, 1, 0, 0, 0}), 1009, "16 MiB"},
        {"a long form for a short length", std::string("\x82\x7e\x00\x05", 4), 1002, "length"},
        {"masked", std::string("\x81\x81\x00\x00\x00\x00x", 7), 1002, "masked"},
        {"reserved bits", frame(0xc1, "x"), 1002, "bits"},
        {"unknown kind of message", frame(0x83, "x"), 1002, "unknown kind"},
        {"unknown kind of control", frame(0x8b, ""), 1002, "unknown kind"},
        {"no beginning", frame(0x80, "x"), 1002, "has not begun"},
        {"two beginnings", frame(0x01, "x") + frame(0x81, "y"), 1002, "inside another"},
        {"control in pieces", frame(0x09, "x"), 1002, "in pieces"},
        {"long control", std::string("\x89\x7e\x00\x7e", 4), 1002, "longer than 125"},
        {"no UTF-8", frame(0x81, "\xff\xfe"), 1007, "no UTF-8"},
        {"half a letter at the end", frame(0x01, "a") + frame(0x80, "\xc3"), 1007, "no UTF-8"},
        {"half a close code", frame(0x88, "\x03"), 1002, "half a code"},
        {"a close code that nobody sends", frame(0x88, "\x03\xed"), 1002, "nobody may send"},
        {"a close code of none", frame(0x88, std::string("\0\0", 2)), 1002, "nobody may send"},
        {"a reason that is no UTF-8", frame(0x88, "\x03\xe8\xff"), 1007, "reason"}};
    Services services;
    for (const auto& rule : rules) {
        INFO(rule.name);
        Hostile hostile(frame(0x81, "before") + rule.bytes);
        Running running(services);
        Socket socket(running, secret_request(hostile.server()));
        REQUIRE(socket.opened == BERTH_OK);
        REQUIRE(socket.receive() == BERTH_OK);
        CHECK(socket.content == "before");
        REQUIRE(socket.receive() == BERTH_PROTOCOL_ERROR);
        CHECK(socket.receive() == BERTH_PROTOCOL_ERROR);  // the one end, again
        CHECK(socket.send("x") == BERTH_PROTOCOL_ERROR);
        hostile.gone.wait();  // also while the plugin keeps the socket
        CHECK(hostile.close_code == rule.left_with);
        const auto error = running.error();
        CHECK(error.diagnostic() == "BERTH-S-11");
        const auto message = error.fields().message;
        CHECK_MESSAGE(message.find(rule.reason) != std::string::npos, message);
        CHECK_MESSAGE(
            message.find("127.0.0.1:" + std::to_string(hostile.server().port()) + "/follow") != std::string::npos,
            message);
        CHECK(message.find(secret) == std::string::npos);
    }
}

TEST_CASE("pings without end, and the empty beginnings of a message, keep nobody who has given up") {
    for (const std::string_view bytes : {frame(0x89, "ping"), frame(0x02, ""), frame(0x00, "")}) {
        const auto many = repeated(bytes, 5000);
        Signal flooding;
        Signal gone;
        ScriptedServer server([&](ServerConnection& connection, std::size_t) {
            const auto request = connection.request();
            connection.send(opening_answer(*request) + (bytes[0] == 0 ? frame(0x02, "") : std::string()) + many);
            flooding.raise();
            while (connection.send(many)) {
            }
            gone.raise();
        });
        Services services;
        Running running(services);
        {
            Socket socket(running, secret_request(server));
            std::thread canceller([&] {
                flooding.wait();
                running.call.cancel(CancelReason::deadline);
            });
            // A message that begins again and again breaks a rule at once.
            const auto status = socket.receive();
            CHECK((status == BERTH_CANCELLED || (status == BERTH_PROTOCOL_ERROR && bytes[0] == 2)));
            canceller.join();
            socket.close();
        }
        gone.wait();
    }
}

TEST_CASE("a reset in the middle of a frame ends it with 1006, after all that came whole") {
    Signal received;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        connection.send(opening_answer(*request) + frame(0x81, "whole") + "\x81\x7dhalf");
        received.wait();  // a reset throws away what was not read yet
        connection.reset();
    });
    Services services;
    Running running(services);
    Socket socket(running, secret_request(server));
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "whole");
    received.raise();
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.kind == BERTH_SOCKET_CLOSED);
    CHECK(socket.close_code == 1006);
}

TEST_CASE("a server that answers no goodbye keeps no connection, also one that does not read it") {
    for (const bool reads : {true, false}) {
        INFO(reads);
        Signal gone;
        Signal closed;
        ScriptedServer server([&](ServerConnection& connection, std::size_t) {
            const auto request = connection.request();
            connection.send(opening_answer(*request));
            if (!reads) closed.wait();
            connection.wait_for_end();
            gone.raise();
        });
        Services services;
        Running running(services);
        Socket socket(running, secret_request(server));
        REQUIRE(socket.opened == BERTH_OK);
        if (!reads) CHECK(socket.send(std::string(1U << 23U, 'x'), BERTH_SOCKET_BINARY) == BERTH_OK);
        socket.close(1000);
        closed.raise();
        gone.wait();
    }
}

TEST_CASE("a dozen hostile servers later there is no connection and no thread more") {
    Services services;
    {
        Hostile warm_up("");
        Running running(services);
        Socket socket(running, secret_request(warm_up.server()));
        socket.close();
        warm_up.gone.wait();
    }
    const auto before = threads();
    const auto open_before = open_descriptors();
    for (int turn = 0; turn < 12; ++turn) {
        Hostile hostile(turn % 3 == 0 ? frame(0x80, "x") : turn % 3 == 1 ? frame(0x88, "") : std::string());
        Running running(services);
        Socket socket(running, secret_request(hostile.server()));
        if (turn % 3 == 2) socket.close();
        hostile.gone.wait();
    }
    CHECK(threads() <= before);
    while (open_descriptors() > open_before)  // the transport's thread closes them when it has heard of the end
        std::this_thread::yield();
}

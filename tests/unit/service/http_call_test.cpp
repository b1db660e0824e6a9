// Requests and the call they belong to: cancel, deadline, clean-up window, what must not be cut, and plugins that break
// the rules.
#include <atomic>
#include <condition_variable>
#include <thread>

#include "http_support.hpp"

using namespace berth_test;

TEST_CASE("a cancel ends the wait for an answer at once, and the window lets new requests through") {
    Signal arrived;
    ScriptedServer server([&arrived](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        if (request && request->line.starts_with("DELETE")) {
            connection.answer(200, "gone");
        } else {
            arrived.raise();
        }
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    std::thread canceller([&] {
        arrived.wait();
        running.call.cancel(CancelReason::caller);
    });
    CHECK(exchange.head() == -BERTH_CANCELLED);
    canceller.join();
    Exchange refused(running, Request("DELETE", server.url()));
    CHECK(refused.opened == BERTH_CANCELLED);
    CHECK(running.raw()->begin_cleanup(running.raw(), 5000) == 5000);
    Exchange cleaning(running, Request("DELETE", server.url()));
    REQUIRE(cleaning.opened == BERTH_OK);
    CHECK(cleaning.head() == 200);
    CHECK(cleaning.rest() == "gone");
    // What the cancel has cut stays cut.
    CHECK(exchange.head() == -BERTH_CANCELLED);
}

TEST_CASE("the end of the clean-up window ends its requests") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) { connection.wait_for_end(); });
    Services services;
    Running running(services);
    running.call.cancel(CancelReason::deadline);
    REQUIRE(running.raw()->begin_cleanup(running.raw(), 60) == 60);
    Exchange exchange(running, Request("DELETE", server.url()));
    REQUIRE(exchange.opened == BERTH_OK);
    CHECK(exchange.head() == -BERTH_CANCELLED);
}

TEST_CASE("what makes something is not cut once it was sent: its answer tells what was made") {
    Signal arrived;
    Signal cancelled;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        arrived.raise();
        cancelled.wait();
        connection.answer(201, "id-1");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_UNINTERRUPTED));
    std::thread canceller([&] {
        arrived.wait();
        running.call.cancel(CancelReason::caller);
        cancelled.raise();
    });
    CHECK(exchange.head() == 201);
    CHECK(exchange.rest() == "id-1");
    CHECK(exchange.result == BERTH_END);
    canceller.join();
    Exchange next(running, Request("GET", server.url()));
    CHECK(next.opened == BERTH_CANCELLED);
}

TEST_CASE("even that is waited for only as long as a clean-up may take") {
    Signal arrived;
    ScriptedServer server([&arrived](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        arrived.raise();
        connection.wait_for_end();
    });
    Services services;
    Running running(services, {}, 80ms);
    Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_UNINTERRUPTED));
    std::thread canceller([&] {
        arrived.wait();
        running.call.cancel(CancelReason::caller);
    });
    CHECK(exchange.head() == -BERTH_CANCELLED);
    canceller.join();
}

TEST_CASE("what makes something and has not left yet is cut like anything else") {
    // A proxy that never answers holds the request back: of the request itself nothing has left.
    Signal arrived;
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        if (connection.request()) ++requests;
    });
    Services services;
    Running running(services);
    const auto port = unused_port();
    // Nobody listens, so it waits for its next attempt.
    Exchange exchange(running,
                      Request("POST", "http://127.0.0.1:" + std::to_string(port)).flags(BERTH_HTTP_UNINTERRUPTED));
    running.call.cancel(CancelReason::caller);
    CHECK(exchange.head() == -BERTH_CANCELLED);
    CHECK(requests == 0);
}

TEST_CASE("what a plugin leaves open is closed when its method returns") {
    Signal arrived;
    Signal closed;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        arrived.raise();
        connection.wait_for_end();
        closed.raise();
    });
    Services services;
    {
        Running running(services);
        Exchange exchange(running, Request("GET", server.url()));
        CHECK(exchange.opened == BERTH_OK);
        arrived.wait();
        (void)running.face.take_records();
    }
    closed.wait();
}

TEST_CASE("a request that is closed and used again is a broken rule, also after a thousand others") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (connection.request())
            connection.answer(200, "");
    });
    Services services;
    Running running(services);
    Exchange first(running, Request("GET", server.url()));
    CHECK(first.head() == 200);
    first.close();
    CHECK(first.head() == -BERTH_CONTRACT);
    for (int turn = 0; turn < 1000; ++turn) {
        Exchange other(running, Request("GET", server.url()));
        CHECK(other.head() == 200);
        other.close();
        CHECK(other.head() == -BERTH_CONTRACT);
    }
    CHECK(running.breach().find("closed") != std::string::npos);
}

TEST_CASE("what no plugin may ask is refused with a reason") {
    Services services;
    const auto refused = [&services](const Request& request, const char* why) {
        Running running(services);
        Exchange exchange(running, request);
        CHECK(exchange.opened == BERTH_CONTRACT);
        CHECK(exchange.raw() == nullptr);
        CHECK_MESSAGE(running.breach().find(why) != std::string::npos, why);
    };
    refused(Request("GET", "ftp://x/"), "neither http:// nor https://");
    refused(Request("GET", "https:///path"), "without a host");
    refused(Request("GET", "https://user:pw@x/"), "name or password");
    refused(Request("GET", "https://x/a b"), "percent-encoded");
    refused(Request("GET", "https://x/\r\nHost: y"), "percent-encoded");
    refused(Request("GE T", "https://x/"), "method");
    refused(Request("CONNECT", "https://x/"), "method");
    refused(Request("GET", "https://x/", {{"X-A", "a\r\nX-B: c"}}), "control character");
    refused(Request("GET", "https://x/", {{"X A", "a"}}), "name");
    refused(Request("POST", "https://x/", {{"Content-Length", "5"}}), "writes itself");
    refused(Request("POST", "https://x/", {{"transfer-encoding", "chunked"}}), "writes itself");
    refused(Request("GET", "https://x/", {{"Host", "y"}}), "writes itself");
    Request with_body("GET", "https://x/");
    with_body.body("x");
    refused(with_body, "with a body");
    refused(Request("GET", "https://x/").flags(1U << 20U), "flags");
    Request both("POST", "https://x/");
    both.body("x").flags(BERTH_HTTP_STREAMED_BODY);
    refused(both, "streamed");
    Request relative("GET", "http://x/");
    relative.raw.unix_socket = text("socket");
    refused(relative, "not absolute");
}

TEST_CASE("a body that is not what was announced is the plugin's mistake") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) { connection.wait_for_end(); });
    Services services;
    const auto open = [&](Running& running) {
        Request request("PUT", server.url());
        request.flags(BERTH_HTTP_STREAMED_BODY);
        request.raw.body_length = {3, 1};
        return std::make_unique<Exchange>(running, request);
    };
    Running too_long(services);
    CHECK(open(too_long)->write("1234") == BERTH_CONTRACT);
    Running too_short(services);
    const auto exchange = open(too_short);
    CHECK(exchange->write("12") == BERTH_OK);
    CHECK(exchange->finish() == BERTH_CONTRACT);
}

TEST_CASE("a request whose body breaks its announcement does not stay with the server") {
    Signal arrived;
    Signal left;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        (void)connection.request_head();
        CHECK(connection.some(10) == "12");  // from here on the transport waits for more
        arrived.raise();
        connection.wait_for_end();
        left.raise();
    });
    Services services;
    Running running(services);
    Request request("PUT", server.url());
    request.flags(BERTH_HTTP_STREAMED_BODY);
    request.raw.body_length = {3, 1};
    Exchange exchange(running, request);
    REQUIRE(exchange.write("12") == BERTH_OK);
    arrived.wait();
    CHECK(exchange.write("34") == BERTH_CONTRACT);
    exchange.close();
    left.wait();
}

TEST_CASE("what is written where no body goes out is not taken in silence") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) { connection.wait_for_end(); });
    Services services;
    Running whole(services);
    Exchange unstreamed(whole, Request("POST", server.url()).body("{}"));
    CHECK(unstreamed.write("more") == BERTH_CONTRACT);
    CHECK(whole.breach().find("without a streamed body") != std::string::npos);
    Running streamed(services);
    Exchange ended(streamed, Request("POST", server.url()).flags(BERTH_HTTP_STREAMED_BODY));
    CHECK(ended.write("all") == BERTH_OK);
    CHECK(ended.finish() == BERTH_OK);
    CHECK(ended.write("more") == BERTH_CONTRACT);
    CHECK(streamed.breach().find("after it had ended its body") != std::string::npos);
}

TEST_CASE("a secret is in no line of the log and in no error, wherever the server puts it") {
    const std::string token = "c4nary-8151-token";
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        // An answer that cannot be understood and holds what was sent.
        connection.send(request->headers.at("authorization") + "\r\n\r\n");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url("/" + token + "?key=" + token),
                                       {{"Authorization", "Bearer " + token, BERTH_PAIR_SECRET}}));
    CHECK(exchange.head() == -BERTH_PROTOCOL_ERROR);
    exchange.close();
    const std::string shown = running.error().what();
    CHECK(shown.find(token) == std::string::npos);
    CHECK(services.lines().find(token) == std::string::npos);
    CHECK(services.lines().find("GET http://127.0.0.1") != std::string::npos);
}

TEST_CASE("many threads share one transport") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (const auto request = connection.request())
            connection.answer(200, request->line);
    });
    Services services;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&, thread] {
            for (int turn = 0; turn < 50; ++turn) {
                Running running(services);
                const auto path = "/" + std::to_string(thread) + "/" + std::to_string(turn);
                Exchange exchange(running, Request("GET", server.url(path)));
                if (exchange.head() == 200 && exchange.rest() == "GET " + path + " HTTP/1.1") ++right;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(right == 400);
    CHECK(server.connections() <= 8);
}

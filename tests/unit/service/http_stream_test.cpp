// Bodies that come and go in parts: who is ahead waits, and an answer that comes early is heard.
#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "http_support.hpp"

using namespace berth_test;

TEST_CASE("a streamed body arrives as it was written, and its writer waits for a slow server") {
    Signal go;
    std::string received;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto head = connection.request_head();
        go.wait();
        const auto length = std::stoul(head->headers.at("content-length"));
        while (received.size() < length) {
            const auto part = connection.some(length - received.size());
            if (part.empty()) return;
            received += part;
        }
        connection.answer(200, "took it");
    });
    Services services;
    Running running(services);
    const std::size_t whole = std::size_t{32} << 20U;
    Request request("PUT", server.url());
    request.flags(BERTH_HTTP_STREAMED_BODY);
    request.raw.body_length = {whole, 1};
    Exchange exchange(running, request);
    REQUIRE(exchange.opened == BERTH_OK);
    std::string part(1'000'000, '\0');
    for (std::size_t index = 0; index < part.size(); ++index)
        part[index] = static_cast<char>(index * 7);
    std::atomic<std::size_t> written{0};
    std::thread writer([&] {
        std::string_view rest;
        for (std::size_t at = 0; at < whole; at += rest.size()) {
            rest = std::string_view(part).substr(0, std::min(part.size(), whole - at));
            if (exchange.write(rest) != BERTH_OK) break;
            written += rest.size();
        }
    });
    // Nobody reads: what was taken lies in buffers, and these are small.
    go.raise();
    writer.join();
    CHECK(written == whole);
    CHECK(exchange.finish() == BERTH_OK);
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "took it");
    REQUIRE(received.size() == whole);
    bool same = true;
    for (std::size_t at = 0; at < whole; ++at)
        same = same && received[at] == part[at % part.size()];
    CHECK(same);
}

TEST_CASE("a body of unknown length is sent in chunks") {
    ReceivedRequest received;
    ScriptedServer server([&received](ServerConnection& connection, std::size_t) {
        received = connection.request().value();
        connection.answer(200, "");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_STREAMED_BODY));
    CHECK(exchange.write("one ") == BERTH_OK);
    CHECK(exchange.write("two") == BERTH_OK);
    CHECK(exchange.finish() == BERTH_OK);
    CHECK(exchange.head() == 200);
    CHECK(received.body == "one two");
}

TEST_CASE("a server that refuses in the middle of a body is heard") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request_head();
        connection.answer(413, "too much", "Connection: close\r\n");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Request request("PUT", server.url());
    request.flags(BERTH_HTTP_STREAMED_BODY);
    request.raw.body_length = {std::uint64_t{1} << 40U, 1};
    Exchange exchange(running, request);
    const std::string part(100'000, 'x');
    berth_status status = BERTH_OK;
    while (status == BERTH_OK)
        status = exchange.write(part);
    CHECK(status == BERTH_END);
    CHECK(exchange.head() == 413);
    CHECK(exchange.rest() == "too much");
    CHECK(exchange.result == BERTH_END);
}

TEST_CASE("an answer that comes while the writer thinks ends the body") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        const auto head = connection.request_head();
        CHECK(connection.some(100) == "first part");
        connection.answer(head->line.starts_with("PUT /refused") ? 413 : 200, "an answer");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    const auto put = [&](std::string_view path) {
        Request request("PUT", server.url(path));
        request.flags(BERTH_HTTP_STREAMED_BODY);
        request.raw.body_length = {1000, 1};
        auto exchange = std::make_unique<Exchange>(running, request);
        CHECK(exchange->write("first part") == BERTH_OK);
        return exchange;
    };
    const auto refused = put("/refused");
    CHECK(refused->head() == 413);
    CHECK(refused->write("second part") == BERTH_END);
    CHECK(refused->rest() == "an answer");
    CHECK(refused->result == BERTH_END);
    // Praise for half a request is no answer to it.
    const auto praised = put("/praised");
    CHECK(praised->head() == 200);
    CHECK(praised->write("second part") == BERTH_END);
    (void)praised->rest();
    CHECK(praised->result == BERTH_UNAVAILABLE);
}

TEST_CASE("an answer that nobody reads is not taken off the server without end") {
    std::atomic<std::size_t> sent{0};
    const std::string part(100'000, 'y');
    const std::size_t parts = 640;
    Signal some_sent;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(part.size() * parts) + "\r\n\r\n");
        for (std::size_t index = 0; index < parts && connection.send(part); ++index) {
            sent += part.size();
            some_sent.raise();
        }
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    CHECK(exchange.head() == 200);
    some_sent.wait();
    std::string first;
    while (exchange.try_read(first) == BERTH_AGAIN) {
    }
    // Sockets hold some megabytes, the channel a quarter of one: most of it is still with the server.
    CHECK(sent < part.size() * parts);
    const auto rest = exchange.rest();
    CHECK(exchange.result == BERTH_END);
    CHECK(first.size() + rest.size() == part.size() * parts);
    CHECK(rest.find_first_not_of('y') == std::string::npos);
}

TEST_CASE("a descriptor says when there is something to read") {
    Signal go;
    ScriptedServer server([&go](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        go.wait();
        connection.send("hello");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    CHECK(exchange.head() == 200);
    std::string got;
    CHECK(exchange.try_read(got) == BERTH_AGAIN);
    pollfd entry{exchange.descriptor(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 0) == 0);
    go.raise();
    CHECK(::poll(&entry, 1, -1) == 1);
    while (got.size() < 5) {
        CHECK(::poll(&entry, 1, -1) == 1);
        CHECK(exchange.try_read(got) == BERTH_OK);
    }
    CHECK(::poll(&entry, 1, -1) == 1);
    CHECK(exchange.try_read(got) == BERTH_END);
    CHECK(got == "hello");
}

// Requests through the face over scripted HTTP and WebSocket: whole answers, pieces, and every way a backend fails.
#include <doctest/doctest.h>
#include <poll.h>

#include "scripted_plugin.hpp"

using namespace berth;
using testing::FakeHost;
using testing::Instance;

namespace {

/// Runs `act` inside a method, where there is a call, and gives the error it ended with.
std::optional<Error> in_call(FakeHost& host, const std::function<void(Http, Call&)>& act) {
    Script script;
    script.destroy = [&](Call& call, std::string_view) { act(Host{&host}.http(), call); };
    Instance instance{host};
    return instance.destroy("one").error;
}

}  // namespace

TEST_CASE("a request goes out whole and its answer comes back") {
    FakeHost host;
    host.http().on("POST", "/v1/things").reply(201, "{}", {{"content-type", "application/json"}});
    CHECK_FALSE(in_call(host, [](Http http, Call& call) {
        HttpRequest request{"POST", "https://b.example/v1/things?x=1"};
        request.headers.set("authorization", "Bearer x", true);
        request.body = "{\"a\":1}";
        request.uninterrupted = true;
        const HttpResponse answer = http.send(call, request);
        CHECK(answer.status == 201);
        CHECK(answer.body == "{}");
        CHECK(*answer.headers.find("content-type") == "application/json");
    }));
    REQUIRE(host.http().requests.size() == 1);
    const testing::SentRequest& sent = host.http().requests[0];
    CHECK(sent.url == "https://b.example/v1/things?x=1");
    CHECK(sent.body == "{\"a\":1}");
    CHECK(sent.headers.begin()->secret);
    CHECK(sent.uninterrupted);
    CHECK_FALSE(sent.repeatable);
}

TEST_CASE("answers come in order, the last one stays") {
    FakeHost host;
    host.http().on("GET", "/").reply(503).reply(200, "ready");
    CHECK_FALSE(in_call(host, [](Http http, Call& call) {
        CHECK(http.send(call, {"GET", "http://b/"}).status == 503);
        CHECK(http.send(call, {"GET", "http://b"}).body == "ready");
        CHECK(http.send(call, {"GET", "http://b/"}).body == "ready");
    }));
}

TEST_CASE("a cut body is a failure and never a short one") {
    FakeHost host;
    host.http().on("GET", "/").reply(200, "half").cut();
    const auto error = in_call(host, [](Http http, Call& call) { (void)http.send(call, {"GET", "http://b/"}); });
    REQUIRE(error);
    CHECK(error->code() == Code::unavailable);
    CHECK(error->message() == "the connection broke in the middle of the answer");
}

TEST_CASE("nobody listens: nothing was done; no answer: nobody knows") {
    FakeHost host;
    host.http().on("GET", "/").refused();
    host.http().on("POST", "/").no_answer();
    CHECK(in_call(host, [](Http http, Call& call) {
              (void)http.send(call, {"GET", "http://b/"});
          })->outcome() == Outcome::none);
    CHECK(host.http().count("GET", "/") == 0);
    CHECK(in_call(host, [](Http http, Call& call) {
              (void)http.send(call, {"POST", "http://b/"});
          })->outcome() == Outcome::unknown);
    CHECK(host.http().count("POST", "/") == 1);
}

TEST_CASE("a slow body is read without waiting, piece by piece") {
    FakeHost host;
    host.http().on("GET", "/").reply(200, "abcde").slowly(2);
    CHECK_FALSE(in_call(host, [](Http http, Call& call) {
        Exchange exchange = http.open(call, {"GET", "http://b/"});
        CHECK(exchange.head().length == 5u);
        std::string body;
        int waits = 0;
        for (char buffer[16];;) {
            const auto got = exchange.try_read(buffer, sizeof buffer);
            if (!got) {
                pollfd ready{exchange.fd(), POLLIN, 0};
                REQUIRE(poll(&ready, 1, 1000) == 1);
                ++waits;
                continue;
            }
            if (*got == 0) break;
            body.append(buffer, *got);
        }
        CHECK(body == "abcde");
        CHECK(waits >= 3);
    }));
    CHECK(host.left_open() == 0);
}

TEST_CASE("a streamed body is written in parts") {
    FakeHost host;
    host.http().on("PUT", "/f").reply(200);
    CHECK_FALSE(in_call(host, [](Http http, Call& call) {
        HttpRequest request{"PUT", "http://b/f"};
        request.streamed_body = true;
        Exchange exchange = http.open(call, request);
        CHECK(exchange.write("ab"));
        CHECK(exchange.write("c"));
        exchange.finish();
        CHECK(exchange.head().status == 200);
    }));
    CHECK(host.http().requests[0].body == "abc");
}

TEST_CASE("an answer that is too long is refused") {
    FakeHost host;
    host.http().on("GET", "/").reply(200, std::string(100, 'x'));
    const auto error = in_call(host, [](Http http, Call& call) { (void)http.send(call, {"GET", "http://b/"}, 99); });
    CHECK(error->code() == Code::protocol_error);
}

TEST_CASE("what a status means, in one helper") {
    HttpResponse answer;
    const auto code = [&](int status) {
        answer.status = status;
        return http_error(answer, "no").code();
    };
    CHECK(code(400) == Code::invalid_argument);
    CHECK(code(401) == Code::auth_failed);
    CHECK(code(404) == Code::not_found);
    CHECK(code(409) == Code::conflict);
    CHECK(code(413) == Code::resource_exhausted);
    CHECK(code(429) == Code::rate_limited);
    CHECK(code(500) == Code::unavailable);
    CHECK(code(504) == Code::timeout);
    CHECK(code(302) == Code::protocol_error);
    answer.status = 429;
    answer.retry_after = std::chrono::seconds{2};
    answer.headers.set("x-request-id", "r-9");
    const Error error = http_error(answer, "slow down");
    CHECK(error.retry_after() == std::chrono::seconds{2});
    CHECK(error.upstream_request_id() == "r-9");
    CHECK(error.upstream_code() == "429");
    CHECK(error.outcome() == Outcome::none);
    answer.status = 500;
    CHECK(http_error(answer, "no").outcome() == Outcome::unknown);
}

TEST_CASE("an exchange that is used after its close, or left open, shows") {
    FakeHost host;
    host.http().on("GET", "/").reply(200, "x");
    (void)in_call(host, [&host](Http, Call& call) {
        berth_exchange* exchange = nullptr;
        const HttpRequest request{"GET", "http://b/"};
        (void)host.berth_host::http->open(&host, call.raw(), berth::detail::RawRequest{request}.get(), &exchange);
        host.berth_host::http->close(exchange);
        std::uint64_t got = 0;
        char buffer[4];
        CHECK(host.berth_host::http->read(exchange, buffer, 4, &got) == BERTH_CONTRACT);
        (void)host.berth_host::http->open(&host, call.raw(), berth::detail::RawRequest{request}.get(), &exchange);
    });
    CHECK(host.rules().take() == std::vector<std::string>{"T2: read was called on a closed exchange (destroy)"});
    CHECK(host.left_open() == 1);
}

TEST_CASE("a request without a script is a breach of its own") {
    FakeHost host;
    CHECK(in_call(host, [](Http http, Call& call) { (void)http.send(call, {"GET", "http://b/x"}); }));
    CHECK(host.rules().take() == std::vector<std::string>{"script: GET /x has no scripted answer (destroy)"});
}

TEST_CASE("messages of a socket arrive in order, then its close") {
    FakeHost host;
    host.websockets().on("/shell") = {{MessageKind::text, "hello"}, {MessageKind::closed, "", 4000}};
    Script script;
    script.destroy = [&](Call& call, std::string_view) {
        WebSocket socket = Host{&host}.websockets().open(call, {"GET", "wss://b/shell"});
        socket.send(MessageKind::binary, "hi");
        CHECK_FALSE(socket.try_receive());
        pollfd ready{socket.fd(), POLLIN, 0};
        CHECK(poll(&ready, 1, 1000) == 1);
        CHECK(socket.try_receive()->bytes == "hello");
        const Message end = socket.receive();
        CHECK(end.kind == MessageKind::closed);
        CHECK(end.close_code == 4000);
        CHECK(socket.receive().close_code == 1006);
    };
    Instance instance{host};
    CHECK(instance.destroy("one").ok());
    REQUIRE(host.websockets().sockets.size() == 1);
    CHECK(host.websockets().sockets.front().sent[0].bytes == "hi");
    CHECK(host.websockets().sockets.front().close_code == 1000);
}

// Requests of plugins against a server that does to them what servers do: what arrives, what comes back, what is
// repeated and what is never sent twice.
#include <atomic>
#include <condition_variable>

#include "http_support.hpp"

using namespace berth_test;

TEST_CASE("a request arrives as it was asked, and its answer comes back whole") {
    ReceivedRequest received;
    ScriptedServer server([&received](ServerConnection& connection, std::size_t) {
        received = connection.request().value();
        connection.answer(201, "made", "X-Request-Id: r-1\r\nContent-Type: text/plain\r\n");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Request request(
        "POST", server.url("/v1/things?team=t"),
        {{"Content-Type", "application/json"}, {"Authorization", "Bearer s3cret-token", BERTH_PAIR_SECRET}});
    request.body("{\"a\":1}");
    Exchange exchange(running, request);
    REQUIRE(exchange.opened == BERTH_OK);
    CHECK(exchange.head() == 201);
    CHECK(exchange.rest() == "made");
    CHECK(exchange.result == BERTH_END);
    CHECK(received.line == "POST /v1/things?team=t HTTP/1.1");
    CHECK(received.body == "{\"a\":1}");
    CHECK(received.headers["content-type"] == "application/json");
    CHECK(received.headers["authorization"] == "Bearer s3cret-token");
    CHECK(received.headers["content-length"] == "7");
    CHECK(received.headers["user-agent"].starts_with("berth/"));
    CHECK(received.headers.count("expect") == 0);
    bool has_id = false;
    for (const auto& [name, value] : exchange.headers)
        has_id = has_id || (name == "x-request-id" && value == "r-1");
    CHECK(has_id);
}

TEST_CASE("a POST without a body says that it has none, and no type is invented") {
    ReceivedRequest received;
    ScriptedServer server([&received](ServerConnection& connection, std::size_t) {
        received = connection.request().value();
        connection.answer(200, "");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest().empty());
    CHECK(exchange.result == BERTH_END);
    CHECK(received.headers["content-length"] == "0");
    CHECK(received.headers.count("content-type") == 0);
}

TEST_CASE("requests that follow one another share a connection") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (connection.request())
            connection.answer(200, "ok");
    });
    Services services;
    for (int turn = 0; turn < 20; ++turn) {
        Running running(services);
        Exchange exchange(running, Request("GET", server.url()));
        CHECK(exchange.head() == 200);
        CHECK(exchange.rest() == "ok");
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("nobody listens: nothing was sent, and that is said") {
    Services services;
    Running running(services);
    const auto port = unused_port();
    Exchange exchange(running, Request("POST", "http://127.0.0.1:" + std::to_string(port) + "/x?key=hidden"));
    CHECK(exchange.head() == -BERTH_UNAVAILABLE);
    const auto error = running.error();
    CHECK(error.diagnostic() == "BERTH-S-07");
    CHECK(error.fields().outcome == Outcome::none);
    CHECK(error.fields().message.find("(3 attempts)") != std::string::npos);
    CHECK(error.fields().message.find("POST http://127.0.0.1:") != std::string::npos);
    CHECK(error.fields().message.find("hidden") == std::string::npos);
}

TEST_CASE("a body that is cut is no body that has ended") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "half of it");
    CHECK(exchange.result == BERTH_UNAVAILABLE);
    CHECK(running.error().diagnostic() == "BERTH-S-09");
    CHECK(server.connections() == 1);  // what was handed over in part is not begun again
}

TEST_CASE("a chunked body without its last chunk is cut, too") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "half");
    CHECK(exchange.result == BERTH_UNAVAILABLE);
}

TEST_CASE("a body that only the end of the connection ends cannot be told from a cut one") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\n\r\nmaybe all");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "maybe all");
    CHECK(exchange.result == BERTH_UNAVAILABLE);
}

TEST_CASE("what must not happen twice is sent once, whatever becomes of the answer") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        if (connection.request()) ++requests;
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()));
    CHECK(exchange.head() == -BERTH_UNAVAILABLE);
    CHECK(running.error().fields().outcome == Outcome::unknown);
    CHECK(requests == 1);
}

TEST_CASE("a kept connection that dies under a request does not make the library send it again") {
    std::atomic<int> posts{0};
    ScriptedServer server([&posts](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.answer(200, "");
        if (connection.request()) ++posts;  // taken, and the connection closed without a byte
    });
    Services services;
    {
        Running running(services);
        Exchange exchange(running, Request("GET", server.url()));
        CHECK(exchange.head() == 200);
        CHECK(exchange.rest().empty());
    }
    Running running(services);
    Request command("POST", server.url("/run"));
    command.body("{}");
    Exchange exchange(running, command);
    CHECK(exchange.head() == -BERTH_UNAVAILABLE);
    CHECK(running.error().fields().outcome == Outcome::unknown);
    CHECK(posts == 1);
}

TEST_CASE("the same on a request that may be repeated is not even noticed") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t number) {
        (void)connection.request();
        ++requests;
        connection.answer(200, "");
        if (number == 0 && connection.request()) {
            ++requests;
            return;
        }
        while (connection.request())
            connection.answer(200, "");
    });
    Services services;
    for (int turn = 0; turn < 2; ++turn) {
        Running running(services);
        Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_REPEATABLE));
        CHECK(exchange.head() == 200);
    }
    CHECK(requests == 3);
}

TEST_CASE("an answer that passes is passed over, as often as three attempts allow") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        while (connection.request()) {
            ++requests;
            connection.answer(requests < 3 ? 503 : 200, "body");
        }
    });
    Services services;
    Running running(services);
    Exchange repeatable(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(repeatable.head() == 200);
    CHECK(requests == 3);
}

TEST_CASE("when attempts run out, the last answer is the answer") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (connection.request())
            connection.answer(502, "no luck");
    });
    Services services;
    Running running(services);
    Exchange repeatable(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(repeatable.head() == 502);
    CHECK(repeatable.rest() == "no luck");
    Exchange once(running, Request("POST", server.url()));
    CHECK(once.head() == 502);
}

TEST_CASE("a server that asks for a minute is not waited for in silence") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        while (connection.request()) {
            ++requests;
            connection.answer(429, "", "Retry-After: 60\r\n");
        }
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(exchange.head() == 429);
    CHECK(exchange.retry_after == 60'000);
    CHECK(requests == 1);
}

TEST_CASE("a vendor's own header says when to come again") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (connection.request())
            connection.answer(429, "", "X-Reset-Ms: 31000\r\n");
    });
    Services services;
    Running running(services);
    Request request("POST", server.url());
    const berth_pair pair{text("X-Reset-Ms"), text("milliseconds"), 0};
    request.raw.retry_after_headers = {&pair, 1};
    Exchange exchange(running, request);
    CHECK(exchange.head() == 429);
    CHECK(exchange.retry_after == 31'000);
}

TEST_CASE("no attempt is begun that the deadline would cut") {
    std::atomic<int> requests{0};
    ScriptedServer server([&requests](ServerConnection& connection, std::size_t) {
        while (connection.request()) {
            ++requests;
            connection.answer(503, "");
        }
    });
    Services services;
    Running running(services, Call::Clock::now() + 300ms);
    Exchange exchange(running, Request("GET", server.url()).flags(BERTH_HTTP_REPEATABLE));
    CHECK(exchange.head() == 503);
    CHECK(requests == 1);
}

TEST_CASE("a redirect is followed on the same server, and handed over when it leads elsewhere") {
    ScriptedServer other([](ServerConnection& connection, std::size_t) { (void)connection.request(); });
    ScriptedServer server([&other](ServerConnection& connection, std::size_t) {
        while (const auto request = connection.request()) {
            if (request->line.starts_with("GET /here ")) {
                connection.answer(302, "", "Location: there?x=1\r\n");
            } else if (request->line.starts_with("GET /there?x=1 ")) {
                connection.answer(200, "arrived");
            } else if (request->line.starts_with("GET /circle ")) {
                connection.answer(302, "", "Location: /circle\r\n");
            } else {
                connection.answer(307, "", "Location: " + other.url("/stolen") + "\r\n");
            }
        }
    });
    Services services;
    Running running(services);
    Exchange followed(running, Request("GET", server.url("/here")));
    CHECK(followed.head() == 200);
    CHECK(followed.rest() == "arrived");
    Exchange elsewhere(running, Request("GET", server.url("/away"), {{"Authorization", "Bearer abcdef", 1}}));
    CHECK(elsewhere.head() == 307);
    Exchange circle(running, Request("GET", server.url("/circle")));
    CHECK(circle.head() == 302);
    Exchange posted(running, Request("POST", server.url("/here")));
    CHECK(posted.head() == 307);
    CHECK(other.connections() == 0);
}

TEST_CASE("what is no HTTP is refused, however it comes") {
    Services services;
    const auto fails = [&](const std::string& answer) {
        ScriptedServer server([&answer](ServerConnection& connection, std::size_t) {
            (void)connection.request();
            connection.send(answer);
        });
        Running running(services);
        Exchange exchange(running, Request("GET", server.url()));
        CHECK(exchange.head() == -BERTH_PROTOCOL_ERROR);
        const auto error = running.error();
        CHECK_MESSAGE(error.diagnostic() == "BERTH-S-11", std::string(error.what()));
    };
    fails("SSH-2.0-OpenSSH_9.2p1 Debian\r\n");
    fails("\x15\x03\x01 binary \r\n\r\n");
    fails("HTTP/1.1 200 OK\r\nX-Long: " + std::string(300'000, 'x') + "\r\n\r\n");
    fails("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde");
    fails("HTTP/1.1 700 Strange\r\nContent-Length: 0\r\n\r\n");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int index = 0; index < 2000; ++index)
        many += "X-" + std::to_string(index) + ": y\r\n";
    fails(many + "\r\n");
}

TEST_CASE("interim answers are passed over, and trailers do not disturb") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
            "Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url()));
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "hello");
    CHECK(exchange.result == BERTH_END);
}

TEST_CASE("a server that falls silent is left when the request's patience ends") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Request request("GET", server.url());
    request.raw.idle_ms = {50, 1};
    Exchange exchange(running, request);
    CHECK(exchange.head() == 200);
    CHECK(exchange.rest() == "begin");
    CHECK(exchange.result == BERTH_UNAVAILABLE);
    CHECK(running.error().diagnostic() == "BERTH-S-10");
}

TEST_CASE("a Unix socket can stand in for an address") {
    std::string pattern = "/tmp/berth-http.XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    const auto path = pattern + "/socket";
    {
        ScriptedServer server(path, [](ServerConnection& connection, std::size_t) {
            const auto request = connection.request();
            connection.answer(200, request->line + " " + request->headers.at("host"));
        });
        Services services({},
                          EnvironmentVariables(EnvironmentVariables::Variables{{"http_proxy", "http://127.0.0.1:1"}}));
        Running running(services);
        Request request("GET", "http://docker/v1");
        request.raw.unix_socket = text(path);
        Exchange exchange(running, request);
        CHECK(exchange.head() == 200);
        CHECK(exchange.rest() == "GET /v1 HTTP/1.1 docker");
    }
    ::unlink(path.c_str());
    ::rmdir(pattern.c_str());
}

TEST_CASE("a proxy of the environment is asked, but for what no_proxy names") {
    std::atomic<int> direct{0};
    std::string through;
    ScriptedServer server([&direct](ServerConnection& connection, std::size_t) {
        (void)connection.request();
        ++direct;
        connection.answer(200, "");
    });
    ScriptedServer proxy([&through](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        through = request->line + "|" + request->headers.at("proxy-authorization");
        connection.answer(200, "by proxy");
    });
    const auto address = "http://user:pr0xy-word@127.0.0.1:" + std::to_string(proxy.port());
    {
        Services services({}, EnvironmentVariables(EnvironmentVariables::Variables{{"http_proxy", address}}));
        Running running(services);
        Exchange exchange(running, Request("GET", server.url("/a")));
        CHECK(exchange.head() == 200);
        CHECK(exchange.rest() == "by proxy");
        CHECK(through.starts_with("GET " + server.url("/a")));
        CHECK(through.ends_with("Basic dXNlcjpwcjB4eS13b3Jk"));
        CHECK(direct == 0);
    }
    Services services({}, EnvironmentVariables(EnvironmentVariables::Variables{{"http_proxy", address},
                                                                               {"no_proxy", "example.org,127.0.0.1"}}));
    Running running(services);
    Exchange exchange(running, Request("GET", server.url("/a")));
    CHECK(exchange.head() == 200);
    CHECK(direct == 1);
}

// Every fault that can be asked for, as a client meets it; recorded requests; and that nothing is left at the end.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "scene.hpp"

using namespace standin_test;

namespace {

const std::string list = "/v2/sandboxes";
const std::string commands = "/v2/sandboxes/sessions/*/cmd";

}  // namespace

TEST_CASE("an answer can be anything, so many times, for requests that match") {
    const Scene scene;
    scene.fault({{"method", "GET"},
                 {"path", list},
                 {"skip", 1},
                 {"times", 2},
                 {"what", {{"status", 429}, {"code", "rate_limited"}, {"headers", {{"retry-after", "7"}}}}}});
    CHECK(scene.call("GET", list).status == 200);
    CHECK(scene.call("GET", list + "/none").status == 404);
    for (int time = 0; time < 2; ++time) {
        const auto reply = scene.call("GET", list);
        CHECK(reply.status == 429);
        CHECK(reply.code() == "rate_limited");
        CHECK(reply.header("retry-after") == "7");
    }
    CHECK(scene.call("GET", list).status == 200);
}

TEST_CASE("every documented error can be made") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const std::vector<std::pair<unsigned, std::string>> errors{{400, "bad_request"},
                                                               {400, "sandbox_timeout_invalid"},
                                                               {401, "forbidden"},
                                                               {402, "payment_required"},
                                                               {404, "not_found"},
                                                               {409, "image_not_ready"},
                                                               {410, "sandbox_stopped"},
                                                               {410, "snapshot_not_found"},
                                                               {415, "unknown"},
                                                               {422, "sandbox_stopping"},
                                                               {422, "sandbox_snapshotting"},
                                                               {429, "rate_limited"},
                                                               {500, "internal_server_error"},
                                                               {502, "bad_gateway"},
                                                               {503, "unavailable"},
                                                               {400, "snapshot_region_mismatch"}};
    for (const auto& [status, code] : errors) {
        scene.fault("POST", commands, {{"status", status}, {"code", code}, {"message", "because"}});
        const auto reply = scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("true"));
        CHECK(reply.status == status);
        CHECK(reply.code() == code);
        CHECK(reply.json()["error"]["message"] == "because");
    }
    CHECK(scene.call("GET", Scene::session(id, "/cmd")).json()["commands"].empty());
}

TEST_CASE("a body can be text, foreign JSON or empty, and a header can be left out or another") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.fault("GET", list, {{"status", 502}, {"body", "<html>"}, {"headers", {{"content-type", "text/html"}}}});
    auto reply = scene.call("GET", list);
    CHECK(reply.status == 502);
    CHECK(reply.body == "<html>");
    CHECK(reply.header("content-type") == "text/html");
    scene.fault("GET", list, {{"status", 500}, {"body", ""}});
    CHECK(scene.call("GET", list).body.empty());
    scene.fault("POST", "**/fs/read", {{"body", {{"error", {{"code", "not_found"}}}}}});
    reply = scene.read(id, "x");
    CHECK(reply.status == 200);
    CHECK(reply.header("content-type").find("json") != std::string::npos);
    scene.fault("POST", commands, {{"headers", {{"content-type", "application/json"}, {"x-more", "1"}}}});
    reply = scene.run(id, "exit 5");
    CHECK(reply.header("content-type") == "application/json");
    CHECK(reply.header("x-more") == "1");
    CHECK(exit_code(reply) == 5);
    scene.fault("GET", list, {{"headers", {{"content-type", nullptr}}}});
    CHECK_FALSE(scene.call("GET", list).headers.contains("content-type"));
}

TEST_CASE("a request can be done although its answer is a failure or never comes") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.fault("POST", commands, {{"status", 500}, {"perform", true}});
    CHECK(scene.run(id, "echo once >> file").status == 500);
    scene.fault("POST", commands, {{"close", true}, {"perform", true}});
    CHECK(scene.run(id, "echo twice >> file").status == 0);
    CHECK(exit_code(scene.run(id, "until [ \"$(wc -l < file)\" = 2 ]; do :; done")) == 0);
}

TEST_CASE("a connection can end, break, hang or carry nonsense before an answer") {
    const Scene scene;
    for (const Json& what : {Json{{"close", true}}, Json{{"reset", true}}}) {
        scene.fault("GET", list, what);
        const auto reply = scene.call("GET", list);
        CHECK(reply.status == 0);
        CHECK(reply.raw.empty());
    }
    scene.fault("GET", list, {{"garbage", 100}});
    CHECK(scene.call("GET", list).raw.size() == 100);
    scene.fault("GET", list, {{"raw", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"}});
    const auto torn = scene.call("GET", list);
    CHECK(torn.status == 200);
    CHECK_FALSE(torn.complete);
    scene.fault("GET", list, {{"raw", {{"base64", "AAEC"}}}});
    CHECK(scene.call("GET", list).raw == std::string("\0\1\2", 3));

    const int number = scene.fault("GET", list, {{"hang", true}});
    auto client = scene.begin("GET", list);
    scene.wait_for_fault(number, 1, 1);
    CHECK(scene.call("GET", list).status == 200);
    scene.release(number);
    CHECK(client.receive().status == 0);
}

TEST_CASE("a connection ends although a machine was started while it was open") {
    const Scene scene;
    RawClient client(scene.port());
    client.send("GET", scene.target(list), scene.headers(), "");
    CHECK(client.receive().status == 200);
    scene.sandbox("one");
    scene.fault("GET", list, {{"close", true}});
    client.send("GET", scene.target(list), scene.headers(), "");
    CHECK(client.receive().status == 0);
}

TEST_CASE("a body can be cut, held back, or come in single bytes") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "printf 0123456789 > file").status == 200);
    scene.fault("POST", "**/fs/read", {{"cut_after", 4}});
    const auto cut = scene.read(id, "file");
    CHECK(cut.body == "0123");
    CHECK_FALSE(cut.complete);

    const int number = scene.fault("POST", "**/fs/read", {{"stall_after", 4}});
    auto client = scene.begin("POST", Scene::session(id, "/fs/read"), {{"path", "file"}});
    CHECK(client.receive_head().status == 200);
    CHECK(client.receive_bytes(4) == "0123");
    scene.wait_for_fault(number, 1, 1);
    scene.release(number);
    CHECK(client.receive_bytes(6) == "456789");

    scene.fault("POST", commands, {{"trickle", true}});
    CHECK(output(scene.run(id, "cat file")) == "0123456789");
}

TEST_CASE("a stream can end early, break, carry an error, or lines that are no JSON") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto faulty = [&](const Json& lines) {
        scene.fault("POST", commands, {{"lines", lines}});
        return scene.run(id, "echo out");
    };
    auto reply = faulty({{"after", 1}, {"then", "end"}});
    CHECK(reply.complete);
    CHECK(reply.lines().size() == 1);
    reply = faulty({{"after", 0}, {"then", "end"}});
    CHECK(reply.complete);
    CHECK(reply.body.empty());
    reply = faulty({{"after", 2}, {"then", "close"}});
    CHECK_FALSE(reply.complete);
    CHECK(output(reply) == "out\n");
    reply = faulty({{"after", 2}, {"then", "error"}, {"code", "sandbox_stopped"}, {"message", "gone"}});
    CHECK(reply.lines().back() ==
          Json{{"stream", "error"}, {"data", {{"code", "sandbox_stopped"}, {"message", "gone"}}}});
    reply = faulty({{"after", 1}, {"then", "text"}, {"text", "\n{\"kind\":\"unknown\"}\n"}});
    CHECK(reply.lines()[1] == Json{{"kind", "unknown"}});
    CHECK(exit_code(reply) == 0);

    // Also of a command that says nothing.
    scene.fault("POST", commands, {{"lines", {{"after", 1}, {"then", "error"}}}});
    CHECK(scene.run(id, "exec sleep 1000").lines().back()["data"]["code"] == "sandbox_stream_closed");

    const int number = scene.fault("POST", commands, {{"lines", {{"after", 1}, {"then", "stall"}}}});
    auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("echo out"));
    scene.wait_for_fault(number, 1, 1);
    scene.release(number);
    CHECK(exit_code(client.receive()) == 0);
}

TEST_CASE("a session can stop in the middle of a stream, or before a request is looked at") {
    const Scene scene;
    auto id = scene.sandbox("one");
    scene.fault("POST", commands, {{"lines", {{"after", 1}, {"then", "stop"}}}});
    const auto reply = scene.run(id, "exec sleep 1000");
    CHECK(reply.lines().back()["data"]["code"] == "sandbox_stream_closed");
    id = scene.resume("one")["session"]["id"];
    scene.fault("POST", commands, {{"stop_session", true}});
    CHECK(scene.run(id, "true").code() == "sandbox_stopped");
}

TEST_CASE("characters cut by the pieces of a stream become U+FFFD") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(output(scene.run(id, "printf '\\303\\244'")) == "ä");
    scene.fault("POST", commands, {{"chunk_bytes", 1}});
    CHECK(output(scene.run(id, "printf '\\303\\244'")) == "\uFFFD\uFFFD");
    CHECK(output(scene.run(id, "printf 'a\\377b'")) == "a\uFFFDb");
}

TEST_CASE("more requests than a minute allows are refused until the minute is over") {
    const Scene scene;
    scene.behave({{"requests_per_minute", 2}});
    CHECK(scene.call("GET", list).status == 200);
    CHECK(scene.call("GET", list).status == 200);
    const auto reply = scene.call("GET", list);
    CHECK(reply.status == 429);
    CHECK(reply.json()["error"]["limit"]["remaining"] == 0);
    CHECK(std::stoi(reply.header("retry-after")) > 0);
    scene.advance(60001);
    CHECK(scene.call("GET", list).status == 200);
}

TEST_CASE("requests are recorded as they came, without the token") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.forget_requests();
    CHECK(scene.call("GET", list + "?tags=a%3Ab").status == 200);
    CHECK(scene.call("POST", Scene::session(id, "/fs/mkdir"), {{"path", "x"}}).status == 200);
    const auto all = scene.requests();
    REQUIRE(all.size() == 2);
    CHECK(all[0]["query"] == Json{{"teamId", "team_standin"}, {"tags", "a:b"}});
    CHECK(all[0]["status"] == 200);
    CHECK(all[1]["json"] == Json{{"path", "x"}});
    CHECK(all[1]["body_length"] == 12);
    CHECK(all.dump().find("standin-token") == std::string::npos);
    CHECK(scene.requests("POST", "/v2/sandboxes/sessions/*/fs/*").size() == 1);
}

TEST_CASE("a fault or behaviour that there is not is refused, with the reason") {
    const Scene scene;
    CHECK_THROWS_WITH_AS(scene.fault("GET", "", {{"explode", true}}), doctest::Contains("explode"), std::runtime_error);
    CHECK_THROWS_AS(scene.fault({{"what", 7}}), std::runtime_error);
    CHECK_THROWS_WITH_AS(scene.behave({{"colour", 1}}), doctest::Contains("colour"), std::runtime_error);
    CHECK_THROWS_AS(scene.behave({{"holds", {"nowhere"}}}), std::runtime_error);
    CHECK_THROWS_AS(scene.control("GET", "nonesuch"), std::runtime_error);
}

TEST_CASE("one connection carries many requests, also in one piece, and an upload may ask first") {
    const Scene scene;
    RawClient client(scene.port());
    const std::string request =
        "GET " + scene.target(list) + " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer standin-token\r\n\r\n";
    client.send_raw(request + request);
    CHECK(client.receive().status == 200);
    CHECK(client.receive().status == 200);
    const auto headers = "\r\nhost: x\r\nauthorization: Bearer standin-token\r\ncontent-type: application/json\r\n";
    client.send_raw("POST " + scene.target("/v3/sandboxes") + " HTTP/1.1" + headers +
                    "expect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    CHECK(client.receive_head().status == 100);
    client.send_raw("{}");
    CHECK(client.receive().status == 200);
}

TEST_CASE("nothing is left of a stand-in that ends while everything runs") {
    std::filesystem::path place;
    pid_t pid = -1;
    {
        const auto name = "vercel-standin-test-" + std::to_string(::getpid());
        place = std::filesystem::temp_directory_path() / name;
        const Scene scene({"--directory", place.string()});
        pid = scene.pid();
        const auto id = scene.sandbox("one");
        CHECK(scene.stop(scene.sandbox("two")).status == 200);
        CHECK(scene.run(id, "mkdir shut && touch shut/in && chmod 0 shut").status == 200);
        auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("exec sleep 1000"));
        CHECK(client.receive_head().status == 200);
        const int number = scene.fault("GET", list, {{"hang", true}});
        auto hanging = scene.begin("GET", list);
        scene.wait_for_fault(number, 1, 1);
        CHECK_FALSE(std::filesystem::is_empty(place));
    }
    CHECK(::kill(pid, 0) != 0);
    CHECK(std::filesystem::is_empty(place));
    std::filesystem::remove(place);
}

// Faults on both servers: what a test asks for happens, whatever the vendor's clients make of it.
#include "scene.hpp"

using namespace standin_test;

TEST_CASE("a limit may say when to come back in Daytona's own header alone") {
    const Scene scene;
    scene.fault(
        "POST", "/sandbox",
        {{"status", 429}, {"message", "Rate limit exceeded"}, {"headers", {{"Retry-After-sandbox-create", "1"}}}});
    const auto refused = scene.call("POST", "/sandbox", {{"name", "one"}});
    CHECK(refused.status == 429);
    CHECK(refused.header("retry-after-sandbox-create") == "1");
    CHECK(refused.header("retry-after") == "");
    CHECK(refused.json()["statusCode"] == 429);
    CHECK(refused.json()["message"] == "Rate limit exceeded");
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 200);
}

TEST_CASE("errors have each of the shapes that clients meet") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto version = "/toolbox/" + id + "/version";
    scene.fault("GET", version, {{"status", 410}, {"code", "SESSION_ENDED"}, {"message", "over"}});
    const auto daemon = scene.toolbox(id, "GET", "/version").json();
    CHECK(daemon["code"] == "SESSION_ENDED");
    CHECK(daemon["source"] == "DAYTONA_DAEMON");
    scene.fault("GET", version, {{"status", 500}, {"body", {{"error", "plain"}}}});
    CHECK(scene.toolbox(id, "GET", "/version").json() == Json{{"error", "plain"}});
    scene.fault("GET", version, {{"status", 502}, {"body", ""}});
    CHECK(scene.toolbox(id, "GET", "/version").body == "");
    scene.fault("GET", "/sandbox/one",
                {{"status", 200}, {"body", "<html></html>"}, {"headers", {{"content-type", "text/html"}}}});
    CHECK(scene.call("GET", "/sandbox/one").header("content-type") == "text/html");
}

TEST_CASE("an answer may be lost after the work was done, cut, or come byte by byte") {
    const Scene scene;
    scene.fault("POST", "/sandbox", {{"perform", true}, {"reset", true}});
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 0);
    scene.await("one", "started");
    const std::string id = scene.get("one")["id"];
    scene.fault("GET", "/toolbox/**", {{"cut_after", 5}});
    CHECK_FALSE(scene.toolbox(id, "GET", "/version").complete);
    scene.fault("GET", "/toolbox/**", {{"trickle", true}});
    CHECK(scene.toolbox(id, "GET", "/version").json()["version"] == "0.218.0");
}

TEST_CASE("a sandbox may stop under a request, as if its daemon had died") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.fault("POST", "/toolbox/*/process/execute", {{"stop_session", true}});
    CHECK(scene.execute(id, "true").status == 400);
    CHECK(scene.get("one")["state"] == "stopped");
    CHECK(scene.state()["bills"]["running_sandboxes"] == 0);
}

TEST_CASE("a sandbox that stops while a command runs leaves an empty 502") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    RawClient client(scene.toolbox_port());
    client.send("POST", Scene::toolbox_target(id, "/process/execute"), scene.headers(),
                Json{{"command", "echo x > started; sleep 1004"}}.dump());
    while (scene.execute(id, "cat started").json()["exitCode"] != 0) {
    }
    CHECK(scene.call("POST", "/sandbox/one/stop").status == 200);
    const auto lost = client.receive();
    CHECK(lost.status == 502);
    CHECK(lost.body == "");
}

TEST_CASE("wrong wishes are refused by the control interface") {
    const Scene scene;
    CHECK_THROWS(scene.behave({{"colour", "red"}}));
    CHECK_THROWS(scene.behave({{"log_end", "sometimes"}}));
    CHECK_THROWS(scene.behave({{"log_slice", 0}}));
    CHECK_THROWS(scene.behave({{"step_ms", -1}}));
}

// Sessions: how they begin, end and begin again, time limits, and what waits where a test holds it.
#include "scene.hpp"

using namespace standin_test;

TEST_CASE("stopping a persistent sandbox makes an automatic snapshot, and resuming goes on from it in a new session") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "echo kept > file; (sleep 1000 &)").status == 200);
    const auto stopped = scene.stop(id).json();
    CHECK(stopped["session"]["status"] == "stopped");
    CHECK(stopped["session"]["activeCpuDurationMs"].is_number());
    CHECK(stopped["snapshot"]["creationMethod"] == "automatic");
    CHECK(stopped["sandbox"]["currentSnapshotId"] == stopped["snapshot"]["id"]);
    CHECK(stopped["sandbox"]["totalDurationMs"].is_number());
    CHECK(scene.get("one")["resumed"] == false);
    CHECK(scene.get("one")["session"]["id"] == id);

    const auto resumed = scene.resume("one");
    CHECK(resumed["resumed"] == true);
    CHECK(resumed["session"]["id"] != id);
    CHECK(resumed["session"]["sourceSnapshotId"] == stopped["snapshot"]["id"]);
    CHECK(scene.resume("one")["resumed"] == false);
    CHECK(output(scene.run(resumed["session"]["id"], "cat file; ps ax | grep -c '[s]leep 1000'")) == "kept\n0\n");
    const auto sessions = scene.call("GET", "/v2/sandboxes/sessions?project=prj_standin&name=one").json()["sessions"];
    REQUIRE(sessions.size() == 2);
    CHECK(sessions[0]["id"] == resumed["session"]["id"]);
}

TEST_CASE("what is not persistent is lost when it stops") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"persistent", false}});
    const auto stopped = scene.stop(id).json();
    CHECK_FALSE(stopped.contains("snapshot"));
    const auto reply = scene.call("GET", "/v2/sandboxes/one?resume=true");
    CHECK(reply.status == 410);
    CHECK(reply.code() == "snapshot_not_found");
    CHECK(scene.state()["bills"] == Json{{"running_sessions", 0}, {"stored_bytes", 0}});
}

TEST_CASE("a stopped session refuses everything with 410") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.stop(id).status == 200);
    const std::vector<std::pair<std::string, Json>> calls{{"/stop", nullptr},
                                                          {"/cmd", Scene::shell("true")},
                                                          {"/fs/read", {{"path", "x"}}},
                                                          {"/fs/mkdir", {{"path", "x"}}},
                                                          {"/snapshot", nullptr},
                                                          {"/network-policy", {{"mode", "deny-all"}}},
                                                          {"/extend-timeout", {{"duration", 1000}}}};
    for (const auto& one : calls) {  // clang 14 captures no structured binding, and doctest's messages are lambdas
        const auto reply = scene.call("POST", Scene::session(id, one.first), one.second);
        CHECK_MESSAGE(reply.status == 410, one.first);
        CHECK(reply.code() == "sandbox_stopped");
    }
    CHECK(scene.call("GET", Scene::session(id)).json()["session"]["status"] == "stopped");
}

TEST_CASE("a session ends at its timeout, as if stopped") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"timeout", 60000}});
    auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("exec sleep 1000"));
    CHECK(client.receive_head().status == 200);
    CHECK(client.receive_piece().find("\"command\"") != std::string::npos);
    scene.advance(59000);
    CHECK(scene.get("one")["session"]["status"] == "running");
    scene.advance(1001);
    CHECK(client.receive_piece().find("sandbox_stream_closed") != std::string::npos);
    CHECK(client.receive_piece().empty());
    CHECK(scene.call("DELETE", "/v2/sandboxes/one").status == 200);  // it waits for the end
    CHECK(scene.state()["snapshots"][0]["creationMethod"] == "automatic");
}

TEST_CASE("extending adds to the timeout up to the maximum") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"timeout", 60000}});
    const auto extend = [&](const Json& body) {
        return scene.call("POST", Scene::session(id, "/extend-timeout"), body);
    };
    CHECK(extend({{"duration", 60000}}).json()["session"]["timeout"] == 120000);
    scene.advance(61000);
    CHECK(scene.get("one")["session"]["status"] == "running");
    CHECK(scene.get("one")["sandbox"]["timeout"] == 60000);
    CHECK(extend({{"duration", 999}}).status == 400);
    CHECK(extend(Json::object()).status == 400);
    scene.behave({{"maximum_timeout", 200000}});
    CHECK(extend({{"duration", 100000}}).code() == "sandbox_timeout_invalid");
    CHECK(scene.call("POST", "/v3/sandboxes", {{"timeout", 200001}}).code() == "bad_request");
}

TEST_CASE("while a session stops it is 422, and resuming is a conflict") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.behave({{"holds", {"stopping"}}, {"stop_answers", "stopping"}});
    const auto stopping = scene.stop(id).json();
    CHECK(stopping["session"]["status"] == "stopping");
    CHECK(stopping["sandbox"]["status"] == "stopping");
    CHECK_FALSE(stopping.contains("snapshot"));
    CHECK(scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("true")).code() == "sandbox_stopping");
    CHECK(scene.call("POST", Scene::session(id, "/fs/read"), {{"path", "x"}}).status == 422);
    CHECK(scene.call("GET", "/v2/sandboxes/one?resume=true").status == 409);
    scene.behave({{"holds", Json::array()}});
    CHECK(scene.call("DELETE", "/v2/sandboxes/one").status == 200);
}

TEST_CASE("the snapshot of a stop can become current later than the stop is done") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.behave({{"holds", {"snapshot_current"}}});
    const auto stopped = scene.stop(id).json();
    CHECK(stopped["session"]["status"] == "stopped");
    CHECK_FALSE(stopped["sandbox"].contains("currentSnapshotId"));
    CHECK(scene.call("GET", "/v2/sandboxes/one?resume=true").code() == "snapshot_not_found");
    scene.behave({{"holds", Json::array()}});
    while (!scene.get("one")["sandbox"].contains("currentSnapshotId")) {
    }
    CHECK(scene.resume("one")["resumed"] == true);
}

TEST_CASE("a session can stay pending, and commands wait for it") {
    const Scene scene;
    scene.behave({{"holds", {"pending"}}});
    const auto id = scene.sandbox("one");
    CHECK(scene.call("GET", Scene::session(id)).json()["session"]["status"] == "pending");
    auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("echo here"));
    scene.wait_for_requests("POST", "/v2/sandboxes/sessions/*/cmd", 1);
    scene.behave({{"holds", Json::array()}});
    CHECK(output(client.receive()) == "here\n");
}

TEST_CASE("a session can fail to begin") {
    const Scene scene;
    scene.behave({{"failing_boots", 1}});
    const auto id = scene.sandbox("one");
    CHECK(scene.get("one")["session"]["status"] == "failed");
    CHECK(scene.get("one")["sandbox"]["status"] == "stopped");
    CHECK(scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("true")).status == 410);
    CHECK(scene.sandbox("two") != "");
    CHECK(scene.get("two")["session"]["status"] == "running");
}

TEST_CASE("a network policy is answered without the values of headers") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const Json rule{{"match", {{"method", {"GET"}}}}, {"transform", {{{"headers", {{"x-key", "secret"}}}}}}};
    const Json policy{{"allow", {{"example.com", {rule}}, {"*", Json::array()}}},
                      {"subnets", {{"deny", {"10.0.0.0/8"}}}}};
    const auto reply = scene.call("POST", Scene::session(id, "/network-policy"), policy);
    const auto answered = reply.json()["session"]["networkPolicy"];
    CHECK(answered["mode"] == "custom");
    CHECK(answered["allowedDomains"].size() == 2);
    CHECK(answered["deniedCIDRs"] == Json{"10.0.0.0/8"});
    CHECK(answered["injectionRules"][0]["headerNames"] == Json{"x-key"});
    CHECK(reply.body.find("secret") == std::string::npos);
    CHECK(scene.get("one")["sandbox"]["networkPolicy"] == answered);
    CHECK(scene.call("POST", Scene::session(id, "/network-policy"), {{"mode", "odd"}}).status == 400);
    CHECK(scene.call("POST", Scene::session(id, "/interactive"), Json::object()).json()["url"].is_string());
}

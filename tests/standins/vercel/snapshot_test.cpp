// Snapshots: made from a session, which they end; begun from, rolled back to, expired, evicted, deleted.
#include "scene.hpp"

using namespace standin_test;

namespace {

std::string snapshot(const Scene& scene, const std::string& session, const Json& body = nullptr) {
    const auto reply = scene.call("POST", Scene::session(session, "/snapshot"), body);
    REQUIRE_MESSAGE(reply.status == 201, reply.body);
    CHECK(reply.json()["session"]["status"] == "stopped");
    CHECK(reply.json()["session"]["snapshottedAt"].is_number());
    CHECK(reply.json()["snapshot"]["creationMethod"] == "manual");
    return reply.json()["snapshot"]["id"];
}

std::string status(const Scene& scene, const std::string& id) {
    return scene.call("GET", "/v2/sandboxes/snapshots/" + id).json()["snapshot"]["status"];
}

constexpr std::int64_t day = 24 * 3600 * 1000;

}  // namespace

TEST_CASE("a snapshot ends its session, is current, and begins any number of sandboxes") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "echo kept > file").status == 200);
    const auto kept = snapshot(scene, id);
    CHECK(scene.get("one")["sandbox"]["currentSnapshotId"] == kept);
    CHECK(scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("true")).status == 410);
    for (const auto* name : {"two", "three"}) {
        const auto other = scene.sandbox(name, {{"source", {{"type", "snapshot"}, {"snapshotId", kept}}}});
        CHECK(output(scene.run(other, "cat file; echo more >> file")) == "kept\n");
    }
    const auto own = scene.call("GET", "/v2/sandboxes/snapshots?project=prj_standin&name=one").json()["snapshots"];
    REQUIRE(own.size() == 1);
    CHECK(own[0]["sourceSessionId"] == id);
    CHECK(own[0]["sizeBytes"] > 0);
    CHECK(own[0]["lastUsedAt"].is_number());
}

TEST_CASE("a sandbox is rolled back by its current snapshot") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "echo old > file").status == 200);
    const auto old = snapshot(scene, id);
    const std::string second = scene.resume("one")["session"]["id"];
    CHECK(scene.run(second, "echo new > file").status == 200);
    CHECK(snapshot(scene, second) != old);
    const auto changed = scene.call("PATCH", "/v2/sandboxes/one", {{"currentSnapshotId", old}});
    CHECK(changed.json()["sandbox"]["currentSnapshotId"] == old);
    const auto resumed = scene.resume("one");
    CHECK(resumed["session"]["sourceSnapshotId"] == old);
    CHECK(output(scene.run(resumed["session"]["id"], "cat file")) == "old\n");
}

TEST_CASE("a snapshot has the system it was made of") {
    const Scene scene;
    const Json body{{"projectId", "prj_standin"}, {"name", "one"}, {"runtime", "node24"}};
    const std::string id = scene.call("POST", "/v2/sandboxes", body).json()["session"]["id"];
    const auto kept = snapshot(scene, id);
    const auto other = scene.sandbox("two", {{"source", {{"type", "snapshot"}, {"snapshotId", kept}}}});
    CHECK(output(scene.run(other, "id -un; pwd")) == "vercel-sandbox\n/vercel/sandbox\n");
    const Json elsewhere{{"region", "sfo1"}, {"source", {{"type", "snapshot"}, {"snapshotId", kept}}}};
    CHECK(scene.call("POST", "/v3/sandboxes", elsewhere).code() == "snapshot_region_mismatch");
}

TEST_CASE("snapshots expire after their last use on the stand-in's clock") {
    const Scene scene;
    const auto usual = snapshot(scene, scene.sandbox("usual"));
    const auto brief = snapshot(scene, scene.sandbox("brief"), {{"expiration", day}});
    const auto never = snapshot(scene, scene.sandbox("never"), {{"expiration", 0}});
    const auto used = snapshot(scene, scene.sandbox("used"), {{"expiration", 20 * day}});
    CHECK_FALSE(scene.call("GET", "/v2/sandboxes/snapshots/" + never).json()["snapshot"].contains("expiresAt"));
    scene.advance(day + 1);
    while (status(scene, brief) != "deleted") {
    }
    CHECK(status(scene, usual) == "created");
    CHECK(scene.call("GET", "/v2/sandboxes/brief?resume=true").code() == "snapshot_not_found");
    CHECK(scene.get("brief")["sandbox"]["currentSnapshotId"] == brief);  // a stale record looks healthy
    scene.advance(15 * day);
    CHECK(scene.resume("used")["resumed"] == true);
    scene.advance(15 * day);
    while (status(scene, usual) != "deleted") {
    }
    CHECK(status(scene, used) == "created");
    CHECK(status(scene, never) == "created");
}

TEST_CASE("a sandbox keeps only so many snapshots as it is told to") {
    const Scene scene;
    auto id = scene.sandbox("one", {{"keepLastSnapshots", {{"count", 1}}}});
    const auto first = snapshot(scene, id);
    id = scene.resume("one")["session"]["id"];
    const auto second = snapshot(scene, id);
    CHECK(status(scene, first) == "deleted");
    CHECK(status(scene, second) == "created");
}

TEST_CASE("a deleted snapshot says so, and nothing can be resumed from it") {
    const Scene scene;
    const auto kept = snapshot(scene, scene.sandbox("one"));
    const auto path = "/v2/sandboxes/snapshots/" + kept;
    CHECK(scene.call("DELETE", path).json()["snapshot"]["status"] == "deleted");
    CHECK(scene.call("DELETE", path).status == 404);
    CHECK(scene.call("GET", "/v2/sandboxes/one?resume=true").code() == "snapshot_not_found");
    CHECK(scene.call("PATCH", "/v2/sandboxes/one", {{"currentSnapshotId", kept}}).status == 410);
    CHECK(scene.call("GET", "/v2/sandboxes/snapshots").json()["snapshots"].empty());
    CHECK(scene.state()["bills"]["stored_bytes"] == 0);
}

TEST_CASE("while a snapshot is made its session is 422") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.behave({{"holds", {"snapshotting"}}});
    auto client = scene.begin("POST", Scene::session(id, "/snapshot"));
    scene.wait_for_requests("POST", "/v2/sandboxes/sessions/*/snapshot", 1);
    while (scene.call("GET", Scene::session(id)).json()["session"]["status"] != "snapshotting") {
    }
    CHECK(scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("true")).code() == "sandbox_snapshotting");
    CHECK(scene.call("POST", Scene::session(id, "/snapshot")).status == 422);
    CHECK(scene.get("one")["sandbox"]["status"] == "stopping");
    scene.behave({{"holds", Json::array()}});
    CHECK(client.receive().status == 201);
}

TEST_CASE("the tree of a snapshot leads to its parents") {
    const Scene scene;
    const auto first = snapshot(scene, scene.sandbox("one"));
    const auto second = snapshot(scene, scene.resume("one")["session"]["id"]);
    const auto tree = scene.call("GET", "/v2/sandboxes/snapshots/tree?snapshotId=" + second).json()["snapshots"];
    REQUIRE(tree.size() == 2);
    CHECK(tree[0]["snapshot"]["parentId"] == first);
    CHECK(tree[1]["snapshot"]["id"] == first);
}

// Snapshots: taken from sandboxes, made from images, used, removed.
#include "scene.hpp"

using namespace standin_test;

namespace {

Json snapshot(const Scene& scene, const std::string& name) {
    auto now = scene.call("GET", "/snapshots/" + name);
    while (now.status == 200 && now.json()["state"] != "active") {
        now = scene.call("GET", "/snapshots/" + name);
    }
    return now.status == 200 ? now.json() : Json();
}

}  // namespace

TEST_CASE("a snapshot of a sandbox holds its files, and new sandboxes begin with them") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.output(id, "echo kept > file") == "");
    CHECK(scene.call("GET", "/snapshots/n1").status == 404);
    const auto taken = scene.call("POST", "/sandbox/one/snapshot", {{"name", "n1"}});
    CHECK(taken.status == 200);
    CHECK(taken.json()["state"] == "snapshotting");
    scene.await("one", "started");
    const auto made = snapshot(scene, "n1");
    CHECK(made["sourceSandboxId"] == id);
    CHECK(made["mem"] == 1);
    const auto copy = scene.sandbox("two", {{"snapshot", "n1"}});
    CHECK(scene.output(copy, "cat file") == "kept\n");
    CHECK(scene.call("DELETE", "/snapshots/n1").status == 404);  // a name is not taken here
    CHECK(scene.call("DELETE", "/snapshots/" + made["id"].get<std::string>()).status == 200);
    while (scene.call("GET", "/snapshots/n1").status != 404) {
    }
    CHECK(scene.output(copy, "cat file") == "kept\n");
}

TEST_CASE("a snapshot that fails, or whose name is taken, shows only by being absent or old") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.behave({{"silent_snapshot_failures", 1}});
    CHECK(scene.call("POST", "/sandbox/one/snapshot", {{"name", "n1"}}).json()["state"] == "snapshotting");
    scene.await("one", "started");
    CHECK(scene.call("GET", "/snapshots/n1").status == 404);
    CHECK_FALSE(scene.get("one").contains("errorReason"));
    CHECK(scene.call("POST", "/sandbox/one/snapshot", {{"name", "n1"}}).status == 200);
    scene.await("one", "started");
    const auto first = snapshot(scene, "n1");
    CHECK(scene.call("POST", "/sandbox/one/snapshot", {{"name", "n1"}}).status == 200);
    scene.await("one", "started");
    CHECK(snapshot(scene, "n1")["id"] == first["id"]);
    CHECK(scene.call("POST", "/sandbox/one/snapshot", Json::object()).status == 400);
}

TEST_CASE("snapshots are made of images, listed in pages, put aside and taken up again") {
    const Scene scene;
    CHECK(scene.call("POST", "/snapshots", {{"name", "own"}, {"imageName", "debian:latest"}}).status == 400);
    const auto made = scene.call("POST", "/snapshots", {{"name", "own"}, {"imageName", "debian:12"}, {"memory", 2}});
    CHECK(made.json()["state"] == "pulling");
    CHECK(scene.call("POST", "/snapshots", {{"name", "own"}, {"imageName", "debian:12"}}).status == 409);
    const std::string id = snapshot(scene, "own")["id"];
    const auto page = scene.call("GET", "/snapshots?page=2&limit=2").json();
    CHECK(page["total"] == 4);
    CHECK(page["totalPages"] == 2);
    CHECK(page["items"].size() == 2);
    CHECK(scene.call("POST", "/snapshots/" + id + "/deactivate").status == 204);
    CHECK(scene.call("POST", "/sandbox", {{"snapshot", "own"}}).json()["message"] == "Snapshot own is inactive");
    CHECK(scene.call("POST", "/snapshots/" + id + "/activate").status == 200);
    CHECK(scene.call("POST", "/sandbox", {{"snapshot", id}}).json()["memory"] == 2);
    const auto general = scene.call("GET", "/snapshots/daytona-small").json()["id"].get<std::string>();
    CHECK(scene.call("DELETE", "/snapshots/" + general).status == 403);
}

// Sandboxes: what is refused, how states follow each other, what is listed.
#include <set>

#include "scene.hpp"

using namespace standin_test;

TEST_CASE("a sandbox from a snapshot is being created, and started only after a while") {
    const Scene scene;
    scene.behave({{"holds", {"creating"}}});
    const auto made = scene.call("POST", "/sandbox", {{"name", "one"}, {"labels", {{"team", "blue"}}}});
    CHECK(made.status == 200);
    CHECK(made.json()["state"] == "creating");
    CHECK(made.json()["snapshot"] == "daytona-small");
    CHECK(made.json()["memory"] == 1);
    CHECK(made.json()["autoStopInterval"] == 15);
    const std::string id = made.json()["id"];
    CHECK(scene.get("one")["state"] == "creating");
    CHECK(scene.toolbox(id, "GET", "/version").status == 400);
    scene.behave({{"holds", Json::array()}});
    scene.await("one", "started");
    CHECK(scene.get(id)["name"] == "one");
    CHECK(scene.get("one")["labels"]["team"] == "blue");
}

TEST_CASE("states last as long as a test wants, in the stand-in's time") {
    const Scene scene;
    scene.behave({{"step_ms", 3'600'000}});
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 200);
    CHECK(scene.get("one")["state"] == "creating");
    scene.advance(3'600'000);
    scene.await("one", "starting");
    scene.advance(3'600'000);
    scene.await("one", "started");
}

TEST_CASE("a sandbox from an image is built first, takes whole GiB, and may fail") {
    const Scene scene;
    const Json build{{"dockerfileContent", "FROM debian:12\n"}, {"contextHashes", Json::array()}};
    const auto made =
        scene.call("POST", "/sandbox", {{"name", "one"}, {"buildInfo", build}, {"cpu", 2}, {"memory", 4}, {"disk", 5}});
    CHECK(made.json()["state"] == "pending_build");
    CHECK_FALSE(made.json().contains("snapshot"));
    CHECK(made.json()["memory"] == 4);
    scene.await("one", "started");
    CHECK(scene.get("one")["buildInfo"]["dockerfileContent"] == "FROM debian:12\n");
    CHECK(scene.call("POST", "/sandbox", {{"buildInfo", build}, {"memory", 1.5}}).status == 400);
    scene.behave({{"failing_builds", 1}, {"error_reason", "no such image"}});
    CHECK(scene.call("POST", "/sandbox", {{"name", "two"}, {"buildInfo", build}}).status == 200);
    auto two = scene.get("two");
    while (two["state"] != "build_failed") {
        two = scene.get("two");
    }
    CHECK(two["errorReason"] == "no such image");
    // A snapshot's name is no image.
    const Json wrong{{"dockerfileContent", "FROM daytona-small\n"}};
    CHECK(scene.call("POST", "/sandbox", {{"name", "three"}, {"buildInfo", wrong}}).status == 200);
    while (scene.get("three")["state"] != "build_failed") {
    }
}

TEST_CASE("what a create gets wrong is refused with its own status") {
    const Scene scene;
    const auto resources = scene.call("POST", "/sandbox", {{"cpu", 2}});
    CHECK(resources.status == 400);
    CHECK(resources.json()["message"] == "Cannot specify Sandbox resources when using a snapshot");
    CHECK(resources.json()["path"] == "/api/sandbox");
    CHECK(resources.json()["error"] == "Bad Request");
    CHECK(scene.call("POST", "/sandbox", {{"snapshot", "none"}}).status == 400);
    CHECK(scene.call("POST", "/sandbox", {{"name", "a\nb"}}).status == 400);
    CHECK(scene.call("POST", "/sandbox", {{"name", "a"}, {"autoStopInterval", -1}}).status == 400);
    CHECK(scene.call("POST", "/sandbox", {{"name", "a"}, {"env", {{"A", 1}}}}).status == 400);
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 200);
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 409);
    CHECK(scene.state()["sandboxes"].size() == 1);
}

TEST_CASE("a change during another one is refused, as 409 or as 400, with the same words") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.behave({{"holds", {"stopping"}}});
    CHECK(scene.call("POST", "/sandbox/one/stop").json()["state"] == "stopping");
    for (const auto& [method, rest] :
         {std::pair("POST", "/start"), std::pair("POST", "/stop"), std::pair("DELETE", "")}) {
        const auto refused = scene.call(method, "/sandbox/one" + std::string(rest));
        CHECK(refused.status == 409);
        CHECK(refused.json()["message"] == "Sandbox state change in progress");
    }
    scene.behave({{"conflict_status", 400}});
    const auto refused = scene.call("DELETE", "/sandbox/one");
    CHECK(refused.status == 400);
    CHECK(refused.json()["message"] == "Sandbox state change in progress");
}

TEST_CASE("stop, start, archive and delete go through their states") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.call("POST", "/sandbox/one/start").json()["state"] == "started");
    CHECK(scene.call("POST", "/sandbox/one/archive").status == 400);
    CHECK(scene.call("POST", "/sandbox/one/stop?force=false").json()["state"] == "stopping");
    scene.await("one", "stopped");
    CHECK(scene.call("POST", "/sandbox/one/stop").status == 400);
    CHECK(scene.state()["bills"]["running_sandboxes"] == 0);
    CHECK(scene.call("POST", "/sandbox/one/archive").json()["state"] == "archiving");
    scene.await("one", "archived");
    CHECK(scene.call("POST", "/sandbox/one/start").json()["state"] == "restoring");
    scene.await("one", "started");
    CHECK(scene.call("DELETE", "/sandbox/one").json()["state"] == "destroying");
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).status == 200);  // the name is free at once
    scene.await_gone(id);
    CHECK(scene.call("DELETE", "/sandbox/" + id).status == 404);
    CHECK(scene.call("POST", "/sandbox/one/pause").status == 422);
    CHECK(scene.call("POST", "/sandbox/one/fork").status == 422);
}

TEST_CASE("an answer may wait until the sandbox is started, and still tells the state from before") {
    const Scene scene;
    scene.behave({{"answers", "late"}});
    CHECK(scene.call("POST", "/sandbox", {{"name", "one"}}).json()["state"] == "creating");
    CHECK(scene.get("one")["state"] == "started");
    scene.behave({{"failing_starts", 1}, {"error_reason", "no runner"}});
    const auto failed = scene.call("POST", "/sandbox", {{"name", "two"}});
    CHECK(failed.status == 400);
    CHECK(failed.json()["message"] == "Sandbox failed to start: no runner");
}

TEST_CASE("the stop of an ephemeral sandbox destroys it") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"autoDeleteInterval", 0}});
    CHECK(scene.call("POST", "/sandbox/one/stop").json()["state"] == "destroying");
    scene.await_gone("one");
    CHECK(scene.state()["sandboxes"].empty());
}

TEST_CASE("a failed start is told with its reason, and can be recovered from where that is said") {
    const Scene scene;
    for (const bool recoverable : {false, true}) {
        const std::string name = recoverable ? "two" : "one";
        scene.behave({{"failing_starts", 1}, {"error_reason", "out of disk"}, {"recoverable", recoverable}});
        CHECK(scene.call("POST", "/sandbox", {{"name", name}}).status == 200);
        auto now = scene.get(name);
        while (now["state"] != "error") {
            now = scene.get(name);
        }
        CHECK(now["errorReason"] == "out of disk");
        CHECK(now["recoverable"] == recoverable);
        CHECK(scene.call("POST", "/sandbox/" + name + "/start").json()["message"] == "Sandbox is in an errored state");
        CHECK(scene.call("POST", "/sandbox/" + name + "/recover").status == (recoverable ? 200 : 400));
    }
    scene.await("two", "started");
    CHECK(scene.call("DELETE", "/sandbox/one").status == 200);
}

TEST_CASE("idle sandboxes stop, unless somebody uses their toolbox; stopped ones are archived or deleted in time") {
    constexpr std::int64_t minute = 60000;
    const Scene scene;
    const auto id = scene.sandbox("one", {{"autoStopInterval", 10}});
    CHECK(scene.call("POST", "/sandbox/one/autodelete/5").json()["autoDeleteInterval"] == 5);
    scene.advance(6 * minute);
    CHECK(scene.execute(id, "true").status == 200);
    scene.advance(6 * minute);
    CHECK(scene.get("one")["state"] == "started");
    CHECK(scene.call("POST", "/sandbox/one/last-activity", Json::object()).status == 201);
    scene.advance(11 * minute);
    scene.await("one", "stopped");
    scene.advance(6 * minute);
    scene.await_gone("one");
    CHECK(scene.sandbox("two", {{"autoStopInterval", 0}, {"autoArchiveInterval", 30}}) != "");
    scene.advance(10000 * minute);
    CHECK(scene.get("two")["state"] == "started");
    CHECK(scene.call("POST", "/sandbox/two/stop").status == 200);
    scene.await("two", "stopped");
    scene.advance(31 * minute);
    scene.await("two", "archived");
    CHECK(scene.call("POST", "/sandbox/two/autostop/x").status == 400);
}

TEST_CASE("a request that says so is no activity") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"autoStopInterval", 10}});
    scene.advance(9 * 60000);
    auto headers = scene.headers();
    headers.emplace_back("x-daytona-skip-last-activity-update", "true");
    RawClient client(scene.toolbox_port());
    client.send("GET", Scene::toolbox_target(id, "/version"), headers, "");
    CHECK(client.receive().status == 200);
    scene.advance(2 * 60000);
    scene.await("one", "stopped");
}

TEST_CASE("lists come in pages with a cursor, one item perhaps twice") {
    const Scene scene;
    for (const auto* name : {"a", "b", "c"}) {
        static_cast<void>(scene.sandbox(name, {{"labels", {{"name", name}, {"all", "yes"}}}}));
    }
    scene.behave({{"page_items", 1}, {"list_repeats", true}});
    std::multiset<std::string> names;
    std::string cursor;
    int pages = 0;
    do {
        const auto page = scene.call("GET", "/sandbox?labels=%7B%22all%22%3A%22yes%22%7D" + cursor).json();
        for (const auto& item : page["items"]) {
            names.insert(item["name"].get<std::string>());
            CHECK_FALSE(item.contains("env"));
        }
        cursor = page["nextCursor"].is_null() ? "" : "&cursor=" + page["nextCursor"].get<std::string>();
        ++pages;
    } while (!cursor.empty());
    CHECK(pages == 3);
    CHECK(names.size() == 5);
    CHECK(std::set<std::string>(names.begin(), names.end()) == std::set<std::string>{"a", "b", "c"});
}

TEST_CASE("lists are filtered by labels, states and the beginning of names, and sorted") {
    const Scene scene;
    for (const auto* name : {"alpha", "beta", "alpine"}) {
        static_cast<void>(scene.sandbox(name, {{"labels", {{"name", name}}}}));
    }
    const auto names = [&](const std::string& query) {
        std::string all;
        const auto page = scene.call("GET", "/sandbox?sort=name&order=asc&" + query).json();
        for (const auto& item : page["items"]) {
            all += item["name"].get<std::string>() + " ";
        }
        return all;
    };
    CHECK(names("") == "alpha alpine beta ");
    CHECK(names("name=ALP") == "alpha alpine ");
    CHECK(names("labels=%7B%22name%22%3A%22beta%22%7D") == "beta ");
    CHECK(scene.call("POST", "/sandbox/beta/stop").status == 200);
    scene.await("beta", "stopped");
    CHECK(names("states=stopped&states=error") == "beta ");
    CHECK(names("states=stopped&states=started") == "alpha alpine beta ");
    CHECK(scene.call("GET", "/sandbox?states=destroyed").status == 400);
    CHECK(scene.call("GET", "/sandbox?limit=0").status == 400);
}

TEST_CASE("labels are replaced as a whole, and the toolbox's address may be missing") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"labels", {{"a", "1"}}}});
    CHECK(scene.call("PUT", "/sandbox/one/labels", {{"labels", {{"b", "2"}}}}).json()["labels"] == Json{{"b", "2"}});
    CHECK(scene.get("one")["labels"] == Json{{"b", "2"}});
    scene.behave({{"empty_proxy_urls", 1}});
    CHECK(scene.get("one")["toolboxProxyUrl"] == "");
    CHECK(scene.get("one")["toolboxProxyUrl"] == scene.about("toolbox_url"));
    CHECK(scene.call("GET", "/sandbox/" + id + "/toolbox-proxy-url").json()["url"] == scene.about("toolbox_url"));
}

// Sandboxes: create in both versions, get, list in pages, update, delete, fork, and who may call.
#include "scene.hpp"

using namespace standin_test;

namespace {

void check_refused(const Reply& reply, unsigned status, const std::string& code, const std::string& word = "") {
    INFO(reply.body);
    CHECK(reply.status == status);
    CHECK(reply.code() == code);
    REQUIRE(reply.json()["error"]["message"].is_string());
    CHECK(reply.json()["error"]["message"].get<std::string>().find(word) != std::string::npos);
}

}  // namespace

TEST_CASE("create answers the sandbox, its session and its routes") {
    const Scene scene;
    const Json body{{"projectId", scene.about("project_id")}, {"ports", {3000, 8080}}, {"tags", {{"a", "b"}}}};
    const auto reply = scene.call("POST", "/v3/sandboxes", body);
    CHECK(reply.status == 200);
    const auto whole = reply.json();
    CHECK(whole["sandbox"]["name"].get<std::string>().size() > 8);
    CHECK(whole["sandbox"]["persistent"] == true);
    CHECK(whole["sandbox"]["tags"] == Json{{"a", "b"}});
    CHECK(whole["sandbox"]["currentSessionId"] == whole["session"]["id"]);
    CHECK(whole["sandbox"]["expiresAt"] == whole["session"]["startedAt"].get<std::int64_t>() + 300000);
    CHECK(whole["session"]["status"] == "running");
    CHECK(whole["session"]["memory"] == 4096);
    CHECK(whole["session"]["vcpus"] == 2);
    CHECK(whole["session"]["cwd"] == "/vercel");
    CHECK(whole["routes"].size() == 2);
    CHECK(whole["routes"][0]["port"] == 3000);
    CHECK_FALSE(whole["sandbox"].contains("env"));
}

TEST_CASE("v2 is a runtime's system with another directory and user") {
    const Scene scene;
    const Json body{{"projectId", scene.about("project_id")}, {"ports", Json::array()}, {"runtime", "node22"}};
    const auto whole = scene.call("POST", "/v2/sandboxes", body).json();
    CHECK(whole["session"]["cwd"] == "/vercel/sandbox");
    CHECK(whole["session"]["runtime"] == "node22");
    CHECK(output(scene.run(whole["session"]["id"], "id -un; pwd")) == "vercel-sandbox\n/vercel/sandbox\n");
    check_refused(scene.call("POST", "/v3/sandboxes", body), 400, "bad_request", "runtime");
}

TEST_CASE("create refuses what breaks a rule, and names it") {
    const Scene scene;
    const auto create = [&](const Json& more) {
        Json body{{"projectId", scene.about("project_id")}, {"ports", Json::array()}};
        body.update(more);
        return scene.call("POST", "/v3/sandboxes", body);
    };
    const std::vector<std::pair<Json, std::string>> wrong{
        {{{"name", "a b"}}, "name"},
        {{{"name", std::string(129, 'x')}}, "name"},
        {{{"ports", {80}}}, "ports"},
        {{{"ports", std::vector<int>(16, 3000)}}, "ports"},
        {{{"timeout", 999}}, "timeout"},
        {{{"timeout", 86400001}}, "timeout"},
        {{{"resources", {{"vcpus", 3}}}}, "vcpus"},
        {{{"resources", {{"vcpus", 2}, {"memory", 1}}}}, "memory"},
        {{{"env", {{"A", std::string(4096, 'x')}}}}, "env payload too large (4097 bytes; max 4096)"},
        {{{"env", "x"}}, "env"},
        {{{"tags", {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}, {"e", "1"}, {"f", "1"}}}}, "tags"},
        {{{"tags", {{"a", std::string(257, 'x')}}}}, "tags.a"},
        {{{"persistent", "yes"}}, "persistent"},
        {{{"keepLastSnapshots", {{"count", 11}}}}, "count"},
        {{{"failoverRegions", {"iad1"}}}, "failoverRegions"},
        {{{"source", {{"type", "zip"}}}}, "source"},
        {{{"source", {{"type", "snapshot"}, {"snapshotId", "snap_1"}}}, {"image", "x"}}, "image"},
        {{{"networkPolicy", {{"mode", "some"}}}}, "mode"},
        {{{"colour", "red"}}, "colour"}};
    for (const auto& [more, word] : wrong) {
        check_refused(create(more), 400, "bad_request", word);
    }
    check_refused(create({{"source", {{"type", "snapshot"}, {"snapshotId", "snap_1"}}}}), 410, "snapshot_not_found");
    check_refused(scene.call_raw("POST", scene.target("/v3/sandboxes"), scene.headers(), "{"), 400, "bad_request",
                  "JSON");
    CHECK(scene.state()["sandboxes"].empty());
}

TEST_CASE("a name is taken once") {
    const Scene scene;
    scene.sandbox("one");
    const Json body{{"projectId", scene.about("project_id")}, {"name", "one"}};
    check_refused(scene.call("POST", "/v3/sandboxes", body), 400, "bad_request", "already exists for this project");
}

TEST_CASE("only the right token, team and project open the door") {
    const Scene scene({"--token", "secret", "--team", "team_x", "--project", "prj_x"});
    scene.sandbox("one");
    const Headers good{{"authorization", "Bearer secret"}, {"content-type", "application/json"}};
    const auto get = [&](const Headers& headers, const std::string& query) {
        return scene.call_raw("GET", "/api/v2/sandboxes/one?" + query, headers, "");
    };
    CHECK(get(good, "teamId=team_x&projectId=prj_x").status == 200);
    CHECK(get(good, "teamId=team_x").status == 200);
    CHECK(get(good, "slug=team_x").status == 200);
    check_refused(get({}, "teamId=team_x"), 401, "forbidden");
    check_refused(get({{"authorization", "Bearer other"}}, "teamId=team_x"), 403, "forbidden");
    check_refused(get(good, "teamId=team_y"), 403, "forbidden", "teamId");
    check_refused(get(good, ""), 403, "forbidden", "teamId");
    check_refused(get(good, "teamId=team_x&projectId=prj_y"), 403, "forbidden", "projectId");
    const Json body{{"projectId", "prj_y"}};
    check_refused(scene.call("POST", "/v3/sandboxes", body), 403, "forbidden", "project");
    // The same paths without /api, as the vendor's other host has them.
    CHECK(scene.call_raw("GET", "/v2/sandboxes/one?teamId=team_x", good, "").status == 200);
}

TEST_CASE("a token that is a JWT is good until it expires") {
    // {"owner_id":"team_standin","project_id":"prj_standin","exp":4000000000}
    const std::string claims =
        "eyJvd25lcl9pZCI6InRlYW1fc3RhbmRpbiIsInByb2plY3RfaWQiOiJwcmpfc3RhbmRpbiIsImV4cCI6NDAwMDAwMDAwMH0";
    const Scene scene({"--token", "e30." + claims + ".x"});
    CHECK(scene.call("GET", "/v2/sandboxes").status == 200);
    scene.advance(std::int64_t{100} * 365 * 24 * 3600 * 1000);
    check_refused(scene.call("GET", "/v2/sandboxes"), 403, "forbidden", "expired");
}

TEST_CASE("a request without content-type is refused when it may have a body") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const Headers bare{{"authorization", "Bearer standin-token"}};
    CHECK(scene.call_raw("POST", scene.target(Scene::session(id, "/stop")), bare, "").status == 415);
    CHECK(scene.call_raw("PATCH", scene.target("/v2/sandboxes/one"), bare, "{}").status == 415);
    CHECK(scene.call_raw("GET", scene.target("/v2/sandboxes/one"), bare, "").status == 200);
}

TEST_CASE("what is not there is 404") {
    const Scene scene;
    for (const auto* path :
         {"/v2/sandboxes/none", "/v2/sandboxes/sessions/sbx_none", "/v2/sandboxes/snapshots/snap_none"}) {
        check_refused(scene.call("GET", path), 404, "not_found");
    }
    CHECK(scene.call("GET", "/v9/sandboxes").status == 404);
    CHECK(scene.call("GET", "/v3/sandboxes/one").status == 404);
    CHECK(scene.call("DELETE", "/v2/sandboxes/none").status == 404);
    CHECK(scene.call("PATCH", "/v2/sandboxes/none", {{"timeout", 1000}}).status == 404);
}

TEST_CASE("a list comes in pages, sorted and chosen as asked") {
    const Scene scene;
    for (int number = 0; number < 5; ++number) {
        scene.sandbox("box-" + std::to_string(number), {{"tags", {{"odd", number % 2 == 0 ? "no" : "yes"}}}});
    }
    const std::string list = "/v2/sandboxes?project=prj_standin&limit=2";
    const auto names = [&](const std::string& more) {
        std::string all;
        std::string cursor;
        do {
            const auto next = scene.call("GET", list + more + cursor).json();
            CHECK(next["pagination"]["count"] == next["sandboxes"].size());
            for (const auto& one : next["sandboxes"]) {
                CHECK_FALSE(one.contains("session"));
                all += one["name"].get<std::string>().substr(4);
            }
            cursor =
                next["pagination"]["next"].is_null() ? "" : "&cursor=" + next["pagination"]["next"].get<std::string>();
        } while (!cursor.empty());
        return all;
    };
    CHECK(names("") == "43210");
    CHECK(names("&sortOrder=asc") == "01234");
    CHECK(names("&sortBy=name&sortOrder=asc") == "01234");
    CHECK(names("&sortBy=name&namePrefix=box-3") == "3");
    CHECK(names("&tags=odd:yes") == "31");
    CHECK(names("&status=stopped").empty());
    CHECK(names("&status=running&sortOrder=asc") == "01234");
    for (const auto* wrong : {"?limit=0", "?limit=51", "?limit=x", "?namePrefix=b", "?sortBy=colour", "?sortOrder=up",
                              "?cursor=rubbish", "?tags=novalue", "?status=running&sortBy=name"}) {
        CHECK_MESSAGE(scene.call("GET", std::string("/v2/sandboxes") + wrong).status == 400, wrong);
    }
    CHECK(scene.call("GET", "/v2/sandboxes").json()["sandboxes"].size() == 5);
}

TEST_CASE("update changes the record, and nothing when a part is wrong") {
    const Scene scene;
    scene.sandbox("one", {{"tags", {{"old", "1"}}}});
    const auto update = [&](const Json& body) {
        return scene.call("PATCH", "/v2/sandboxes/one?projectId=prj_standin", body);
    };
    const auto changed = update({{"tags", {{"new", "2"}}},
                                 {"timeout", 60000},
                                 {"persistent", false},
                                 {"ports", {4000}},
                                 {"resources", {{"vcpus", 4}, {"memory", 8192}}},
                                 {"networkPolicy", {{"mode", "deny-all"}}},
                                 {"snapshotExpiration", 0},
                                 {"keepLastSnapshots", {{"count", 2}}}});
    CHECK(changed.status == 200);
    const auto sandbox = scene.get("one")["sandbox"];
    CHECK(sandbox["tags"] == Json{{"new", "2"}});
    CHECK(sandbox["timeout"] == 60000);
    CHECK(sandbox["persistent"] == false);
    CHECK(sandbox["vcpus"] == 4);
    CHECK(sandbox["networkPolicy"]["mode"] == "deny-all");
    CHECK(sandbox["snapshotExpiration"] == 0);
    CHECK(sandbox["keepLastSnapshots"]["count"] == 2);
    CHECK(changed.json()["routes"][0]["port"] == 4000);
    // The session has what it was begun with.
    CHECK(scene.get("one")["session"]["vcpus"] == 2);
    check_refused(update({{"timeout", 90000}, {"tags", 7}}), 400, "bad_request", "tags");
    CHECK(scene.get("one")["sandbox"]["timeout"] == 60000);
    CHECK_FALSE(update({{"keepLastSnapshots", nullptr}}).json()["sandbox"].contains("keepLastSnapshots"));
    CHECK(update({{"networkId", "net_1"}}).json()["sandbox"]["networkId"] == "net_1");
    CHECK_FALSE(update({{"networkId", nullptr}}).json()["sandbox"].contains("networkId"));
    CHECK(update({{"currentSnapshotId", "snap_none"}}).status == 404);
}

TEST_CASE("a route keeps its address as long as its port stays") {
    const Scene scene;
    scene.sandbox("one");
    const auto ports = [&](const Json& list) {
        return scene.call("PATCH", "/v2/sandboxes/one", {{"ports", list}}).json()["routes"];
    };
    const auto first = ports({3000})[0];
    CHECK(first["url"] == "https://" + first["subdomain"].get<std::string>() + ".vercel.run");
    CHECK(ports({3000, 3001})[0] == first);
}

TEST_CASE("delete ends the session and removes the record and its sessions, not its snapshots") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.stop(id).status == 200);
    const auto second = scene.resume("one")["session"]["id"].get<std::string>();
    CHECK(scene.call("DELETE", "/v2/sandboxes/one?projectId=prj_standin").json()["sandbox"]["name"] == "one");
    CHECK(scene.call("GET", "/v2/sandboxes/one").status == 404);
    CHECK(scene.call("GET", Scene::session(second)).status == 404);
    CHECK(scene.call("DELETE", "/v2/sandboxes/one").status == 404);
    const auto state = scene.state();
    CHECK(state["bills"]["running_sessions"] == 0);
    CHECK(state["snapshots"].size() == 1);
    CHECK(state["snapshots"][0]["status"] == "created");
}

TEST_CASE("delete takes orphaned snapshots along when asked, and leaves those that another sandbox uses") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const std::string used = scene.call("POST", Scene::session(id, "/snapshot")).json()["snapshot"]["id"];
    scene.sandbox("two", {{"source", {{"type", "snapshot"}, {"snapshotId", used}}}});
    CHECK(scene.stop(scene.resume("one")["session"]["id"]).status == 200);
    CHECK(scene.call("DELETE", "/v2/sandboxes/one?deleteOrphanSnapshots=true").status == 200);
    const auto left = scene.call("GET", "/v2/sandboxes/snapshots").json()["snapshots"];
    REQUIRE(left.size() == 1);
    CHECK(left[0]["id"] == used);
}

TEST_CASE("a fork begins with the source's snapshot and settings") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"env", {{"A", "copied"}}}, {"tags", {{"t", "1"}}}});
    CHECK(scene.call("POST", "/v2/sandboxes/one/fork", {{"name", "early"}}).status == 410);
    CHECK(scene.run(id, "echo kept > file").status == 200);
    CHECK(scene.stop(id).status == 200);
    const auto fork = scene.call("POST", "/v2/sandboxes/one/fork?projectId=prj_standin", {{"name", "two"}}).json();
    CHECK(fork["sandbox"]["tags"] == Json{{"t", "1"}});
    CHECK(output(scene.run(fork["session"]["id"], "cat file; echo $A")) == "kept\ncopied\n");
}

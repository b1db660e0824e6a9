// Snapshots of vercel.so over the fake host: at whatever contact a call is interrupted, the sandbox runs again with the files
// that it says it has.
#include <doctest/doctest.h>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::for_each_interruption;
using testing::Instance;

namespace {

const std::string id = id_for("key");

}  // namespace

TEST_CASE("a snapshot that was taken is known and its sandbox runs again, wherever the call is interrupted") {
    for_each_interruption([](FakeHost& host) {
        configure(host);
        host.http()
            .on("GET", base + "/" + id)
            .reply(200, sandbox(id, "key"))
            .reply(200, sandbox(id, "key", "stopped", "sbx_1", "snap_1"))
            .reply(200, sandbox(id, "key", "running", "sbx_2", "snap_1"));
        host.http()
            .on("POST", session + "/snapshot")
            .reply(201, R"({"snapshot":{"id":"snap_1","status":"created","createdAt":5}})");
        Instance instance{host};
        const auto taken = instance.create_snapshot(id, "first");
        CHECK(host.http().count("POST", session + "/snapshot") <= 1);
        if (host.http().count("POST", session + "/snapshot") == 0) return;
        const auto seen = [](const testing::SentRequest& request) {
            return request.method == "GET" && request.url.find("/snapshot") == std::string::npos;
        };
        // What the last look shows runs: resumed by us, or so already.
        CHECK(seen(host.http().requests.back()));
        if (taken.ok()) CHECK(*taken == "snap_1");
        CHECK(host.state().values.count("snapshot/snap_1") == 1);
    });
}

TEST_CASE("a restore that is interrupted goes back to the old files") {
    for_each_interruption([](FakeHost& host) {
        configure(host);
        host.http()
            .on("GET", base + "/" + id)
            .reply(200, sandbox(id, "key"))
            .reply(200, sandbox(id, "key", "stopped", "sbx_1", "snap_old"))
            .reply(200, sandbox(id, "key", "running", "sbx_2", "snap_1"))
            .reply(200, sandbox(id, "key", "stopped", "sbx_2", "snap_1"))
            .reply(200, sandbox(id, "key", "running", "sbx_3", "snap_1"));
        host.http().on("POST", base + "/sessions/sbx_2/stop").reply(200, "{}");
        host.http()
            .on("GET", base + "/snapshots/snap_1")
            .reply(200, R"({"snapshot":{"id":"snap_1","status":"created"}})");
        host.http()
            .on("POST", session + "/snapshot")
            .reply(201, R"({"snapshot":{"id":"snap_old","status":"created"}})");
        host.http().on("PATCH", base + "/" + id).reply(200, sandbox(id, "key"));
        host.http().on("DELETE", base + "/snapshots/snap_old").reply(200, R"({"snapshot":{"id":"snap_old"}})");
        Instance instance{host};
        const auto restored = instance.restore_snapshot(id, "snap_1");
        CHECK(host.http().count("POST", session + "/snapshot") <= 1);
        if (restored.ok() || host.http().count("POST", session + "/snapshot") == 0) return;
        std::string current;
        for (const auto& request : host.http().requests)
            if (request.method == "PATCH") current = request.body;
        if (!current.empty()) CHECK(current.find("snap_old") != std::string::npos);
    });
}

// Snapshots of daytona.so over a Daytona in memory that fails at every place in turn: a sandbox keeps its files until it has others,
// and what a call says of it is true.
#include <doctest/doctest.h>

#include "small_daytona.hpp"

using namespace berth;
using namespace scripted;
using testing::HttpAnswer;
using testing::Instance;

namespace {

using Json = nlohmann::json;

/// A sandbox with a record and a snapshot of it.
struct Scene {
    explicit Scene(FakeHost& given) : host(given), daytona(given) {
        configure(host);
        daytona.add("sb-1")["name"] = id;
        Instance instance{host};
        REQUIRE(instance.set_environment_variables(id, {{"NEW", "no"}}).ok());
        snapshot = *instance.create_snapshot(id, "base");
        REQUIRE(instance.set_environment_variables(id, {{"NEW", "yes"}}).ok());
        record = host.state().values.at("sandbox/" + id).value;
        daytona.requests = 0;
    }
    FakeHost& host;
    SmallDaytona daytona;
    std::string snapshot;
    std::string record;
};

}  // namespace

TEST_CASE("a restore that fails at any request leaves the old sandbox, its record and nothing else, and says why") {
    using Failing = SmallDaytona::Failing;
    for (const Kind& kind : kinds())
        for (const Failing how : {Failing::once, Failing::from_then_on})
            for (std::size_t at = 0; at < 100; ++at) {
                CAPTURE(std::string{kind.name});
                const std::string when = how == Failing::once ? "once" : "from then on";
                CAPTURE(when);
                CAPTURE(at);
                FakeHost host;
                Scene scene(host);
                Instance instance{host};
                scene.daytona.failure = {how, at, kind.answer};
                const auto restored = instance.restore_snapshot(id, scene.snapshot);
                const bool was_hit = scene.daytona.requests > at;
                scene.daytona.failure = {};
                const auto now = instance.get(id);
                REQUIRE(now.ok());
                if (restored.ok()) {
                    CHECK(now->backend_id == "new-1");
                    CHECK(*now->environment.env.find("NEW") == "no");
                    CHECK(scene.daytona.sandboxes.count("new-1") == 1);
                } else {
                    CHECK(now->backend_id == "sb-1");
                    CHECK(scene.host.state().values.at("sandbox/" + id).value == scene.record);
                    CHECK(*now->environment.env.find("NEW") == "yes");
                    CHECK(restored.error->code() != Code::not_found);
                    const bool is_left = scene.daytona.sandboxes.size() > 1;
                    if (is_left) CHECK(restored.error->outcome() == Outcome::unknown);
                    if (how == Failing::once && kind.answer.fault != HttpAnswer::Fault::cut) CHECK_FALSE(is_left);
                    CHECK(restored.error->message().find("NEW") == std::string::npos);
                }
                const auto all = instance.list();
                REQUIRE(all.ok());
                REQUIRE(all->size() == 1);
                CHECK((*all)[0].backend_id.value_or("") == now->backend_id.value_or(""));
                // Whatever was left goes with the sandbox.
                CHECK(instance.destroy(id).ok());
                CHECK(scene.daytona.sandboxes.empty());
                if (!was_hit) {
                    CHECK(restored.ok());
                    break;
                }
                REQUIRE(at < 99);
            }
}

TEST_CASE("a restore keeps what the sandbox may not reach") {
    FakeHost host;
    Scene scene(host);
    Json& old = scene.daytona.sandboxes["sb-1"];
    old["networkAllowList"] = "10.0.0.0/8";
    old["domainAllowList"] = "example.org,example.com";
    old["target"] = "eu";
    Instance instance{host};
    REQUIRE(instance.restore_snapshot(id, scene.snapshot).ok());
    const Json& made = scene.daytona.sandboxes["new-1"];
    CHECK(made["networkAllowList"] == "10.0.0.0/8");
    CHECK(made["domainAllowList"] == "example.org,example.com");
    CHECK(made["target"] == "eu");
    scene.daytona.sandboxes["new-1"]["networkBlockAll"] = true;
    REQUIRE(instance.restore_snapshot(id, scene.snapshot).ok());
    CHECK(scene.daytona.sandboxes["new-2"]["networkBlockAll"] == true);
}

TEST_CASE("an old generation that cannot be deleted is not taken for the sandbox, on this host or another") {
    FakeHost host;
    Scene scene(host);
    scene.daytona.frozen = {"sb-1"};
    Instance instance{host};
    REQUIRE(instance.restore_snapshot(id, scene.snapshot).ok());
    const auto lines = host.log_lines();
    CHECK(std::any_of(lines.begin(), lines.end(), [](const auto& line) {
        return line.level == LogLevel::warning && line.text.find("old generation") != std::string::npos;
    }));
    CHECK(instance.get(id)->backend_id == "new-1");
    host.state().values.erase("sandbox/" + id);
    CHECK(instance.get(id)->backend_id == "new-1");
    REQUIRE(instance.list()->size() == 1);
    scene.daytona.frozen.clear();
    CHECK(instance.destroy(id).ok());
    CHECK(scene.daytona.sandboxes.empty());
}

TEST_CASE("two restores at once never delete each other's sandbox") {
    FakeHost host;
    Scene scene(host);
    // The other one, which is as far as this one and on another host.
    Json& other = scene.daytona.add("other", 2);
    other["labels"]["berth-ready"] = "yes";
    Instance instance{host};
    host.state().values.erase("sandbox/" + id);
    REQUIRE(instance.restore_snapshot(id, scene.snapshot).ok());
    CHECK(scene.daytona.sandboxes.count("new-1") == 1);
    CHECK(instance.get(id)->backend_id == "new-1");
}

TEST_CASE("a restored sandbox that does not start, or is gone, is no reason to lose the old one") {
    for (const char* state : {"error", "build_failed", "destroyed"}) {
        FakeHost host;
        Scene scene(host);
        scene.daytona.states = {"creating", state};
        Instance instance{host};
        const auto restored = instance.restore_snapshot(id, scene.snapshot);
        REQUIRE(restored.error);
        CHECK(restored.error->code() == Code::unavailable);
        CHECK(restored.error->message().find(state) != std::string::npos);
        CHECK(instance.get(id)->backend_id == "sb-1");
        CHECK(scene.daytona.sandboxes.size() == 1);
    }
}

TEST_CASE("no interruption of a restore loses files or leaves a sandbox") {
    testing::for_each_interruption([](FakeHost& host) {
        configure(host);
        SmallDaytona daytona(host);
        daytona.add("sb-1")["name"] = id;
        daytona.snapshots["base"] = {{"id", "snap-1"}, {"name", "base"}, {"state", "active"}};
        host.state().values["snapshot/snap-1"] = {R"({"name":"base","sandbox":"x"})", 1};
        Instance instance{host};
        const auto restored = instance.restore_snapshot(id, "snap-1");
        const bool is_new = daytona.sandboxes.count("new-1") == 1;
        if (restored.ok()) CHECK(is_new);
        if (!is_new) CHECK(daytona.sandboxes.count("sb-1") == 1);
        if (!restored.ok()) CHECK_FALSE(is_new);
    });
}

TEST_CASE("a snapshot that Daytona silently does not make is an error, and its name is nowhere") {
    FakeHost host;
    Scene scene(host);
    scene.daytona.snapshot_states = {"missing"};
    Instance instance{host};
    const auto taken = instance.create_snapshot(id, "second");
    REQUIRE(taken.error);
    CHECK(taken.error->code() == Code::unavailable);
    CHECK(taken.error->outcome() == Outcome::none);
    CHECK(taken.error->message().find("does not say why") != std::string::npos);
    for (const auto& [key, value] : host.state().values)
        if (key.rfind("snapshot/", 0) == 0) CHECK(key == "snapshot/" + scene.snapshot);
}

TEST_CASE("a snapshot in an error state is an error with Daytona's reason, and is deleted") {
    for (const char* state : {"error", "build_failed"}) {
        FakeHost host;
        Scene scene(host);
        const std::size_t before = scene.daytona.snapshots.size();
        scene.daytona.snapshot_states = {"pending", state};
        Instance instance{host};
        const auto taken = instance.create_snapshot(id, "second");
        REQUIRE(taken.error);
        CHECK(taken.error->code() == Code::unavailable);
        CHECK(scene.daytona.snapshots.size() == before);
    }
}

TEST_CASE("a snapshot that never becomes usable ends with the call, and is deleted") {
    FakeHost host;
    Scene scene(host);
    const std::size_t before = scene.daytona.snapshots.size();
    scene.daytona.snapshot_states = {"building"};
    Instance instance{host};
    host.interrupt(testing::Interruption::cancel, 45);  // while it waits
    const auto taken = instance.create_snapshot(id, "second");
    REQUIRE(taken.error);
    CHECK(taken.error->code() == Code::cancelled);
    CHECK(scene.daytona.snapshots.size() == before);
}

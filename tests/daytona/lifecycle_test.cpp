// create, list, restart and destroy of daytona.so over the fake host: what is sent, what each answer comes to, and that nothing
// is left.
#include <doctest/doctest.h>

#include "small_daytona.hpp"

using namespace berth;
using namespace scripted;
using testing::HttpAnswer;
using testing::Instance;

namespace {

using Json = nlohmann::json;

/// Everything that fails, once or for good, at every request in turn until `act` gets through. It gets a Daytona that has
/// `begin` behind it, and says whether its call succeeded.
void at_every_request(const std::function<void(FakeHost&, SmallDaytona&)>& begin,
                      const std::function<bool(FakeHost&, SmallDaytona&, bool is_for_good)>& act) {
    using Failing = SmallDaytona::Failing;
    for (const Kind& kind : kinds())
        for (const Failing how : {Failing::once, Failing::from_then_on})
            for (std::size_t at = 0;; ++at) {
                CAPTURE(std::string{kind.name});
                const bool is_for_good = how == Failing::from_then_on;
                CAPTURE(is_for_good);
                CAPTURE(at);
                REQUIRE(at < 100);
                FakeHost host;
                configure(host);
                SmallDaytona daytona(host);
                begin(host, daytona);
                daytona.requests = 0;
                daytona.failure = {how, at, kind.answer};
                const bool is_done = act(host, daytona, is_for_good);
                if (daytona.requests > at) continue;
                CHECK(is_done);
                break;
            }
}

}  // namespace

TEST_CASE("why a create failed is told, and not what its undo met") {
    FakeHost host;
    configure(host);
    host.http().on("POST", api).reply(200, R"({"id":)").cut().reply(500, complaint("out of luck"));
    host.http().on("DELETE", named).refused();
    Instance instance{host};
    const auto made = instance.create(keyed());
    REQUIRE(made.error);
    CHECK(made.error->message() == "the connection broke in the middle of the answer");
    CHECK(made.error->outcome() == Outcome::unknown);
    const auto refused = instance.create(keyed());
    REQUIRE(refused.error);
    CHECK(refused.error->message().find("out of luck") != std::string::npos);
    CHECK(refused.error->outcome() == Outcome::unknown);
}

TEST_CASE("create says what a sandbox of ours is, and asks for nothing twice") {
    FakeHost host;
    configure(host);
    SmallDaytona daytona(host);
    Instance instance{host};
    SandboxRequest request = keyed();
    request.name = "my-sandbox";
    request.labels = {{"team", "core"}};
    const auto made = instance.create(request);
    REQUIRE(made.ok());
    CHECK(made->id == id);
    CHECK(made->state == SandboxState::ready);
    CHECK(made->created_at.time_since_epoch().count() == 1'767'323'045'678);
    CHECK(count(host, "POST", "/api/sandbox") == 1);
    const auto& sent = host.http().requests.front();
    CHECK(sent.uninterrupted);
    CHECK_FALSE(sent.repeatable);
    const Json body = Json::parse(sent.body);
    CHECK(body["name"] == id);
    CHECK(body["autoStopInterval"] == 15);
    CHECK(body["autoDeleteInterval"] == -1);
    CHECK(body["labels"]["berth"] == "test");
    CHECK(body["labels"]["berth-name"] == "my-sandbox");
    CHECK(body["env"].empty());
    for (const char* const size : {"cpu", "memory", "disk", "snapshot", "buildInfo"})
        CHECK_FALSE(body.contains(size));
}

TEST_CASE("a name that is taken is the sandbox of the same key, and never that of another") {
    FakeHost host;
    configure(host);
    SmallDaytona daytona(host);
    Instance instance{host};
    const auto first = instance.create(keyed());
    REQUIRE(first.ok());
    const auto again = instance.create(keyed());
    REQUIRE(again.ok());
    CHECK(again->backend_id == first->backend_id);
    CHECK(daytona.sandboxes.size() == 1);
    host.state().values.clear();
    daytona.sandboxes.begin()->second["labels"]["berth-key"] = "another";
    const auto other = instance.create(keyed());
    REQUIRE(other.error);
    CHECK(other.error->code() == Code::conflict);
    CHECK(daytona.sandboxes.size() == 1);
}

TEST_CASE("a create that fails at any request leaves nothing, or says that it does not know") {
    at_every_request([](FakeHost&, SmallDaytona&) {},
                     [](FakeHost& host, SmallDaytona& daytona, bool is_for_good) {
                         Instance instance{host};
                         SandboxRequest request = keyed();
                         request.environment.env = {{"SOME", "value"}};
                         const auto made = instance.create(request);
                         if (made.ok()) return true;
                         if (!daytona.sandboxes.empty()) {
                             CHECK(made.error->outcome() == Outcome::unknown);
                             CHECK(is_for_good);
                         }
                         CHECK(made.error->message().find("value") == std::string::npos);
                         CHECK(count(host, "POST", "/api/sandbox") <= 1);
                         return false;
                     });
}

TEST_CASE("no interruption of create leaves a sandbox") {
    testing::for_each_interruption([](FakeHost& host) {
        configure(host);
        SmallDaytona daytona(host);
        Instance instance{host};
        const auto made = instance.create(keyed());
        if (made.ok()) return;
        CHECK(daytona.sandboxes.empty());
        CHECK(host.state().values.empty());
    });
}

TEST_CASE("a sandbox that does not start is deleted, with Daytona's reason") {
    FakeHost host;
    configure(host);
    SmallDaytona daytona(host);
    daytona.states = {"creating", "error"};
    Instance instance{host};
    const auto made = instance.create(keyed());
    REQUIRE(made.error);
    CHECK(made.error->code() == Code::unavailable);
    CHECK(daytona.sandboxes.empty());
    CHECK(host.state().values.empty());
}

TEST_CASE("a destroy that fails at any request can be done again, and leaves nothing then") {
    at_every_request([](FakeHost&, SmallDaytona& daytona) { daytona.add("sb-1")["name"] = id; },
                     [](FakeHost& host, SmallDaytona& daytona, bool) {
                         Instance instance{host};
                         const auto destroyed = instance.destroy(id);
                         if (destroyed.ok()) CHECK(daytona.sandboxes.empty());
                         daytona.failure = {};
                         const auto again = instance.destroy(id);
                         CHECK((again.ok() || again.error->code() == Code::not_found));
                         CHECK(daytona.sandboxes.empty());
                         return destroyed.ok();
                     });
}

TEST_CASE("a restart stops and starts, and is never the end of a sandbox that is deleted when it stops") {
    FakeHost host;
    configure(host);
    SmallDaytona daytona(host);
    Json& sandbox = daytona.add("sb-1");
    sandbox["name"] = id;
    Instance instance{host};
    REQUIRE(instance.restart(id).ok());
    CHECK(count(host, "POST", "/stop") == 1);
    CHECK(count(host, "POST", "/start") == 1);
    sandbox["state"] = "stopped";
    REQUIRE(instance.restart(id).ok());
    CHECK(count(host, "POST", "/stop") == 1);
    sandbox["state"] = "error";
    sandbox["recoverable"] = true;
    REQUIRE(instance.restart(id).ok());
    CHECK(count(host, "POST", "/recover") == 1);
    sandbox["autoDeleteInterval"] = 0;
    const auto refused = instance.restart(id);
    REQUIRE(refused.error);
    CHECK(refused.error->code() == Code::unsupported);
    CHECK(count(host, "POST", "/stop") == 1);
}

TEST_CASE("a change that is under way is waited for, whatever number Daytona gives it") {
    for (const int status : {400, 409}) {
        FakeHost host;
        configure(host);
        SmallDaytona daytona(host);
        daytona.add("sb-1")["name"] = id;
        Instance instance{host};
        REQUIRE(instance.get(id).ok());
        daytona.requests = 0;
        HttpAnswer busy;
        busy.status = status;
        busy.body = complaint("Sandbox state change in progress");
        daytona.failure = {SmallDaytona::Failing::once, 2, busy};  // the stop, behind two looks
        REQUIRE(instance.restart(id).ok());
        CHECK(count(host, "POST", "/stop") == 2);
    }
}

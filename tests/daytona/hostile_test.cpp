// A Daytona that lies: ids that are none, lists without an end, numbers that no clock has, addresses that lead elsewhere. Nothing of it
// is believed, kept or waited for without an end, and what is said helps.
#include <doctest/doctest.h>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::HttpAnswer;
using testing::Instance;

namespace {

std::string with(const std::string& text, const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return changed;
}

std::optional<Error> failure_of(const std::string& body) {
    FakeHost host;
    configure(host);
    host.http().on("GET", named).reply(200, body);
    Instance instance{host};
    return instance.get(id).error;
}

HttpAnswer answered(const std::string& body) {
    HttpAnswer answer;
    answer.body = body;
    return answer;
}

}  // namespace

TEST_CASE("what is no id is taken for none") {
    for (const std::string& odd :
         {std::string{}, std::string{".."}, std::string{"."}, std::string{"a/b"}, std::string{"a\\nb"},
          std::string{"a b"}, std::string{"\\u001b[2J"}, std::string(300, 'x')}) {
        CAPTURE(odd.substr(0, 20));
        const auto error = failure_of(with(sandbox(), "sb-1", odd));
        REQUIRE(error);
        CHECK(error->code() == Code::protocol_error);
        CHECK(error->message().find('\x1b') == std::string::npos);
    }
}

TEST_CASE("a sandbox of somebody else is none of ours, whatever name it has") {
    for (const auto& [from, to] : {std::pair{R"("berth":"test")", R"("berth":"other")"},
                                   std::pair{R"("berth-id":"berth-)", R"("berth-id":"other-)"}}) {
        const auto error = failure_of(with(sandbox(), from, to));
        REQUIRE(error);
        CHECK(error->code() == Code::not_found);
    }
}

TEST_CASE("answers nested deeper than any are no answers") {
    std::string deep = R"({"id":"sb-1","x":)";
    for (int n = 0; n < 100'000; ++n)
        deep += "[";
    CHECK(failure_of(deep)->code() == Code::protocol_error);
    CHECK(failure_of(R"({"id":"sb-1","state":)" + std::string(2'000'000, '{'))->code() == Code::protocol_error);
    // Brackets in a text are none.
    CHECK_FALSE(failure_of(with(sandbox(), R"("name":"n")", R"("name":")" + std::string(1'000, '[') + "\\\"[\"")));
}

TEST_CASE("a list without an end is an error, and one that goes round in a circle is, too") {
    for (const bool is_circle : {true, false}) {
        FakeHost host;
        configure(host);
        std::size_t pages = 0;
        host.http().on("GET", api).reply_by([&](const auto&) {
            ++pages;
            return answered(R"({"items":[],"nextCursor":"c)" + std::to_string(is_circle ? pages % 3 : pages) + "\"}");
        });
        Instance instance{host};
        const auto all = instance.list();
        REQUIRE(all.error);
        CHECK(all.error->code() == Code::protocol_error);
        CHECK(all.error->message().find("no end") != std::string::npos);
        CHECK(pages <= 1'001);
    }
    FakeHost host;
    configure(host);
    std::size_t pages = 0;
    host.http().on("GET", "/api/snapshots").reply_by([&](const auto&) {
        ++pages;
        return answered(R"({"items":[{"id":"s)" + std::to_string(pages) + R"("}],"totalPages":1000000000})");
    });
    Instance instance{host};
    CHECK(instance.list_snapshots().error->code() == Code::protocol_error);
    CHECK(pages <= 1'001);
}

TEST_CASE("a list that names a sandbox twice shows it once, and skips what is on its way out") {
    FakeHost host;
    configure(host);
    const std::string going = sandbox({"destroying", "sb-2", 2, "", R"(,"berth-ready":"yes")"});
    host.http().on("GET", api).reply_by([&](const auto&) {
        return answered(page(sandbox() + "," + sandbox() + "," + going));
    });
    Instance instance{host};
    const auto all = instance.list();
    REQUIRE(all.ok());
    REQUIRE(all->size() == 1);
    CHECK((*all)[0].backend_id == "sb-1");
}

TEST_CASE("numbers that no clock or disk has are absent, and labels that anybody may change are checked") {
    FakeHost host;
    configure(host);
    host.http()
        .on("GET", named)
        .reply(
            200,
            with(sandbox({"started", "sb-1", 1,
                          R"(,"cpu":-4,"memory":1e300,"disk":9007199254740993,"autoDeleteInterval":"x","updatedAt":7)",
                          R"(,"berth-created":"-9223372036854775809","berth-run":"{\"timeout_ms\":1e99}")"}),
                 R"("berth-generation":"1")", R"("berth-generation":"9223372036854775807")"));
    Instance instance{host};
    const auto got = instance.get(id);
    REQUIRE(got.ok());
    CHECK_FALSE(got->environment.timeout);
    CHECK(got->created_at.time_since_epoch().count() == 1'767'323'045'678);
    CHECK(*got->facts.find("generation") == "1000000");
}

TEST_CASE("the key goes to no address that is none") {
    for (const char* const address : {"ftp://box.example", "box.example", "h", "https://user@box.example/",
                                      "https://box.example/?q=", "https://box.example/#", "https://box.example/a b"}) {
        CAPTURE(std::string{address});
        const std::string lying = with(sandbox(), "https://box.example/toolbox", address);
        FakeHost host;
        configure(host);
        host.http().on("GET", named).reply(200, lying);
        host.http().on("GET", by_id).reply(200, lying);
        Instance instance{host};
        const auto run = instance.execute(id, {"true"});
        REQUIRE(run.error);
        CHECK(run.error->code() == Code::protocol_error);
        for (const auto& request : host.http().requests)
            CHECK(request.url.rfind("https://d.example/api/", 0) == 0);
    }
}

TEST_CASE("a sandbox that cannot be started any more says what to do instead") {
    for (const char* const state : {"error", "build_failed"}) {
        FakeHost host;
        configure(host);
        host.http().on("GET", named).reply(200, sandbox({state, "sb-1", 1, R"(,"errorReason":"runner lost")", ""}));
        Instance instance{host};
        const auto restarted = instance.restart(id);
        REQUIRE(restarted.error);
        CHECK(restarted.error->code() == Code::unavailable);
        CHECK(restarted.error->message().find("runner lost") != std::string::npos);
        CHECK(restarted.error->hint()->find("destroy") != std::string::npos);
        CHECK(restarted.error->outcome() == Outcome::none);
    }
}

TEST_CASE("a state that nobody knows is waited for, but not without an end") {
    FakeHost host;
    configure(host);
    host.http().on("GET", named).reply(200, sandbox({"dreaming", "sb-1", 1, "", ""}));
    Instance instance{host};
    CHECK(instance.get(id)->state == SandboxState::initializing);
    CHECK_FALSE(*instance.is_ready(id));
    const auto run = instance.execute(id, {"true"});
    CHECK(run.error->code() == Code::not_ready);
    CHECK(run.error->message().find("dreaming") != std::string::npos);
}

TEST_CASE("a short command costs four requests: its session, itself, its log, and the session's end") {
    FakeHost host;
    runs_commands(host, "hello");
    Instance instance{host};
    REQUIRE(instance.execute(id, {"true"}).end);
    host.http().requests.clear();
    host.websockets().sockets.clear();
    REQUIRE(instance.execute(id, {"true"}).end);
    CHECK(host.http().requests.size() + host.websockets().sockets.size() == 4);
}

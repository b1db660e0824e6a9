// vercel.so over the fake host when Vercel fails or lies: what is told, and that nothing of it is believed.
#include <doctest/doctest.h>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::Instance;
using testing::SandboxRequest;

namespace {

SandboxRequest keyed() {
    SandboxRequest request;
    request.idempotency_key = "key";
    return request;
}

const std::string id = id_for("key");

}  // namespace

TEST_CASE("why a create failed is told, and not what its undo met") {
    FakeHost host;
    configure(host);
    host.http()
        .on("POST", "/api/v3/sandboxes")
        .reply(200, R"({"sandbox":)")
        .cut()
        .reply(500, error("internal", "out of luck"));
    host.http().on("DELETE", base + "/" + id).refused();
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

TEST_CASE("what is no id is taken for none, and a sandbox of somebody else is none of ours") {
    for (const std::string& odd : {std::string{}, std::string{".."}, std::string{"a/b"}, std::string{"a\\nb"},
                                   std::string{"a b"}, std::string(300, 'x')}) {
        CAPTURE(odd.substr(0, 20));
        for (const char* const from : {"\"id\":\"sbx_1\"", "\"name\":\""}) {
            std::string body = sandbox(id, "key");
            const bool is_name = std::string{from}.find("name") != std::string::npos;
            if (is_name)
                body.replace(body.find(id), id.size(), odd);
            else
                body.replace(body.find(from) + 6, 5, odd);
            FakeHost host;
            configure(host);
            host.http().on("GET", base + "/" + id).reply(200, body);
            Instance instance{host};
            const auto got = instance.get(id);
            REQUIRE(got.error);
            CHECK(got.error->code() == Code::protocol_error);
        }
    }
    FakeHost host;
    configure(host);
    std::string foreign = sandbox(id, "key");
    foreign.replace(foreign.find(R"("berth":"test")"), 14, R"("berth":"else")");
    host.http().on("GET", base + "/" + id).reply(200, foreign);
    Instance instance{host};
    CHECK(instance.get(id).error->code() == Code::not_found);
    CHECK(instance.destroy(id).error->code() == Code::not_found);
    CHECK(host.http().count("DELETE", base + "/" + id) == 0);
}

TEST_CASE("a list without an end is an error, and one that goes round in a circle is, too") {
    for (const bool is_circle : {true, false}) {
        FakeHost host;
        configure(host);
        std::size_t pages = 0;
        host.http().on("GET", base).reply_by([&](const auto&) {
            ++pages;
            testing::HttpAnswer answer;
            answer.body =
                R"({"sandboxes":[],"pagination":{"next":"c)" + std::to_string(is_circle ? pages % 3 : pages) + "\"}}";
            return answer;
        });
        Instance instance{host};
        const auto all = instance.list();
        REQUIRE(all.error);
        CHECK(all.error->code() == Code::protocol_error);
        CHECK(pages <= 1'001);
    }
}

TEST_CASE("numbers that no machine has are no limits, and a directory that is none is the root") {
    FakeHost host;
    configure(host);
    std::string body = sandbox(id, "key", "stopped");
    body.replace(body.find("\"memory\":4096"), 13, "\"memory\":9007199254740991");
    body.replace(body.find("\"cwd\":\"/vercel\""), 15, "\"cwd\":\"../x\"");
    host.http().on("GET", base + "/" + id).reply(200, body);
    Instance instance{host};
    CHECK_FALSE(instance.get_resource_usage(id)->memory_limit_bytes);
    CHECK(instance.get(id)->environment.cwd == "/");
}

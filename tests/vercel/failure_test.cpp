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

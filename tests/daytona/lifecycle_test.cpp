// create, list, restart and destroy of daytona.so over the fake host: what is sent, what each answer comes to, and that nothing
// is left.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::Instance;

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

// Which provider a request goes to, and what a full name is.
#include "engine/router.hpp"

#include <doctest/doctest.h>

#include "fake_provider.hpp"

using namespace berth_test;

TEST_CASE("a named provider wins, no name is the default") {
    Setting setting;
    setting.add("other");
    CHECK(route(setting.options.configuration, "other").name == "other");
    CHECK(route(setting.options.configuration, "").name == "fake");
}

TEST_CASE("an unknown provider is refused with the nearest name") {
    Setting setting;
    const auto error = failure_of([&] { return route(setting.options.configuration, "fakee"); });
    CHECK(error.diagnostic() == "BERTH-E-02");
    CHECK(error.fields().hint == "Did you mean fake?");
    CHECK(failure_of([&] { return route(setting.options.configuration, "zzz"); }).fields().hint == "Configured: fake");
}

TEST_CASE("without a default a request has to name its provider") {
    Setting setting;
    setting.add("other");
    setting.options.configuration.default_provider.reset();
    const auto error = failure_of([&] { return route(setting.options.configuration, ""); });
    CHECK(error.diagnostic() == "BERTH-E-03");
    CHECK(error.fields().hint == "Name one of fake and other, or set `select.default`");
}

TEST_CASE("a full name is PROVIDER/ID") {
    const auto name = SandboxName::parse("local/a.b");
    CHECK(name.provider == "local");
    CHECK(name.id == "a.b");
    CHECK(name.text() == "local/a.b");
    for (const auto* text : {"", "local", "local/", "/x", "Local/x", "lo cal/x", "local/\n"})
        CHECK(failure_of([&] { return SandboxName::parse(text); }).diagnostic() == "BERTH-E-01");
}

TEST_CASE("errors of routing say what was to be done") {
    Setting setting;
    const auto host = setting.start();
    const auto error = failure_of([&] { return host->restart({"nobody", "x"}); });
    CHECK(error.fields().operation == "restart");
    CHECK(error.fields().sandbox == "x");
}

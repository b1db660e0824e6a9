// A plugin is exchanged while calls go on: new ones go to the new instance, those under way end in the old one, and what
// cannot serve leaves everything as it was.
#include <doctest/doctest.h>

#include <atomic>

#include "fake_provider.hpp"

using namespace berth_test;

TEST_CASE("calls that begin after a reload go to the new instance, and the old one closes when its last call is over") {
    Setting setting;
    Signal inside;
    Signal go_on;
    setting.script->is_ready = [&](Call&, std::string_view) {
        inside.raise();
        return go_on.wait();
    };
    const auto host = setting.start();
    std::thread before([&] { CHECK(host->is_ready(sandbox)); });
    REQUIRE(inside.wait());
    setting.script->version = "2.0";
    const auto statuses = host->reload("fake");
    REQUIRE(statuses.size() == 1);
    CHECK(statuses[0].state == ProviderStatus::State::open);
    CHECK(statuses[0].plugin_version == "2.0");
    CHECK(setting.script->opened == 2);
    CHECK(setting.script->closed == 0);
    CHECK(host->get(sandbox).id == "box");
    CHECK(setting.script->opened == 2);
    go_on.raise();
    before.join();
    CHECK(setting.script->closed == 1);
    CHECK(setting.logged().find("fake: reloaded, version 2.0 of /plugins/fake.so") != std::string::npos);
}

TEST_CASE("with no call under way the old instance is closed when the reload returns") {
    Setting setting;
    const auto host = setting.start();
    (void)host->get(sandbox);
    (void)host->reload("fake");
    CHECK(setting.script->closed == 1);
}

TEST_CASE("what cannot be found or opened leaves the old one serving, and says why") {
    Setting setting;
    const auto host = setting.start();
    (void)host->get(sandbox);
    SUBCASE("not found") {
        setting.script->find = [] { throw provider_error(Code::not_found, "no such file"); };
    }
    SUBCASE("not opened") {
        setting.script->open = [](Call&) { throw provider_error(Code::not_found, "no such file"); };
    }
    setting.script->version = "2.0";
    const auto error = failure_of([&] { return host->reload("fake"); });
    CHECK(error.diagnostic() == "BERTH-E-21");
    CHECK(error.code() == Code::not_found);
    CHECK(error.fields().provider == "fake");
    CHECK(error.fields().message ==
          "the plugin \"fake\" is not reloaded, and what was there before goes on: no such file");
    REQUIRE(!error.fields().details.empty());
    CHECK(error.fields().details.back() == std::pair<std::string, std::string>("diagnostic", "BERTH-R-00"));
    CHECK(host->providers().at(0).plugin_version == "1.0");
    CHECK(host->get(sandbox).id == "box");
    CHECK(setting.script->closed == 0);
    setting.script->find = [] {};
    setting.script->open = [](Call&) {};
    CHECK(host->reload("fake").at(0).plugin_version == "2.0");
}

TEST_CASE("of two providers of one plugin both are exchanged, or none") {
    Setting setting;
    setting.add("second").plugin = "fake";
    const auto host = setting.start();
    (void)host->open_provider("fake");
    (void)host->open_provider("second");
    int opened = 0;
    setting.script->open = [&](Call&) {
        if (++opened == 2) throw provider_error(Code::auth_failed, "wrong key");
    };
    const auto error = failure_of([&] { return host->reload("fake"); });
    CHECK(error.code() == Code::auth_failed);
    CHECK(error.fields().provider == "second");
    // The one that was ready is closed again, and both old ones go on.
    CHECK(setting.script->closed == 1);
    CHECK(host->get(sandbox).id == "box");
    CHECK(setting.script->opened == 4);
    CHECK(host->reload("fake").size() == 2);
    CHECK(setting.script->closed == 3);
}

TEST_CASE("a provider that nobody has used is looked at, not opened") {
    Setting setting;
    const auto host = setting.start();
    setting.script->version = "2.0";
    const auto statuses = host->reload("fake");
    CHECK(statuses.at(0).state == ProviderStatus::State::not_loaded);
    CHECK(statuses.at(0).plugin_version == "2.0");
    CHECK(setting.script->opened == 0);
}

TEST_CASE("a provider that could not be used at the start can be after a reload") {
    Setting setting;
    setting.add("missing");
    setting.scripts["missing"]->find = [] { throw provider_error(Code::not_found, "no such file"); };
    const auto host = setting.start();
    CHECK(failure_of([&] { return host->get({"missing", "box"}); }).code() == Code::not_found);
    CHECK(failure_of([&] { return host->reload("missing"); }).diagnostic() == "BERTH-E-21");
    setting.scripts["missing"]->find = [] {};
    CHECK(host->reload("missing").at(0).state == ProviderStatus::State::not_loaded);
    CHECK(host->get({"missing", "box"}).id == "box");
}

TEST_CASE("a plugin that no provider is of cannot be reloaded") {
    Setting setting;
    const auto host = setting.start();
    const auto error = failure_of([&] { return host->reload("other"); });
    CHECK(error.diagnostic() == "BERTH-E-22");
    CHECK(error.fields().hint == "Those that are used: fake");
}

TEST_CASE("a reload can be given up, and the old one goes on") {
    Setting setting;
    const auto host = setting.start();
    (void)host->get(sandbox);
    Signal opens;
    setting.script->open = [&](Call& call) {
        opens.raise();
        wait_for_cancel(call);
        throw provider_error(Code::cancelled, "gave up");
    };
    std::stop_source stop;
    std::thread reloading([&] {
        CHECK(failure_of([&] { return host->reload("fake", {{}, stop.get_token(), {}}); }).code() == Code::cancelled);
    });
    REQUIRE(opens.wait());
    CHECK(host->get(sandbox).id == "box");  // nobody waits for it meanwhile
    stop.request_stop();
    reloading.join();
    CHECK(host->get(sandbox).id == "box");
    CHECK(setting.script->opened == 2);
}

TEST_CASE("a reload and the first call of a provider do not open it twice at once") {
    Setting setting;
    Signal opens;
    Signal go_on;
    setting.script->open = [&](Call&) {
        opens.raise();
        CHECK(go_on.wait());
    };
    const auto host = setting.start();
    std::thread first([&] { CHECK(host->get(sandbox).id == "box"); });
    REQUIRE(opens.wait());
    std::thread reloading([&] { CHECK(host->reload("fake").at(0).state == ProviderStatus::State::open); });
    go_on.raise();
    first.join();
    reloading.join();
    CHECK(setting.script->opened == 2);
    CHECK(setting.script->closed == 1);
}

TEST_CASE("a hundred reloads under load fail no call, and leave one instance") {
    Setting setting;
    const auto host = setting.start();
    (void)host->get(sandbox);
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int index = 0; index < 8; ++index) {
        threads.emplace_back([&] {
            do {
                CHECK(host->get(sandbox).id == "box");
            } while (!done);
        });
    }
    for (int index = 0; index < 100; ++index)
        CHECK(host->reload("fake").at(0).state == ProviderStatus::State::open);
    done = true;
    for (auto& thread : threads)
        thread.join();
    CHECK(setting.script->opened == 101);
    CHECK(setting.script->closed == 100);
}

// Providers are opened when first needed, once, and a failure is kept and may be tried again.
#include "engine/provider_set.hpp"

#include <doctest/doctest.h>

#include "fake_provider.hpp"

using namespace berth_test;

TEST_CASE("nothing is opened before it is needed, and then only what is selected") {
    Setting setting;
    setting.add("other");
    const auto host = setting.start();
    CHECK(host->providers().at(0).state == ProviderStatus::State::not_loaded);
    CHECK(host->providers().at(0).plugin_file == "/plugins/fake.so");
    CHECK(host->providers().at(0).methods.size() == 19);
    CHECK(setting.script->opened == 0);
    (void)host->get(sandbox);
    (void)host->get(sandbox);
    CHECK(setting.script->opened == 1);
    CHECK(setting.scripts["other"]->opened == 0);
    CHECK(host->providers().at(0).state == ProviderStatus::State::open);
    CHECK_FALSE(host->providers().at(0).features.empty());
    CHECK(host->open_provider("other").state == ProviderStatus::State::open);
}

TEST_CASE("many who need it at once open it once") {
    Setting setting;
    Signal go_on;
    setting.script->open = [&](Call&) { CHECK(go_on.wait()); };
    const auto host = setting.start();
    std::vector<std::thread> threads;
    for (int index = 0; index < 8; ++index)
        threads.emplace_back([&] { CHECK(host->get(sandbox).id == "box"); });
    CHECK(eventually([&] { return setting.script->opened == 1; }));
    // Who waits for another's opening can give up alone.
    CHECK(failure_of([&] { return host->get(sandbox, {Milliseconds{5}, {}, {}}); }).code() == Code::timeout);
    go_on.raise();
    for (auto& thread : threads)
        thread.join();
    CHECK(setting.script->opened == 1);
}

TEST_CASE("a failed open is shown, and the next call tries again") {
    Setting setting;
    setting.script->open = [](Call&) { throw provider_error(Code::auth_failed, "wrong key"); };
    const auto host = setting.start();
    const auto error = failure_of([&] { return host->get(sandbox); });
    CHECK(error.code() == Code::auth_failed);
    CHECK(error.fields().operation == "open");
    CHECK(error.fields().provider == "fake");
    CHECK(host->providers().at(0).state == ProviderStatus::State::refused);
    CHECK(host->providers().at(0).error->fields().message == "wrong key");
    setting.script->open = [](Call&) {};
    CHECK(host->get(sandbox).id == "box");
    CHECK(host->providers().at(0).state == ProviderStatus::State::open);
    CHECK_FALSE(host->providers().at(0).error);
    CHECK(setting.script->opened == 2);
}

TEST_CASE("whoever waits takes over when the one who opens gives up") {
    Setting setting;
    Signal first_opens;
    setting.script->open = [&](Call& call) {
        if (setting.script->opened > 1) return;
        first_opens.raise();
        wait_for_cancel(call);
        throw provider_error(Code::cancelled, "gave up");
    };
    const auto host = setting.start();
    std::stop_source stop;
    std::thread first([&] {
        CHECK(failure_of([&] { return host->get(sandbox, {{}, stop.get_token(), {}}); }).code() == Code::cancelled);
    });
    CHECK(first_opens.wait());
    std::thread second([&] { CHECK(host->get(sandbox).id == "box"); });
    stop.request_stop();
    first.join();
    second.join();
    CHECK(setting.script->opened == 2);
}

TEST_CASE("requires is checked at the start, naming all that is missing") {
    Setting setting;
    setting.script->lack("create_snapshot");
    setting.script->lack("get_logs");
    setting.provider().requires_ = {{"restart", {}}, {"create_snapshot", {}}, {"get_logs", {}}, {"tty", {}}};
    setting.add("other");
    const auto host = setting.start();
    const auto status = host->providers().at(0);
    CHECK(status.state == ProviderStatus::State::refused);
    CHECK(status.error->diagnostic() == "BERTH-E-10");
    CHECK(status.error->fields().message ==
          "the plugin fake lacks what `requires` asks for: create_snapshot and get_logs");
    CHECK(failure_of([&] { return host->get(sandbox); }).diagnostic() == "BERTH-E-10");
    CHECK(host->get({"other", "x"}).id == "x");
    CHECK(setting.script->opened == 0);
}

TEST_CASE("a required feature that is withdrawn on this machine refuses the provider when it is opened") {
    Setting setting;
    setting.script->withdraw("memory_limit", "no cgroup");
    setting.provider().requires_ = {{"memory_limit", {}}};
    const auto host = setting.start();
    CHECK(host->providers().at(0).state == ProviderStatus::State::not_loaded);
    const auto error = failure_of([&] { return host->get(sandbox); });
    CHECK(error.diagnostic() == "BERTH-E-10");
    CHECK(error.fields().message == "the plugin fake lacks what `requires` asks for: memory_limit (no cgroup)");
    CHECK(setting.script->closed == 1);
}

TEST_CASE("a Host none of whose providers can be used is not made") {
    Setting setting;
    setting.script->lack("get_logs");
    setting.provider().requires_ = {{"get_logs", {}}};
    const auto error = failure_of([&] { return setting.start(); });
    CHECK(error.diagnostic() == "BERTH-E-11");
    CHECK(error.fields().details.size() == 1);
}

TEST_CASE("opening is bounded by the call that needs it") {
    Setting setting;
    setting.script->open = [](Call& call) {
        wait_for_cancel(call);
        throw provider_error(Code::cancelled, "gave up");
    };
    const auto error = failure_of([&] { return setting.start()->get(sandbox, {Milliseconds{5}, {}, {}}); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.fields().message == "not finished within 5ms");
}

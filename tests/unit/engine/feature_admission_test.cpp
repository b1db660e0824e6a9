// Fields that need a feature, methods that are optional, requirements: refused by the host, with every name.
#include "engine/feature_admission.hpp"

#include <doctest/doctest.h>

#include "fake_provider.hpp"

using namespace berth_test;

TEST_CASE("a field without its feature is refused with the provider's own reason, before the plugin is entered") {
    Setting setting;
    setting.script->withdraw("memory_limit", "the memory controller is not delegated to this user");
    const auto host = setting.start();
    CreateRequest request;
    request.config.environment.memory_limit_mib = 64;
    const auto error = failure_of([&] { return host->create(request); });
    CHECK(error.code() == Code::unsupported);
    CHECK(error.diagnostic() == "BERTH-E-08");
    CHECK(error.fields().message ==
          "`memory_limit` needs the feature memory_limit, which this provider does not offer here: the memory "
          "controller is not delegated to this user");
    CHECK(error.fields().provider == "fake");
    CHECK(error.fields().operation == "create");
    CHECK(setting.script->entered == 0);
}

TEST_CASE("every restricting or promising field of a sandbox has its feature") {
    struct Row {
        std::string feature;
        std::function<void(SandboxConfig&)> give;
    };
    const std::vector<Row> rows{
        {"memory_limit", [](auto& c) { c.environment.memory_limit_mib = 1; }},
        {"cpu_limit", [](auto& c) { c.environment.cpu_limit = 50; }},
        {"disk_limit", [](auto& c) { c.disk_limit_mib = 1; }},
        {"pids_limit", [](auto& c) { c.pids_limit = 1; }},
        {"ttl", [](auto& c) { c.ttl = Milliseconds{1}; }},
        {"idle_ttl", [](auto& c) { c.idle_ttl = Milliseconds{1}; }},
        {"persistent", [](auto& c) { c.persistent = true; }},
        {"template", [](auto& c) { c.template_name = "debian"; }},
        {"network_none", [](auto& c) { c.network = NetworkMode::none; }},
        {"network_host", [](auto& c) { c.network = NetworkMode::host; }},
        {"network_outbound", [](auto& c) { c.network = NetworkMode::outbound; }},
        {"network_allow_list", [](auto& c) { c.network = NetworkMode::allow_list; }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.feature);
        Setting setting;
        CreateRequest request;
        row.give(request.config);
        CHECK_NOTHROW(setting.start()->create(request));
        setting.script->withdraw(row.feature, "not here");
        const auto entered = setting.script->entered.load();
        CHECK(failure_of([&] { return setting.start()->create(request); }).code() == Code::unsupported);
        CHECK(setting.script->entered == entered);
    }
}

TEST_CASE("every restricting field of a process has its feature") {
    struct Row {
        std::string feature;
        std::function<void(ProcessConfig&)> give;
    };
    const std::vector<Row> rows{
        {"stdin", [](auto& p) { p.interactive = true; }},
        {"tty", [](auto& p) { p.terminal = Terminal{}; }},
        {"process_limits", [](auto& p) { p.environment.memory_limit_mib = 1; }},
        {"process_limits", [](auto& p) { p.environment.cpu_limit = 1; }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.feature);
        Setting setting;
        auto process = command("true");
        row.give(process);
        CHECK_NOTHROW(setting.start()->execute_stream(sandbox, process).wait());
        setting.script->withdraw(row.feature, "not here");
        const auto entered = setting.script->entered.load();
        CHECK(failure_of([&] { return setting.start()->execute_stream(sandbox, process).wait(); }).code() ==
              Code::unsupported);
        CHECK(setting.script->entered == entered);
    }
}

TEST_CASE("on_unsupported: warn takes out the two limits, says so in the log, and nothing else") {
    Setting setting;
    setting.options.configuration.defaults.on_unsupported = OnUnsupported::warn;
    for (const auto* feature : {"memory_limit", "cpu_limit", "disk_limit"})
        setting.script->withdraw(feature, "no cgroup");
    std::optional<SandboxConfig> arrived;
    setting.script->create = [&](Call&, const SandboxConfig& config, FileSource&, const Provider::InfoHandler&) {
        arrived = config;
        SandboxInfo info;
        info.id = "x";
        return info;
    };
    const auto host = setting.start();
    CreateRequest request;
    request.config.environment.memory_limit_mib = 64;
    request.config.environment.cpu_limit = 50;
    (void)host->create(request);
    REQUIRE(arrived);
    CHECK_FALSE(arrived->environment.memory_limit_mib);
    CHECK_FALSE(arrived->environment.cpu_limit);
    CHECK(setting.logged().find("`memory_limit` is left out") != std::string::npos);
    CHECK(setting.logged().find("`cpu_limit` is left out") != std::string::npos);
    request.config.disk_limit_mib = 1;
    CHECK(failure_of([&] { return host->create(request); }).code() == Code::unsupported);
}

TEST_CASE("an absent optional method is answered by the host") {
    Setting setting;
    for (const auto* method : {"create_snapshot", "restore_snapshot", "get_logs", "set_environment_variables",
                               "get_environment_variables", "berth.snapshots/1"})
        setting.script->lack(method);
    const auto host = setting.start();
    const std::vector<std::function<int()>> calls{
        [&] { return host->create_snapshot(sandbox, "s"), 0; },
        [&] {
            return host->restore_snapshot(sandbox, {"fake", "s"}), 0;
        },
        [&] { return host->get_logs(sandbox), 0; },
        [&] { return host->follow_logs(sandbox, {}, [](std::string_view) {}), 0; },
        [&] { return host->set_environment_variables(sandbox, {}), 0; },
        [&] { return host->get_environment_variables(sandbox), 0; },
        [&] { return host->list_snapshots("fake"), 0; },
        [&] {
            return host->delete_snapshot({"fake", "s"}), 0;
        },
    };
    for (const auto& call : calls) {
        const auto error = failure_of(call);
        CHECK(error.code() == Code::unsupported);
        CHECK(error.diagnostic() == "BERTH-E-07");
    }
    CHECK(setting.script->entered == 0);
}

TEST_CASE("what a request requires is refused before anything is made, with all that is missing") {
    Setting setting;
    setting.script->lack("create_snapshot");
    setting.script->withdraw("tty", "no pseudo terminals");
    const auto host = setting.start();
    CreateRequest request;
    request.require = {"create_snapshot", "tty", "stdin", "memory_limits"};
    const auto error = failure_of([&] { return host->create(request); });
    CHECK(error.diagnostic() == "BERTH-E-09");
    CHECK(error.fields().message ==
          "this provider lacks what is required: create_snapshot, tty (no pseudo terminals) and memory_limits (did you "
          "mean memory_limit?)");
    CHECK(setting.script->made == 0);
    request.require = {"stdin", "restart", "berth.snapshots/1", "delete_snapshot"};
    CHECK_NOTHROW(host->create(request));
}

TEST_CASE("following a log needs its feature") {
    Setting setting;
    setting.script->withdraw("log_follow", "");
    const auto host = setting.start();
    CHECK(failure_of([&] { return host->follow_logs(sandbox, {}, [](std::string_view) {}), 0; }).code() ==
          Code::unsupported);
    CHECK_NOTHROW(host->get_logs(sandbox));
}

TEST_CASE("a restart that would lose files needs the configuration's word") {
    Setting setting;
    setting.script->withdraw("restart_keeps_files", "the backend makes a new machine");
    auto host = setting.start();
    const auto error = failure_of([&] { return host->restart(sandbox); });
    CHECK(error.diagnostic() == "BERTH-E-12");
    CHECK(setting.script->entered == 0);
    setting.provider().restart_loss = RestartLoss::allow;
    CHECK(setting.start()->restart(sandbox).id == "box");
}

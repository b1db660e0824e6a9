// The C++ face over the fake host: what arrives, what goes back, and how a failure is told.
#include <doctest/doctest.h>

#include <stdexcept>

#include "scripted_plugin.hpp"

using namespace berth;
using namespace std::chrono_literals;
using testing::FakeHost;
using testing::Instance;

TEST_CASE("what is absent stays absent, what is empty stays empty") {
    FakeHost host;
    Script script;
    script.create = [](Call&, const SandboxConfig& config, FileSource&) {
        CHECK_FALSE(config.name());
        CHECK_FALSE(config.template_name());
        CHECK(config.environment().cwd() == std::optional<std::string_view>{""});
        CHECK(config.environment().timeout() == 0ms);
        CHECK_FALSE(config.environment().memory_limit_mib());
        CHECK(config.setup_commands().empty());
        CHECK_FALSE(config.ttl());
        CHECK(config.network() == Network::unspecified);
        SandboxInfo info = Script::info("one", config);
        info.error_text = "";
        info.usage = Usage{};
        info.usage->disk_bytes = 0;
        return info;
    };
    Instance instance{host};
    testing::SandboxRequest request;
    request.environment.cwd = "";
    request.environment.timeout = 0ms;
    const auto made = instance.create(request);
    REQUIRE(made.ok());
    CHECK_FALSE(made->name);
    CHECK(made->error_text == "");
    CHECK(made->environment.cwd == "");
    CHECK(made->environment.timeout == 0ms);
    CHECK_FALSE(made->environment.cpu_limit);
    REQUIRE(made->usage);
    CHECK(made->usage->disk_bytes == 0u);
    CHECK_FALSE(made->usage->memory_bytes);
}

TEST_CASE("every field of a sandbox arrives and comes back") {
    FakeHost host;
    Script script;
    script.create = [](Call&, const SandboxConfig& config, FileSource&) {
        CHECK(config.persistent());
        CHECK(config.name() == "web");
        CHECK(config.template_name() == "node");
        CHECK(config.setup_commands().size() == 2);
        CHECK(config.setup_commands()[1] == "make");
        CHECK(config.labels().find("team") == "core");
        CHECK_FALSE(config.labels().find("other"));
        CHECK(config.idempotency_key() == "k1");
        CHECK(config.ttl() == 5s);
        CHECK(config.idle_ttl() == 6s);
        CHECK(config.disk_limit_mib() == 7u);
        CHECK(config.pids_limit() == 8u);
        CHECK(config.network() == Network::allow_list);
        CHECK(config.network_allow()[0] == "example.org");
        CHECK(config.extra().find("region") == "eu");
        CHECK(config.environment().env()[0].secret);
        SandboxInfo info = Script::info("one", config);
        info.persistent = true;
        info.network = Network::outbound;
        info.last_used_at = Time{3s};
        info.expires_at = Time{4s};
        info.labels = config.labels();
        info.facts.set("cpu", "fast");
        info.backend_id = "b-1";
        info.template_name = "node";
        return info;
    };
    Instance instance{host};
    testing::SandboxRequest request;
    request.environment.env.set("KEY", "value", true);
    request.environment.memory_limit_mib = 64;
    request.environment.cpu_limit = 150.5;
    request.name = "web";
    request.template_name = "node";
    request.setup_commands = {"true", "make"};
    request.labels.set("team", "core");
    request.idempotency_key = "k1";
    request.persistent = true;
    request.ttl = 5s;
    request.idle_ttl = 6s;
    request.disk_limit_mib = 7;
    request.pids_limit = 8;
    request.network = Network::allow_list;
    request.network_allow = {"example.org"};
    request.extra.set("region", "eu");
    const auto made = instance.create(request);
    CHECK(made->persistent);
    CHECK(made->network == Network::outbound);
    CHECK(made->last_used_at == Time{3s});
    CHECK(made->expires_at == Time{4s});
    CHECK(made->labels == Variables{{"team", "core"}});
    CHECK(made->facts == Variables{{"cpu", "fast"}});
    CHECK(made->backend_id == "b-1");
    CHECK(made->template_name == "node");
    CHECK(made->environment.env == Variables{{"KEY", "value", true}});
    CHECK(made->environment.memory_limit_mib == 64u);
    CHECK(made->environment.cpu_limit == 150.5);
}

TEST_CASE("an error carries everything it was given") {
    FakeHost host;
    Script script;
    script.get = [](Call&, std::string_view) -> SandboxInfo {
        throw Error(Code::rate_limited, "slow down")
            .hint("wait")
            .outcome(Outcome::done)
            .detail("command", "make")
            .path("/a")
            .index(2)
            .retry_after(1500ms)
            .upstream_code("429")
            .upstream_request_id("r-1");
    };
    Instance instance{host};
    const auto answer = instance.get("one");
    REQUIRE(answer.error);
    CHECK(answer.error->code() == Code::rate_limited);
    CHECK(answer.error->message() == "slow down");
    CHECK(answer.error->hint() == "wait");
    CHECK(answer.error->outcome() == Outcome::done);
    CHECK(answer.error->details() == Variables{{"command", "make"}});
    CHECK(answer.error->path() == "/a");
    CHECK(answer.error->index() == 2u);
    CHECK(answer.error->retry_after() == 1500ms);
    CHECK(answer.error->upstream_code() == "429");
    CHECK(answer.error->upstream_request_id() == "r-1");
    CHECK_THROWS_AS(answer.value(), Error);
}

TEST_CASE("an outcome that was not said follows from the code, and is unknown when in doubt") {
    FakeHost host;
    Script script;
    Instance instance{host};
    for (const auto& [code, outcome] : {std::pair{Code::not_found, Outcome::none},
                                        {Code::invalid_argument, Outcome::none},
                                        {Code::unavailable, Outcome::unknown},
                                        {Code::internal, Outcome::unknown}}) {
        script.destroy = [code = code](Call&, std::string_view) { throw Error(code, "no"); };
        CHECK(instance.destroy("one").error->outcome() == outcome);
    }
}

TEST_CASE("whatever a method throws stays on its side") {
    FakeHost host;
    Script script;
    Instance instance{host};
    script.destroy = [](Call&, std::string_view) { throw std::runtime_error("boom"); };
    CHECK(instance.destroy("one").error->code() == Code::internal);
    CHECK(instance.destroy("one").error->message() == "the plugin threw: boom");
    script.destroy = [](Call&, std::string_view) { throw std::bad_alloc(); };
    CHECK(instance.destroy("one").error->code() == Code::resource_exhausted);
    script.destroy = [](Call&, std::string_view) { throw 7; };
    CHECK(instance.destroy("one").error->code() == Code::internal);
}

TEST_CASE("a constructor may refuse, with a reason") {
    FakeHost host;
    Script script;
    host.setting("/port", std::int64_t{70000});
    script.open = [](Host, const Settings& settings, Call&) { (void)settings.get<std::uint16_t>("/port"); };
    try {
        Instance instance{host};
        FAIL("it opened");
    } catch (const Error& error) {
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.message() == "the setting /port is not in the range of its type");
    }
}

TEST_CASE("settings, secrets, state and log reach the plugin") {
    FakeHost host;
    host.setting("/port", 80)
        .setting("/name", "x")
        .setting("/on", true)
        .setting("/share", 0.5)
        .setting("/none", nullptr);
    host.setting("/regions", std::vector<std::string>{"eu", "us"})
        .setting("/git/a~1b", "deep")
        .secret("/token", "s3cret");
    Script script;
    script.open = [](Host api, const Settings& settings, Call& call) {
        CHECK(settings.get<int>("/port") == 80);
        CHECK(settings.get<double>("/port") == 80.0);
        CHECK(settings.get<std::string>("/name") == "x");
        CHECK(settings.get<std::string_view>("/name") == "x");
        CHECK(settings.get<bool>("/on"));
        CHECK(settings.get<double>("/share") == 0.5);
        CHECK(settings.get<std::vector<std::string>>("/regions") == std::vector<std::string>{"eu", "us"});
        CHECK(settings.keys("/git") == std::vector<std::string>{"a/b"});
        CHECK(settings.kind("/git") == SettingKind::map);
        CHECK(settings.has("/none"));
        CHECK_FALSE(settings.find<std::string>("/none"));
        CHECK_FALSE(settings.has("/token"));
        CHECK(settings.get<int>("/other", 5) == 5);
        CHECK_THROWS_AS(settings.get<int>("/other"), Error);
        CHECK_THROWS_AS(settings.get<bool>("/name"), Error);
        CHECK_THROWS_AS((void)settings.get<std::string>("/port"), Error);
        CHECK(api.secret(call, "/token") == "s3cret");
        CHECK_FALSE(api.find_secret(call, "/other"));
        CHECK_THROWS_AS(api.secret(call, "/other"), Error);
        const StateStore state = api.state();
        CHECK_FALSE(state.get(call, "env"));
        const auto revision = state.put(call, "env", "1", 0);
        REQUIRE(revision);
        CHECK_FALSE(state.put(call, "env", "2", 0));
        state.update(call, "env", [](std::optional<std::string> before) { return before.value() + "+"; });
        CHECK(state.get(call, "env")->value == "1+");
        CHECK(state.keys(call, "e") == std::vector<std::string>{"env"});
        CHECK_FALSE(state.remove(call, "env", *revision));
        api.log(LogLevel::warning, "hello");
    };
    Instance instance{host};
    REQUIRE(host.log_lines().size() == 1);
    CHECK(host.log_lines()[0].text == "hello");
    CHECK(host.log_lines()[0].level == LogLevel::warning);
}

TEST_CASE("a service that the host lacks answers unsupported") {
    FakeHost host;
    host.without_services();
    Script script;
    Code code{};
    script.destroy = [&](Call& call, std::string_view) {
        try {
            (void)Host{&host}.http().open(call, HttpRequest{});
        } catch (const Error& error) {
            code = error.code();
        }
        (void)Host{&host}.state().get(call, "key");
    };
    Instance instance{host};
    CHECK(instance.destroy("one").error->code() == Code::unsupported);
    CHECK(code == Code::unsupported);
}

TEST_CASE("features are those of the manifest, less what the instance withdraws") {
    FakeHost host;
    Script script;
    script.features = [](Call&) {
        return Features{}.withdraw("memory_limit", "no cgroups here").withdraw("tty", "never had");
    };
    Instance instance{host};
    const auto features = instance.describe();
    REQUIRE(features.ok());
    REQUIRE(features->size() == 3);
    CHECK(features.result[0].first == "stdin");
    CHECK_FALSE(features.result[0].second);
    CHECK(features.result[1] == std::pair<std::string, std::optional<std::string>>{"memory_limit", "no cgroups here"});
    CHECK(features.result[2].first == "log_follow");
}

TEST_CASE("a sandbox may be announced before it is ready") {
    FakeHost host;
    Script script;
    script.create = [](Call& call, const SandboxConfig& config, FileSource&) {
        SandboxInfo info = Script::info("one", config);
        info.state = SandboxState::initializing;
        call.announce(info);
        info.state = SandboxState::ready;
        return info;
    };
    script.get = [](Call& call, std::string_view id) {
        call.announce(Script::info(id));
        return Script::info(id);
    };
    Instance instance{host};
    const auto made = instance.create();
    CHECK(made.puts == 2);
    CHECK(made->state == SandboxState::ready);
    CHECK(instance.get("one").error->code() == Code::internal);
}

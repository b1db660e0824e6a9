// A whole provider over a plugin made of functions: requests in, checked results out, one error otherwise.
#include "provider/direct_provider.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/broken_pipe.hpp"
#include "support.hpp"

using namespace berth;
using namespace berth_test;

namespace {

struct Fixture {
    FakePlugin plugin;
    Call call{{.method = "get"}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a provider is opened, used, and closed once") {
    plugin.get = answers_for("box");
    {
        const auto provider = plugin.open();
        CHECK(provider->name() == "acme");
        CHECK(plugin.opened == 1);
        const auto found = provider->get(call, "box");
        CHECK(found.full_name() == "acme/box");
        CHECK(found.state == SandboxState::ready);
        CHECK(plugin.closed == 0);
    }
    CHECK(plugin.closed == 1);
}

#ifndef THROUGH_WORKER
TEST_CASE_FIXTURE(Fixture, "a plugin that writes where nobody reads sees EPIPE, and the program no signal") {
    // By itself it would end this process.
    int writes = 0;
    const auto write_in_vain = [&writes] {
        auto pipe = make_pipe();
        pipe.read_end.reset();
        CHECK(::write(pipe.write_end.get(), "x", 1) == -1);
        CHECK(errno == EPIPE);
        ++writes;
    };
    plugin.on_open = [&](const berth_host*, berth_call*) -> berth_status { return write_in_vain(), BERTH_OK; };
    plugin.destroy = [&](berth_call*, berth_str) -> berth_status { return write_in_vain(), BERTH_OK; };
    plugin.on_close = write_in_vain;
    plugin.open()->destroy(call, "box");
    CHECK(writes == 3);
    sigset_t waiting;
    ::sigpending(&waiting);
    CHECK(::sigismember(&waiting, SIGPIPE) == 0);

    // Ignored is as good, and stays so.
    ::signal(SIGPIPE, SIG_IGN);
    plugin.open()->destroy(call, "box");
    CHECK(writes == 6);
    CHECK(broken_pipes_are_ignored());
    ::signal(SIGPIPE, SIG_DFL);
}
#endif

TEST_CASE_FIXTURE(Fixture, "what cannot be opened is an error with its place, and is not closed") {
    plugin.on_open = [](const berth_host* host, berth_call* c) {
        CHECK(std::string(host->provider_name.data, host->provider_name.size) == "acme");
        auto full = error(BERTH_AUTH_FAILED, "the key has expired");
        return c->fail(c, &full);
    };
    const auto failure = error_of([&] { (void)plugin.open(); });
    CHECK(failure.diagnostic() == "BERTH-R-19");
    CHECK(failure.fields().provider == "acme");
    CHECK(failure.fields().operation == "open");
    CHECK(plugin.closed == 0);
}

TEST_CASE_FIXTURE(Fixture, "an instance that cannot describe itself is closed again") {
    plugin.on_describe = [](berth_call*, berth_feature_sink*) -> berth_status { throw std::logic_error("who am I"); };
    const auto failure = error_of([&] { (void)plugin.open(); });
    CHECK(failure.diagnostic() == "BERTH-R-50");
    CHECK(failure.fields().operation == "describe");
    CHECK(plugin.closed == 1);
}

TEST_CASE_FIXTURE(Fixture, "describe withdraws features of the manifest, with or without a reason") {
    plugin.loaded.manifest.features = {"stdin", "memory_limit", "tty"};
    plugin.on_describe = [](berth_call*, berth_feature_sink* sink) {
        berth_feature feature{};
        feature.size = sizeof feature;
        feature.name = text("memory_limit");
        feature.reason = text("no cgroup is delegated to this user");
        CHECK(sink->put(sink, &feature) == BERTH_OK);
        feature.name = text("stdin");
        feature.reason = {};
        return sink->put(sink, &feature);
    };
    const auto provider = plugin.open();
    const auto& offer = provider->offer();
    CHECK(offer.has_feature("stdin"));
    CHECK_FALSE(offer.has_feature("memory_limit"));
    CHECK_FALSE(offer.has_feature("tty"));
    CHECK_FALSE(offer.has_feature("ports"));
    REQUIRE(offer.feature("memory_limit"));
    CHECK(offer.feature("memory_limit")->reason == "no cgroup is delegated to this user");
    REQUIRE(offer.feature("tty"));
    CHECK(offer.feature("tty")->reason.empty());
    CHECK(offer.feature("ports") == nullptr);
    CHECK(offer.has_method("create"));
    CHECK(offer.has_method("get_logs"));
    CHECK_FALSE(offer.has_method("restore_snapshot"));
    CHECK(offer.has_method("berth.snapshots/1"));
}

TEST_CASE_FIXTURE(Fixture, "a feature beyond the manifest, or twice, is refused at open") {
    plugin.loaded.manifest.features = {"stdin"};
    std::vector<std::string> names;
    SUBCASE("beyond") {
        names = {"tty"};
    }
    SUBCASE("twice") {
        names = {"stdin", "stdin"};
    }
    plugin.on_describe = [names](berth_call*, berth_feature_sink* sink) {
        for (const auto& name : names) {
            berth_feature feature{};
            feature.size = sizeof feature;
            feature.name = text(name);
            (void)sink->put(sink, &feature);
        }
        return BERTH_OK;
    };
    CHECK(error_of([&] { (void)plugin.open(); }).diagnostic() == "BERTH-R-59");
    CHECK(plugin.closed == 1);
}

TEST_CASE_FIXTURE(Fixture, "a request reaches the plugin whole: absent stays absent, empty stays empty") {
    SandboxConfig config;
    config.environment.env = {{"A", ""}, {"TOKEN", "canary"}};
    config.environment.cwd = "";
    config.environment.memory_limit_mib = 0;
    config.secret_env = {"TOKEN"};
    config.labels = {{"team", "core"}};
    config.setup_commands = {"make", ""};
    config.persistent = true;
    config.network = NetworkMode::allow_list;
    config.idempotency_key = "key-1";
    config.extra = {{"region", "fra1"}};
    bool seen = false;
    plugin.create = [&](berth_call*, const berth_sandbox_config* c, berth_file_source*, berth_info_sink* sink) {
        seen = true;
        CHECK(c->size == sizeof *c);
        CHECK(c->flags == BERTH_SANDBOX_PERSISTENT);
        REQUIRE(c->environment->env.count == 2);
        CHECK(c->environment->env.data[0].value.data != nullptr);
        CHECK(c->environment->env.data[0].value.size == 0);
        CHECK(c->environment->env.data[0].flags == 0);
        CHECK(c->environment->env.data[1].flags == BERTH_PAIR_SECRET);
        CHECK(c->environment->cwd.data != nullptr);
        CHECK(c->environment->timeout_ms.present == 0);
        CHECK(c->environment->memory_limit_mib.present == 1);
        CHECK(c->environment->memory_limit_mib.value == 0);
        CHECK(c->name.data == nullptr);
        CHECK(c->template_name.data == nullptr);
        CHECK(c->setup_commands.count == 2);
        CHECK(c->network == BERTH_NETWORK_ALLOW_LIST);
        CHECK(c->network_allow.count == 0);
        CHECK(c->extra.count == 1);
        const auto env = environment();
        const auto full = info("box", env);
        return sink->put(sink, &full);
    };
    const auto provider = plugin.open();
    NoFiles files;
    const auto made = provider->create(call, config, files, {});
    CHECK(seen);
    CHECK(made.idempotency_key == "key-1");
}

TEST_CASE_FIXTURE(Fixture, "a process reaches the plugin whole") {
    ProcessConfig process;
    process.command = "cat";
    process.args = {"", "--", "a b"};
    process.input = "";
    process.error = Capture::discard;
    process.kill_background = true;
    plugin.execute = [&](berth_call*, berth_str id, const berth_process* c, berth_process_sink* sink) {
        CHECK(std::string(id.data, id.size) == "box");
        CHECK(c->flags == (BERTH_PROCESS_DISCARD_STDERR | BERTH_PROCESS_KILL_BACKGROUND));
        CHECK(c->args.count == 3);
        CHECK(c->args.data[0].data != nullptr);
        CHECK(c->input.data != nullptr);
        CHECK(c->input.size == 0);
        CHECK(c->kill_grace_ms == 2000);
        CHECK(c->drain_grace_ms == 200);
        CHECK(c->terminal.data == nullptr);
        CHECK(sink->started(sink, {31, 1}) == BERTH_OK);
        CHECK(sink->output(sink, BERTH_STDOUT, bytes("hello")) == BERTH_OK);
        const auto end = exited(0);
        return sink->ended(sink, &end);
    };
    const auto provider = plugin.open();
    Receiver receiver;
    const auto end = provider->execute(call, "box", process, receiver);
    CHECK(end.kind == ProcessEnd::Kind::exited);
    CHECK(receiver.started_with == 31);
    CHECK(receiver.seen == "hello");
    process.input.reset();
    process.terminal = Terminal{{40, 100}, "vt100"};
    process.interactive = true;
    plugin.execute = [&](berth_call*, berth_str, const berth_process* c, berth_process_sink* sink) {
        CHECK(c->input.data == nullptr);
        CHECK((c->flags & (BERTH_PROCESS_TTY | BERTH_PROCESS_LIVE_STDIN)) ==
              (BERTH_PROCESS_TTY | BERTH_PROCESS_LIVE_STDIN));
        CHECK(c->rows == 40);
        CHECK(c->columns == 100);
        const auto ended = exited(127);
        return sink->ended(sink, &ended);
    };
    CHECK(provider->execute_stream(call, "box", process, receiver).exit_code == 127);
}

TEST_CASE_FIXTURE(Fixture, "create tells early what the backend has named, and the last info counts") {
    plugin.create = [](berth_call*, const berth_sandbox_config*, berth_file_source*, berth_info_sink* sink) {
        const auto env = environment();
        auto full = info("box", env);
        full.state = BERTH_STATE_INITIALIZING;
        CHECK(sink->put(sink, &full) == BERTH_OK);
        full.state = BERTH_STATE_READY;
        return sink->put(sink, &full);
    };
    const auto provider = plugin.open();
    NoFiles files;
    std::vector<SandboxState> states;
    const auto made =
        provider->create(call, {}, files, [&](const SandboxInfo& early) { states.push_back(early.state); });
    CHECK(made.state == SandboxState::ready);
    CHECK(states == std::vector{SandboxState::initializing, SandboxState::ready});
}

TEST_CASE_FIXTURE(Fixture, "a create that fails after it named the sandbox names it in the error") {
    plugin.create = [](berth_call* c, const berth_sandbox_config*, berth_file_source*, berth_info_sink* sink) {
        const auto env = environment();
        const auto full = info("box", env);
        CHECK(sink->put(sink, &full) == BERTH_OK);
        auto failure = error(BERTH_EXECUTION_FAILED, "setup failed");
        return c->fail(c, &failure);
    };
    const auto provider = plugin.open();
    NoFiles files;
    const auto failure = error_of([&] { (void)provider->create(call, {}, files, {}); });
    CHECK(failure.diagnostic() == "BERTH-R-10");
    CHECK(failure.fields().sandbox == "box");
}

TEST_CASE_FIXTURE(Fixture, "a secret that cannot be read is the error, without a fail of the plugin") {
    Settings settings;
    settings.secrets["/token"] = {SecretSource::Kind::variable, "ACME_TOKEN", "${env:ACME_TOKEN}", "berth.yaml:3:5"};
    plugin.on_open = [](const berth_host* host, berth_call* c) {
        berth_bytes_sink sink{sizeof sink, 0, nullptr,
                              [](berth_bytes_sink*, berth_bytes) -> berth_status { return BERTH_OK; }};
        return host->secrets->get(host, c, text("/token"), &sink);
    };
    const auto failure = error_of([&] { (void)plugin.open(settings); });
    CHECK(failure.code() == Code::auth_failed);
    CHECK(failure.diagnostic().substr(0, 8) == "BERTH-C-");
}

TEST_CASE_FIXTURE(Fixture, "a cancel reaches the plugin, and its clean-up window works") {
    Call create({.method = "create", .cleanup_cap = std::chrono::hours(1)});
    plugin.create = [&create](berth_call* c, const berth_sandbox_config*, berth_file_source* source, berth_info_sink*) {
        create.cancel(CancelReason::caller);
        berth_file_entry entry{};
        entry.size = sizeof entry;
        CHECK(source->next(source, &entry) == BERTH_CANCELLED);
        CHECK(c->begin_cleanup(c, 1000) == 1000);
        CHECK(source->next(source, &entry) == BERTH_END);
        return berth_status{BERTH_CANCELLED};
    };
    const auto provider = plugin.open();
    NoFiles files;
    const auto failure = error_of([&] { (void)provider->create(create, {}, files, {}); });
    CHECK(failure.diagnostic() == "BERTH-R-09");
}

TEST_CASE_FIXTURE(Fixture, "a deadline makes the plugin's CANCELLED a TIMEOUT") {
    Call create({.method = "create"});
    plugin.create = [&create](berth_call* c, const berth_sandbox_config*, berth_file_source*, berth_info_sink*) {
        create.cancel(CancelReason::deadline);
        // In a worker it takes a moment.
        pollfd waiting{c->events_fd(c), POLLIN, 0};
        ::poll(&waiting, 1, -1);
        berth_event event{};
        event.size = sizeof event;
        CHECK(c->next_event(c, &event) == BERTH_OK);
        CHECK(event.reason == BERTH_CANCEL_DEADLINE);
        auto failure = error(BERTH_CANCELLED, "nothing was made");
        failure.outcome = BERTH_OUTCOME_NONE;
        return c->fail(c, &failure);
    };
    const auto provider = plugin.open();
    NoFiles files;
    const auto failure = error_of([&] { (void)provider->create(create, {}, files, {}); });
    CHECK(failure.diagnostic() == "BERTH-R-08");
    CHECK(failure.code() == Code::timeout);
    CHECK(failure.fields().outcome == Outcome::none);
}

TEST_CASE_FIXTURE(Fixture, "close waits for the methods that run and comes once") {
    std::promise<void> entered;
    std::promise<pid_t> closing;
    std::atomic<bool> returned{false};
    plugin.destroy = [&](berth_call*, berth_str) {
        entered.set_value();
        const auto closer = closing.get_future().get();
        // Until the closing thread waits for us, or has closed without waiting.
        while (plugin.closed == 0 && !sleeps(closer))
            std::this_thread::yield();
        returned = true;
        return BERTH_OK;
    };
    plugin.on_close = [&] { CHECK(returned); };
    auto provider = plugin.open();
    std::thread user([&, running = provider.get()] {
        Call own({.method = "destroy"});
        running->destroy(own, "box");
    });
    entered.get_future().wait();
    std::thread closer([&] {
        closing.set_value(::gettid());
        provider.reset();
    });
    user.join();
    closer.join();
    CHECK(plugin.closed == 1);
}

TEST_CASE_FIXTURE(Fixture, "an exception in close stays inside") {
    plugin.on_close = [] { throw std::runtime_error("too late"); };
    plugin.open().reset();
    CHECK(plugin.closed == 1);
    CHECK(plugin.lines.all().find("BERTH-R-50") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "many threads use one provider at once") {
    plugin.get = [](berth_call*, berth_str id, berth_info_sink* sink) {
        const auto env = environment();
        const auto full = info({id.data, id.size}, env);
        return sink->put(sink, &full);
    };
    const auto provider = plugin.open();
    std::vector<std::thread> users;
    std::atomic<int> right{0};
    for (int user = 0; user < 4; ++user) {
        users.emplace_back([&, user] {
            for (int round = 0; round < 50; ++round) {
                Call own({.method = "get"});
                const auto id = "box-" + std::to_string(user) + "-" + std::to_string(round);
                if (provider->get(own, id).id == id) ++right;
            }
        });
    }
    for (auto& user : users)
        user.join();
    CHECK(right == 200);
}

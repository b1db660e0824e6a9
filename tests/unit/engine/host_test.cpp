// The Host as a whole: what it fills in, what it remembers, what it joins, and how it ends.
#include "engine/host.hpp"

#include <doctest/doctest.h>

#include <set>

#include "fake_provider.hpp"

using namespace berth_test;
using namespace std::string_literals;

TEST_CASE("create fills in defaults, labels and a key, and the provider's name comes back") {
    Setting setting;
    setting.options.configuration.defaults.timeout = Milliseconds{300'000};
    setting.options.configuration.defaults.labels = {{"team", "core"}, {"a", "default"}, {"b", "default"}};
    setting.provider().labels = {{"a", "provider"}, {"b", "provider"}};
    const auto host = setting.start();
    CreateRequest request;
    request.config.labels = {{"a", "request"}};
    const auto info = host->create(request);
    CHECK(info.provider == "fake");
    CHECK(info.labels == Variables{{"team", "core"}, {"a", "request"}, {"b", "provider"}});
    CHECK(info.environment.timeout == Milliseconds{300'000});
    CHECK(info.idempotency_key.size() == 32);
    CHECK(host->create(request).idempotency_key != info.idempotency_key);
    request.config.idempotency_key = "mine";
    CHECK(host->create(request).idempotency_key == "mine");
}

TEST_CASE("execute fills in the graces") {
    Setting setting;
    setting.options.configuration.defaults.kill_grace = Milliseconds{1};
    setting.options.configuration.defaults.drain_grace = Milliseconds{2};
    setting.script->execute = [](Call&, std::string_view, const ProcessConfig& process, ProcessReceiver&) {
        CHECK(process.kill_grace == Milliseconds{1});
        CHECK(process.drain_grace == Milliseconds{2});
        return ProcessEnd{};
    };
    CHECK(setting.start()->execute(sandbox, command("x")).exit_code == 0);
}

TEST_CASE("an early info names the sandbox of a create that fails") {
    Setting setting;
    setting.script->create = [](Call&, const SandboxConfig&, FileSource&,
                                const Provider::InfoHandler& early) -> SandboxInfo {
        SandboxInfo info;
        info.id = "half-made";
        early(info);
        throw provider_error(Code::unavailable, "lost", Outcome::unknown);
    };
    const auto error = failure_of([&] { return setting.start()->create({}); });
    CHECK(error.fields().sandbox == "half-made");
    CHECK(error.fields().outcome == Outcome::unknown);
}

TEST_CASE("what is thrown and is no Error becomes one") {
    Setting setting;
    setting.script->get = [](Call&, std::string_view) -> SandboxInfo { throw std::runtime_error("boom"); };
    const auto error = failure_of([&] { return setting.start()->get(sandbox); });
    CHECK(error.code() == Code::internal);
    CHECK(error.diagnostic() == "BERTH-E-17");
    CHECK(error.fields().message == "unexpected failure: boom");
    CHECK(error.fields().operation == "get");
}

TEST_CASE("a call that was given up before it began does nothing") {
    Setting setting;
    const auto host = setting.start();
    std::stop_source stop;
    stop.request_stop();
    const auto error = failure_of([&] { return host->create({}, {{}, stop.get_token(), {}}); });
    CHECK(error.code() == Code::cancelled);
    CHECK(error.fields().outcome == Outcome::none);
    CHECK(failure_of([&] {
              return host->execute_stream(sandbox, command("x"), {{}, stop.get_token(), {}}).wait();
          }).code() == Code::cancelled);
    CHECK(setting.script->opened == 0);
    CHECK(setting.script->entered == 0);
}

TEST_CASE("stop reaches a running call") {
    Setting setting;
    Signal running;
    setting.script->create = [&](Call& call, const SandboxConfig&, FileSource&,
                                 const Provider::InfoHandler&) -> SandboxInfo {
        running.raise();
        wait_for_cancel(call);
        CHECK(call.cancel_reason() == CancelReason::caller);
        throw provider_error(Code::cancelled, "undone");
    };
    const auto host = setting.start();
    std::stop_source stop;
    std::thread stopper([&] {
        CHECK(running.wait());
        stop.request_stop();
    });
    CHECK(failure_of([&] { return host->create({}, {{}, stop.get_token(), {}}); }).code() == Code::cancelled);
    stopper.join();
}

TEST_CASE("list sorts, asks all providers, and shows failures beside results") {
    Setting setting;
    setting.add("other");
    setting.add("broken");
    const auto at = [](std::string id, int time) {
        SandboxInfo info;
        info.id = std::move(id);
        info.created_at = Moment{Milliseconds{time}};
        return info;
    };
    setting.script->list = [&](Call&) { return std::vector{at("z", 2), at("b", 1)}; };
    setting.scripts["other"]->list = [&](Call&) { return std::vector{at("a", 1), at("c", 3)}; };
    setting.scripts["broken"]->list = [](Call&) -> std::vector<SandboxInfo> {
        throw provider_error(Code::unavailable, "down");
    };
    const auto host = setting.start();
    const auto list = host->list();
    std::string names;
    for (const auto& info : list.sandboxes)
        names += info.full_name() + " ";
    CHECK(names == "other/a fake/b fake/z other/c ");
    REQUIRE(list.failures.size() == 1);
    CHECK(list.failures.front().fields().provider == "broken");
    CHECK(host->list("other").sandboxes.size() == 2);
    CHECK(host->list("broken").failures.size() == 1);
    CHECK(failure_of([&] { return host->list("nobody"); }).diagnostic() == "BERTH-E-02");
}

TEST_CASE("is_ready is false for whatever is not there, and says why in the log") {
    Setting setting;
    const auto host = setting.start();
    const auto fails_with = [&](Code code) {
        setting.script->is_ready = [code](Call&, std::string_view) -> bool {
            throw provider_error(code, "the reason");
        };
    };
    CHECK(host->is_ready(sandbox));
    for (const auto code : {Code::not_found, Code::unavailable, Code::timeout, Code::protocol_error}) {
        fails_with(code);
        CHECK_FALSE(host->is_ready(sandbox));
    }
    CHECK(setting.logged().find("the reason") != std::string::npos);
    CHECK_FALSE(host->is_ready({"nobody", "x"}));
    CHECK_FALSE(host->is_ready({"fake", "a/b"}));
    for (const auto code : {Code::cancelled, Code::auth_failed, Code::internal}) {
        fails_with(code);
        CHECK(failure_of([&] { return host->is_ready(sandbox); }).code() == code);
    }
}

TEST_CASE("autostart starts a stopped sandbox once, and only a stopped one") {
    Setting setting;
    std::atomic<int> restarts{0};
    std::atomic<bool> running{false};
    SandboxState state = SandboxState::stopped;
    setting.script->get = [&](Call&, std::string_view id) {
        SandboxInfo info;
        info.id = id;
        info.state = state;
        return info;
    };
    setting.script->restart = [&](Call&, std::string_view id) {
        ++restarts;
        running = true;
        SandboxInfo info;
        info.id = id;
        return info;
    };
    setting.script->execute = [&](Call&, std::string_view, const ProcessConfig&, ProcessReceiver&) {
        if (!running) throw provider_error(Code::not_ready, "stopped");
        return ProcessEnd{};
    };
    setting.script->execute_stream = setting.script->execute;
    CHECK(failure_of([&] { return setting.start()->execute(sandbox, command("x")); }).code() == Code::not_ready);
    CHECK(restarts == 0);
    setting.options.configuration.defaults.autostart = Autostart::on;
    CHECK(setting.start()->execute(sandbox, command("x")).exit_code == 0);
    CHECK(restarts == 1);
    running = false;
    CHECK(setting.start()->execute_stream(sandbox, command("x")).wait().exit_code == 0);
    CHECK(restarts == 2);
    running = false;
    state = SandboxState::initializing;
    CHECK(failure_of([&] { return setting.start()->execute(sandbox, command("x")); }).code() == Code::not_ready);
    CHECK(restarts == 2);
}

TEST_CASE("the end of the Host destroys what it made and what is not persistent") {
    Setting setting;
    std::mutex mutex;
    std::set<std::string> destroyed;
    setting.script->destroy = [&](Call&, std::string_view id) {
        const std::lock_guard lock(mutex);
        if (id == "made-4") throw provider_error(Code::unavailable, "cannot");
        destroyed.emplace(id);
    };
    auto host = setting.start();
    CreateRequest request;
    (void)host->create(request);
    (void)host->create(request);
    request.config.persistent = true;
    (void)host->create(request);
    request.config.persistent = false;
    (void)host->create(request);
    host->destroy({"fake", "made-1"});
    destroyed.clear();
    host.reset();
    CHECK(destroyed == std::set<std::string>{"made-2"});
    CHECK(setting.logged().find("a sandbox is left behind") != std::string::npos);
    CHECK(setting.script->closed == 1);
}

TEST_CASE("the end of the Host cancels what runs, and leaves running what may be left") {
    Setting setting;
    std::atomic<int> cancelled{0};
    std::atomic<int> detached{0};
    const auto wait_for_word = [&](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        receiver.started(1);
        for (;;) {
            const auto event = call.next_event();
            if (!event) {
                std::this_thread::yield();
            } else if (event->kind == CallEvent::Kind::detach) {
                ++detached;
                return ProcessEnd{ProcessEnd::Kind::detached, 0, 0, {}};
            } else {
                CHECK(event->reason == CancelReason::shutdown);
                ++cancelled;
                return ProcessEnd{ProcessEnd::Kind::cancelled, 0, 15, {}};
            }
        }
    };
    setting.script->execute_stream = wait_for_word;
    setting.script->execute = wait_for_word;
    auto host = setting.start();
    const auto mine = host->create({});
    auto kept = host->execute_stream(sandbox, command("x"));
    auto doomed = host->execute_stream({"fake", mine.id}, command("x"));
    std::thread collecting(
        [&, running = host.get()] { CHECK(running->execute(sandbox, command("x")).reason == "shutdown"); });
    CHECK(eventually([&] { return setting.script->entered == 4; }));
    host.reset();
    collecting.join();
    CHECK(kept.wait().reason == "detached");
    CHECK(doomed.wait().reason == "shutdown");
    CHECK(cancelled == 2);
    CHECK(detached == 1);
    // The handles outlive the Host and still answer.
    CHECK_FALSE(kept.kill());
    doomed.cancel();
}

TEST_CASE("a log is collected, within bounds, and followed until it is stopped") {
    Setting setting;
    setting.script->get_logs = [](Call& call, const LogOptions&, Provider::Follow follow,
                                  const Provider::BytesHandler& handler) {
        handler("line\n");
        if (follow == Provider::Follow::no) return;
        wait_for_cancel(call);
        throw provider_error(Code::cancelled, "stopped");
    };
    const auto host = setting.start();
    CHECK(host->get_logs(sandbox) == "line\n");
    std::stop_source stop;
    std::string followed;
    host->follow_logs(sandbox, {},
                      [&](std::string_view bytes) {
                          followed += bytes;
                          stop.request_stop();
                      },
                      {{}, stop.get_token(), {}});
    CHECK(followed == "line\n");
    CHECK_NOTHROW(host->follow_logs(sandbox, {}, [](std::string_view) {}, {Milliseconds{5}, {}, {}}));
    CHECK_THROWS_WITH(host->follow_logs(sandbox, {}, [](std::string_view) { throw std::runtime_error("handler"); }),
                      "handler");
    setting.script->get_logs = [](Call&, const LogOptions&, Provider::Follow, const Provider::BytesHandler& handler) {
        const std::string megabyte(1U << 20U, 'x');
        for (int index = 0; index < 65; ++index)
            handler(megabyte);
    };
    CHECK(failure_of([&] { return host->get_logs(sandbox); }).diagnostic() == "BERTH-E-20");
}

TEST_CASE("snapshots carry full names and stay with their provider") {
    Setting setting;
    const auto host = setting.start();
    const auto snapshot = host->create_snapshot(sandbox, "v1");
    CHECK(snapshot.text() == "fake/snapshot-v1");
    CHECK_NOTHROW(host->restore_snapshot(sandbox, snapshot));
    CHECK(host->list_snapshots("fake").front().provider == "fake");
    CHECK_NOTHROW(host->delete_snapshot(snapshot));
    CHECK(failure_of([&] { return host->restore_snapshot(sandbox, {"other", "x"}), 0; }).diagnostic() == "BERTH-E-13");
    CHECK(failure_of([&] { return host->create_snapshot(sandbox, "a/b"); }).code() == Code::invalid_argument);
}

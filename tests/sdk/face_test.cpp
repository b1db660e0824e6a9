// The C++ face over the fake host: what arrives, what goes back, and how a failure is told.
#include <doctest/doctest.h>

#include <csignal>
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

TEST_CASE("the end of a process is what the method returns") {
    FakeHost host;
    Script script;
    script.execute = [](Call&, std::string_view id, const Process& process, ProcessSink& sink) {
        CHECK(id == "one");
        CHECK(process.command() == "echo");
        CHECK(process.args().size() == 2);
        CHECK(process.args()[0] == "");
        CHECK(process.input() == "in");
        CHECK_FALSE(process.live_stdin());
        CHECK(process.discards(Stream::err));
        CHECK_FALSE(process.discards(Stream::out));
        CHECK(process.terminal()->columns == 80);
        CHECK(process.kill_grace() == 2s);
        sink.started(42);
        CHECK(sink.output(Stream::out, std::string("a\0b\xff", 4)) == Delivered::taken);
        CHECK(sink.output(Stream::err, "e") == Delivered::taken);
        ProcessEnd end = ProcessEnd::exited(300);
        end.duration = 5ms;
        return end;
    };
    Instance instance{host};
    testing::ProcessRequest request{"echo", {"", "x"}};
    request.input = "in";
    request.discard_stderr = true;
    request.terminal = {24, 80};
    const auto run = instance.execute("one", request);
    CHECK_FALSE(run.error);
    CHECK(run.started);
    CHECK(run.pid == 42);
    CHECK(run.out == std::string("a\0b\xff", 4));
    CHECK(run.err == "e");
    REQUIRE(run.end);
    CHECK(run.end->kind == EndKind::exited);
    CHECK(run.end->exit_code == 44);
    CHECK(run.end->duration == 5ms);
}

TEST_CASE("a process that never started is still said to have, without a number") {
    FakeHost host;
    Script script;
    script.execute = [](Call&, std::string_view, const Process&, ProcessSink&) { return ProcessEnd::not_found(); };
    Instance instance{host};
    const auto run = instance.execute("one", {"nothing"});
    CHECK(run.started);
    CHECK_FALSE(run.pid);
    CHECK(run.end->exit_code == 127);
}

TEST_CASE("output of more than 1 MiB goes out in pieces") {
    FakeHost host;
    Script script;
    const std::string big((std::size_t{2} << 20) + 5, 'x');
    script.execute = [&](Call&, std::string_view, const Process&, ProcessSink& sink) {
        CHECK(sink.output(Stream::out, big) == Delivered::taken);
        return ProcessEnd::exited(0);
    };
    Instance instance{host};
    CHECK(instance.execute("one", {"cat"}).out == big);
}

TEST_CASE("an interrupted output runs the handler and offers the same bytes again") {
    FakeHost host;
    Script script;
    std::vector<int> signals;
    script.execute = [&](Call&, std::string_view, const Process&, ProcessSink& sink) {
        const auto on_event = [&](const Event& event) {
            REQUIRE(event.kind == EventKind::signal);
            signals.push_back(event.signal);
        };
        CHECK(sink.output(Stream::out, "first ", on_event) == Delivered::taken);
        CHECK(sink.output(Stream::out, "second", on_event) == Delivered::taken);
        return ProcessEnd::exited(0);
    };
    Instance instance{host};
    testing::ProcessRequest request{"sh"};
    request.on_output = [](testing::FakeCall& call, Stream, std::string_view bytes) {
        if (bytes == "second") call.signal(SIGHUP);
    };
    CHECK(instance.execute_stream("one", request).out == "first second");
    CHECK(signals == std::vector<int>{SIGHUP});
}

TEST_CASE("without a handler an event is kept for next_event, and a cancel is the answer") {
    FakeHost host;
    Script script;
    script.execute = [&](Call& call, std::string_view, const Process&, ProcessSink& sink) {
        CHECK(sink.output(Stream::out, "one") == Delivered::taken);
        const auto resized = call.next_event();
        REQUIRE(resized);
        CHECK(resized->kind == EventKind::resize);
        CHECK(resized->rows == 7);
        CHECK(sink.output(Stream::out, "two") == Delivered::cancelled);
        CHECK(call.cancelled());
        CHECK(call.next_event()->kind == EventKind::cancel);
        CHECK_FALSE(call.next_event());
        return ProcessEnd::by_signal(SIGKILL, EndKind::cancelled);
    };
    Instance instance{host};
    testing::ProcessRequest request{"sh"};
    request.on_output = [](testing::FakeCall& call, Stream, std::string_view bytes) {
        if (bytes == "one")
            call.resize(7, 8);
        else
            call.cancel();
    };
    const auto run = instance.execute_stream("one", request);
    CHECK(run.out == "one");
    CHECK(run.end->kind == EndKind::cancelled);
    CHECK(run.end->signal == SIGKILL);
}

TEST_CASE("an undo runs when something is thrown, and not when it was dismissed") {
    FakeHost host;
    Script script;
    std::vector<std::string> undone;
    script.create = [&](Call& call, const SandboxConfig& config, FileSource&) -> SandboxInfo {
        auto first = call.undo([&] { undone.push_back("first"); });
        auto second = call.undo([&] { undone.push_back("second"); });
        if (config.name()) {
            first.dismiss();
            second.dismiss();
            return Script::info("one", config);
        }
        throw Error(Code::unavailable, "lost").outcome(Outcome::none);
    };
    Instance instance{host};
    CHECK(instance.create({.name = "fine"}).ok());
    CHECK(undone.empty());
    CHECK(instance.create().error->message() == "lost");
    CHECK(undone == std::vector<std::string>{"second", "first"});
}

TEST_CASE("an undo that fails does not replace the first error, and makes its outcome unknown") {
    FakeHost host;
    Script script;
    host.http().on("POST", "/").reply(201);
    host.http().on("DELETE", "/").no_answer();
    host.http().on("GET", "/").refused();
    const auto with = [&](bool own_error) {
        script.create = [&host, own_error](Call& call, const SandboxConfig&, FileSource&) -> SandboxInfo {
            const Http http = Host{&host}.http();
            (void)http.send(call, {"POST", "http://b/"});
            auto undo = call.undo([&] { (void)http.send(call, {"DELETE", "http://b/"}); });
            if (own_error) throw Error(Code::timeout, "the first");
            (void)http.send(call, {"GET", "http://b/"});
            return {};
        };
    };
    Instance instance{host};
    with(true);
    auto answer = instance.create();
    CHECK(answer.error->code() == Code::timeout);
    CHECK(answer.error->message() == "the first");
    CHECK(answer.error->outcome() == Outcome::unknown);
    with(false);
    answer = instance.create();
    CHECK(answer.error->code() == Code::unavailable);
    CHECK(answer.error->message() == "a request to the backend could not be sent");
    CHECK(host.http().count("DELETE", "/") == 2);
}

TEST_CASE("after a cancel an undo opens the clean-up window, and the outcome is none") {
    FakeHost host;
    Script script;
    host.http().on("DELETE", "/").reply(204);
    script.create = [&](Call& call, const SandboxConfig&, FileSource&) -> SandboxInfo {
        auto undo = call.undo([&] { (void)Host{&host}.http().send(call, {"DELETE", "http://b/"}); });
        call.sleep(1h);
        return {};
    };
    Instance instance{host};
    host.interrupt(testing::Interruption::cancel, 1);
    const auto answer = instance.create();
    CHECK(answer.error->code() == Code::cancelled);
    CHECK(answer.error->outcome() == Outcome::none);
    CHECK(host.http().count("DELETE", "/") == 1);
}

TEST_CASE("a sandbox that the host did not take any more is destroyed again") {
    FakeHost host;
    Script script;
    std::string destroyed;
    script.destroy = [&](Call&, std::string_view id) { destroyed = id; };
    Instance instance{host};
    host.interrupt(testing::Interruption::cancel, 1);  // the put of the result is the first contact
    CHECK(instance.create().error->code() == Code::cancelled);
    CHECK(destroyed == "one");
}

TEST_CASE("files come in entry by entry and are read whole") {
    FakeHost host;
    Script script;
    std::map<std::string, std::string> files;
    script.upload = [&](Call&, std::string_view, FileSource& source) {
        source.each([&](const FileEntry& entry) {
            std::string& content = files[std::string{entry.path}];
            if (entry.kind == EntryKind::directory) content = "/";
            if (entry.kind == EntryKind::symlink) content = entry.link_target;
            char buffer[4096];
            if (entry.kind != EntryKind::file) return;
            CHECK(entry.length.has_value());
            const std::size_t got = source.read(buffer, sizeof buffer);
            CHECK(source.rewind());
            CHECK(got == source.read(buffer, sizeof buffer));
            content.assign(buffer, got);
            while (const std::size_t more = source.read(buffer, sizeof buffer))
                content.append(buffer, more);
        });
    };
    Instance instance{host};
    const std::string big(5000, 'b');
    const auto answer = instance.upload_files("one", {{"/d", "", EntryKind::directory, "", 0755, 0},
                                                      {"/d/big", big},
                                                      {"/d/link", "", EntryKind::symlink, "big"},
                                                      {"/empty", "", EntryKind::file, "", {}, 1}});
    REQUIRE(answer.ok());
    CHECK(*answer == std::set<std::uint64_t>{0, 1});
    CHECK(files ==
          std::map<std::string, std::string>{{"/d", "/"}, {"/d/big", big}, {"/d/link", "big"}, {"/empty", ""}});
    const auto changed = instance.upload_files("one", {{"/c", "x", EntryKind::file, "", {}, 0, true}});
    CHECK(changed.error->code() == Code::conflict);
    CHECK(changed.error->message() == "the file changed while it was read");
}

TEST_CASE("files go out, and a refusal of the host passes unchanged") {
    FakeHost host;
    Script script;
    script.download = [&](Call&, std::string_view, Paths paths, FileSink& sink) {
        CHECK(paths.size() == 1);
        CHECK(paths[0] == "/d");
        sink.begin({EntryKind::directory, 0, "", "", {}, 0755, true});
        sink.commit();
        sink.begin({EntryKind::file, 0, "f", "", 3});
        sink.write("ab");
        sink.write("c");
        sink.commit();
        sink.begin({EntryKind::file, 0, "half"});
        sink.write("never seen");
        sink.skip({EntryKind::file, 0, "fifo"}, "a fifo");
        sink.begin({EntryKind::file, 0, "../etc/passwd"});
    };
    Instance instance{host};
    const auto answer = instance.download_files("one", {"/d"});
    CHECK(answer.error->code() == Code::path_escape);
    CHECK(answer.result.size() == 2);
    CHECK(answer.result.at({0, "f"}).content == "abc");
    CHECK(answer.result.at({0, ""}).mode == 0755u);
}

TEST_CASE("logs, environment, usage, readiness, list") {
    FakeHost host;
    Script script;
    script.logs = [](Call&, std::string_view, const LogOptions& options, ByteSink& sink) {
        CHECK(options.lines() == 2u);
        CHECK(options.since() == Time{1s});
        CHECK(options.follow());
        while (sink.write("line\n") == Delivered::taken) {
        }
    };
    Variables env{{"A", "1"}, {"B", "2"}};
    script.set_env = [&](Call&, std::string_view, Pairs set, Strings unset) {
        env.merge(set);
        for (std::string_view name : unset)
            env.unset(name);
    };
    script.get_env = [&](Call&, std::string_view) { return env; };
    script.usage = [](Call&, std::string_view) {
        Usage usage;
        usage.cpu_percent = 12.5;
        return usage;
    };
    script.is_ready = [](Call&, std::string_view id) { return id == "one"; };
    script.list = [](Call&, InfoSink& sink) {
        CHECK(sink.put(Script::info("a")) == Delivered::taken);
        CHECK(sink.put(Script::info("b")) == Delivered::taken);
    };
    Instance instance{host};
    testing::LogRequest request{2, Time{1s}, true};
    int lines = 0;
    request.on_bytes = [&](testing::FakeCall& call, std::string_view) {
        if (++lines == 3) call.cancel();
    };
    CHECK(instance.get_logs("one", request).result == "line\nline\n");
    CHECK(instance.set_environment_variables("one", {{"B", "3"}, {"C", ""}}, {"A"}).ok());
    CHECK(instance.get_environment_variables("one").result == Variables{{"B", "3"}, {"C", ""}});
    CHECK(instance.get_resource_usage("one")->cpu_percent == 12.5);
    CHECK_FALSE(instance.get_resource_usage("one")->memory_bytes);
    CHECK(*instance.is_ready("one"));
    CHECK_FALSE(*instance.is_ready("two"));
    CHECK(instance.list()->size() == 2);
    CHECK_THROWS_AS(instance.create_snapshot("one", "s"), Error);
    CHECK_THROWS_AS(instance.list_snapshots(), Error);
}

// The C++ face where a method runs for a while: processes and their events, undo, files, logs.
#include <doctest/doctest.h>

#include <csignal>

#include "scripted_plugin.hpp"

using namespace berth;
using namespace std::chrono_literals;
using testing::FakeHost;
using testing::Instance;

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
    CHECK(answer.error->message() == "the connection was refused");
    CHECK(answer.error->outcome() == Outcome::unknown);
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

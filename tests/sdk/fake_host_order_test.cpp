// The strict fake host catches what is told in the wrong order, malformed data and a secret that gets out.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "broken_rules.hpp"

using namespace berth;
using namespace fake_host_rules;

TEST_CASE("order: a process that starts twice, too much at once, not again after INTERRUPTED") {
    CHECK(begins(process_breach(
                     [](void*, berth_call*, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                         (void)sink->output(sink, BERTH_STDOUT, bytes("implies started"));
                         CHECK(sink->started(sink, {}) == BERTH_CONTRACT);
                         return finish(sink);
                     }),
                 "order: started"));
    CHECK(begins(process_breach(
                     [](void*, berth_call*, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                         const std::string big((std::size_t{1} << 20) + 1, 'x');
                         CHECK(sink->output(sink, BERTH_STDOUT, bytes(big)) == BERTH_CONTRACT);
                         return finish(sink);
                     }),
                 "order: more than 1 MiB"));
    testing::ProcessRequest request{"sh"};
    request.on_output = [](testing::FakeCall& call, Stream, std::string_view bytes) {
        if (bytes == "a") call.resize(1, 1);
    };
    CHECK(begins(process_breach(
                     [](void*, berth_call*, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                         CHECK(sink->output(sink, BERTH_STDOUT, bytes("a")) == BERTH_INTERRUPTED);
                         CHECK(sink->output(sink, BERTH_STDOUT, bytes("a")) == BERTH_CONTRACT);
                         return finish(sink);
                     },
                     request),
                 "order: output was offered again before"));
    CHECK(begins(
        process_breach(
            [](void*, berth_call* call, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                (void)sink->output(sink, BERTH_STDOUT, bytes("a"));
                berth_event event{};
                event.size = sizeof event;
                (void)call->next_event(call, &event);
                (void)sink->output(sink, BERTH_STDOUT, bytes("b"));
                return finish(sink);
            },
            request),
        "order: after INTERRUPTED other bytes"));
    FakeHost host;
    Raw raw;
    raw.methods.execute_stream = [](void*, berth_call*, berth_str, const berth_process*,
                                    berth_process_sink* sink) -> berth_status {
        (void)sink->output(sink, BERTH_STDOUT, bytes("a"));
        return finish(sink);
    };
    Instance instance{host, &raw.plugin};
    host.interrupt(testing::Interruption::event, 1);
    (void)instance.execute_stream("one", {"sh"});
    CHECK(begins(breach(host), "order: interrupted bytes were not offered again"));
}

TEST_CASE("order: files out of turn") {
    FakeHost host;
    Script script;
    Instance instance{host};
    const auto download = [&](std::function<void(FileSink&)> act) {
        script.download = [act = std::move(act)](Call&, std::string_view, Paths, FileSink& sink) { act(sink); };
        CHECK(instance.download_files("one", {"/d"}).error->code() == Code::internal);
        return breach(host);
    };
    CHECK(begins(download([](FileSink& sink) { sink.write("x"); }), "order: bytes were written where"));
    CHECK(begins(download([](FileSink& sink) { sink.commit(); }), "order: commit"));
    CHECK(begins(download([](FileSink& sink) {
                     sink.begin({EntryKind::file, 0, "d/f"});
                 }),
                 "order: a file was begun before"));
    CHECK(begins(download([](FileSink& sink) { sink.begin({EntryKind::file, 1, ""}); }), "data: a file was begun for"));
    CHECK(begins(download([](FileSink& sink) { sink.begin({{}, 0, ""}); }), "V3: a file"));
    CHECK(begins(download([](FileSink& sink) {
                     sink.begin({EntryKind::file, 0, "", "", 5});
                     sink.write("four");
                     sink.commit();
                 }),
                 "order: a file was committed with another length"));
    script.upload = [](Call&, std::string_view, FileSource& source) {
        char buffer[8];
        (void)source.read(buffer, sizeof buffer);
    };
    (void)instance.upload_files("one", {{"/a", "x"}});
    CHECK(begins(breach(host), "order: read"));
    script.upload = [](Call&, std::string_view, FileSource& source) { source.done(7); };
    (void)instance.upload_files("one", {{"/a", "x"}});
    CHECK(begins(breach(host), "order: done"));
}

TEST_CASE("data: a malformed sandbox, and a lost idempotency key") {
    FakeHost host;
    Script script;
    Instance instance{host};
    script.get = [](Call&, std::string_view) { return Script::info("a/b"); };
    (void)instance.get("one");
    CHECK(begins(breach(host), "data: a sandbox was put with a malformed id"));
    script.get = [](Call&, std::string_view id) {
        SandboxInfo info = Script::info(id);
        info.created_at = {};
        return info;
    };
    (void)instance.get("one");
    CHECK(begins(breach(host), "data: a sandbox was put without the moment"));
    script.create = [](Call&, const SandboxConfig&, FileSource&) { return Script::info("one"); };
    (void)instance.create();
    CHECK(begins(breach(host), "data: create did not give back"));
    script.execute = [](Call&, std::string_view, const Process&, ProcessSink&) {
        return ProcessEnd{EndKind::exited, 300, 0, {}};
    };
    (void)instance.execute("one", {"sh"});
    CHECK(begins(breach(host), "data: the exit code is 300"));
}

TEST_CASE("secret: in a log line, in an error, in a header without the mark") {
    FakeHost host;
    host.secret("/token", "hush-hush");
    host.http().on("GET", "/").reply(200);
    Script script;
    Instance instance{host};
    script.destroy = [&](Call&, std::string_view) { Host{&host}.log(LogLevel::info, "using hush-hush"); };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "secret: a log line"));
    script.destroy = [&](Call&, std::string_view) { throw Error(Code::auth_failed, "hush-hush was refused"); };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "secret: the message"));
    script.destroy = [&](Call& call, std::string_view) {
        HttpRequest request{"GET", "http://b/"};
        request.headers.set("authorization", "Bearer hush-hush");
        (void)Host{&host}.http().send(call, request);
    };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "secret: the header authorization"));
}

TEST_CASE("a breach that no test took ends the program") {
    // In a child, because it is the end of it.
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        {
            testing::Rules rules;
            rules.broken("C5", "test");
        }
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}

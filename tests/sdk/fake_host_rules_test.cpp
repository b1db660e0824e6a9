// The strict fake host catches each broken rule with a number: one plugin that breaks it, one breach. What is told in the
// wrong order, malformed data and secrets stand in fake_host_order_test.cpp.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "broken_rules.hpp"

using namespace berth;
using namespace fake_host_rules;

TEST_CASE("M1: a view that outlives its call") {
    FakeHost host;
    Script script;
    std::string_view kept;
    script.destroy = [&](Call&, std::string_view id) { kept = id; };
    script.get = [&](Call&, std::string_view id) {
        SandboxInfo info = Script::info(id);
        info.name = kept;
        return info;
    };
    Instance instance{host};
    (void)instance.destroy("a-long-enough-id");
    (void)instance.get("one");
    CHECK(breach(host) == "M1: a view that had died was used as the name of a sandbox (get)");
}

TEST_CASE("M1: a file's path used after the next entry") {
    FakeHost host;
    Script script;
    script.upload = [&](Call&, std::string_view, FileSource& source) {
        const auto first = source.next();
        (void)source.next();
        throw Error(Code::internal, std::string{first->path});
    };
    Instance instance{host};
    (void)instance.upload_files("one", {{"/a/long/path"}, {"/b"}});
    CHECK(breach(host) == "M1: a view that had died was used as the message of an error (upload_files)");
}

TEST_CASE("M3: closing what the host lent") {
    FakeHost host;
    Script script;
    script.destroy = [](Call& call, std::string_view) { close(call.events_fd()); };
    Instance instance{host};
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "M3: the plugin closed a descriptor"));
}

TEST_CASE("M3: reading from what is only to be polled") {
    FakeHost host;
    Script script;
    script.destroy = [](Call& call, std::string_view) {
        char mark = 0;
        (void)!read(call.events_fd(), &mark, 1);
        (void)call.next_event();
    };
    host.interrupt(testing::Interruption::cancel, 1);
    Instance instance{host};
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "M3: the plugin read"));
}

TEST_CASE("E2: failing without saying why, or with two codes") {
    FakeHost host;
    Raw raw;
    raw.methods.destroy = [](void*, berth_call*, berth_str) -> berth_status { return BERTH_NOT_FOUND; };
    Instance instance{host, &raw.plugin};
    CHECK(instance.destroy("one").error->code() == Code::not_found);
    CHECK(begins(breach(host), "E2: the method failed without fail"));
    raw.methods.destroy = [](void*, berth_call* call, berth_str) -> berth_status {
        berth_error error{};
        error.size = sizeof error;
        error.code = BERTH_CONFLICT;
        error.message = berth::detail::text("busy");
        (void)call->fail(call, &error);
        return BERTH_INTERNAL;
    };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "E2: fail was given another code"));
    raw.methods.destroy = [](void*, berth_call* call, berth_str) -> berth_status {
        berth_error error{};
        error.size = sizeof error;
        error.code = BERTH_CONFLICT;
        return call->fail(call, &error);
    };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "E2: fail was given no message"));
}

TEST_CASE("E3: returning or failing with a number that is no error") {
    FakeHost host;
    Raw raw;
    raw.methods.destroy = [](void*, berth_call*, berth_str) -> berth_status { return BERTH_END; };
    Instance instance{host, &raw.plugin};
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "E3: the method returned 1000"));
    raw.methods.destroy = [](void*, berth_call* call, berth_str) -> berth_status {
        berth_error error{};
        error.size = sizeof error;
        error.code = BERTH_AGAIN;
        error.message = berth::detail::text("later");
        (void)call->fail(call, &error);
        return BERTH_OK;
    };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "E3: fail was given the code 1001"));
}

TEST_CASE("E4: OK without a result") {
    FakeHost host;
    Raw raw;
    raw.methods.get = [](void*, berth_call*, berth_str, berth_info_sink*) -> berth_status { return BERTH_OK; };
    Instance instance{host, &raw.plugin};
    (void)instance.get("one");
    CHECK(begins(breach(host), "E4"));
    CHECK(begins(process_breach([](void*, berth_call*, berth_str, const berth_process*,
                                   berth_process_sink*) -> berth_status { return BERTH_OK; }),
                 "E4"));
}

TEST_CASE("C1: going on and on after a cancel") {
    FakeHost host;
    Script script;
    script.destroy = [](Call& call, std::string_view) {
        for (int n = 0; n < 200; ++n)
            (void)call.next_event();
    };
    Instance instance{host};
    host.interrupt(testing::Interruption::cancel, 1);
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "C1"));
}

TEST_CASE("C2: a process that ran and was cancelled told as an error") {
    testing::ProcessRequest request{"sh"};
    request.on_started = [](testing::FakeCall& call) { call.cancel(); };
    FakeHost host;
    Script script;
    script.execute = [](Call& call, std::string_view, const Process&, ProcessSink& sink) {
        sink.started(1);
        call.throw_if_cancelled();
        return ProcessEnd::exited(0);
    };
    Instance instance{host};
    (void)instance.execute_stream("one", request);
    CHECK(begins(breach(host), "C2: a process that ran"));
}

TEST_CASE("C2: a cancel before the start with an unknown outcome") {
    FakeHost host;
    Script script;
    script.execute = [](Call& call, std::string_view, const Process&, ProcessSink&) -> ProcessEnd {
        call.progress("starting");
        throw Error(Code::cancelled, "cancelled").outcome(Outcome::unknown);
    };
    host.interrupt(testing::Interruption::cancel, 1);
    Instance instance{host};
    (void)instance.execute("one", {"sh"});
    CHECK(begins(breach(host), "C2: a cancel before the start"));
}

TEST_CASE("C3: a sandbox that a failed create left behind") {
    FakeHost host;
    Script script;
    script.create = [](Call&, const SandboxConfig&, FileSource&) -> SandboxInfo { throw Error(Code::internal, "no"); };
    script.list = [](Call&, InfoSink& sink) { (void)sink.put(Script::info("orphan")); };
    Instance instance{host};
    (void)instance.create();
    instance.expect_nothing_left();
    CHECK(begins(breach(host), "C3"));
}

TEST_CASE("C5: output after the end, and a second end") {
    CHECK(begins(process_breach(
                     [](void*, berth_call*, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                         (void)finish(sink);
                         CHECK(sink->output(sink, BERTH_STDOUT, bytes("late")) == BERTH_CONTRACT);
                         return BERTH_OK;
                     }),
                 "C5: output"));
    CHECK(begins(process_breach(
                     [](void*, berth_call*, berth_str, const berth_process*, berth_process_sink* sink) -> berth_status {
                         (void)finish(sink);
                         CHECK(finish(sink) == BERTH_CONTRACT);
                         return BERTH_OK;
                     }),
                 "C5: the end"));
}

TEST_CASE("V2: a struct without its size") {
    FakeHost host;
    Raw raw;
    raw.methods.destroy = [](void*, berth_call* call, berth_str) -> berth_status {
        berth_event event{};
        (void)call->next_event(call, &event);
        return BERTH_OK;
    };
    raw.methods.upload_files = [](void*, berth_call*, berth_str, berth_file_source* source) -> berth_status {
        berth_file_entry entry{};
        (void)source->next(source, &entry);
        return BERTH_OK;
    };
    Instance instance{host, &raw.plugin};
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "V2: next_event"));
    (void)instance.upload_files("one", {});
    CHECK(begins(breach(host), "V2: next"));
}

TEST_CASE("V3: a state or an end that is none") {
    FakeHost host;
    Script script;
    script.get = [](Call&, std::string_view id) {
        SandboxInfo info = Script::info(id);
        info.state = {};
        return info;
    };
    script.execute = [](Call&, std::string_view, const Process&, ProcessSink&) { return ProcessEnd{}; };
    Instance instance{host};
    (void)instance.get("one");
    CHECK(begins(breach(host), "V3: a sandbox was put with the state 0"));
    (void)instance.execute("one", {"sh"});
    CHECK(begins(breach(host), "V3: the process ended in the way 0"));
}

TEST_CASE("T2: using a call after its method returned, or from two threads at once") {
    FakeHost host;
    Script script;
    berth_call* kept = nullptr;
    script.destroy = [&](Call& call, std::string_view) { kept = call.raw(); };
    Instance instance{host};
    (void)instance.destroy("one");
    (void)kept->events_fd(kept);
    CHECK(begins(breach(host), "T2: events_fd was called after"));

    testing::LogRequest request;
    berth_call* running = nullptr;
    script.logs = [&](Call& call, std::string_view, const LogOptions&, ByteSink& sink) {
        running = call.raw();
        (void)sink.write("x");
    };
    // While this thread is inside the sink, another one uses the call.
    request.on_bytes = [&](testing::FakeCall&, std::string_view) {
        std::thread{[&] { running->progress(running, berth::detail::text("x"), 0, 0); }}.join();
    };
    (void)instance.get_logs("one", request);
    CHECK(begins(breach(host), "T2: progress was called while another thread was inside"));
}

TEST_CASE("T4: changing what belongs to the host's process") {
    FakeHost host;
    Script script;
    Instance instance{host};
    char before[4096];
    REQUIRE(getcwd(before, sizeof before) != nullptr);
    script.destroy = [](Call&, std::string_view) { (void)!chdir("/"); };
    (void)instance.destroy("one");
    CHECK(begins(breach(host), "T4: the working directory"));
    REQUIRE(chdir(before) == 0);
    sigset_t mask;
    script.destroy = [&](Call&, std::string_view) {
        sigset_t hangup;
        sigemptyset(&hangup);
        sigaddset(&hangup, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &hangup, &mask);
    };
    (void)instance.destroy("one");
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    CHECK(begins(breach(host), "T4: the signal mask"));
    using Handler = void (*)(int);
    Handler handler = nullptr;
    script.destroy = [&](Call&, std::string_view) { handler = std::signal(SIGPIPE, [](int) {}); };
    (void)instance.destroy("one");
    std::signal(SIGPIPE, handler);
    CHECK(begins(breach(host), "T4: the handling of SIGPIPE"));
}

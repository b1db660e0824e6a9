// How a process ended, said in the contract's words, and what of its output is kept.
#include "engine/process_result.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "engine/engine_threads.hpp"
#include "fake_process.hpp"
#include "fake_provider.hpp"

using namespace berth_test;
using namespace std::string_literals;

namespace {

ProcessResult result_of(const ProcessEnd& end, std::optional<CancelReason> cancelled = {}, bool detach_asked = false) {
    ProcessRecord record(command("x"));
    record.started(3);
    return record.result(end, cancelled, detach_asked);
}

}  // namespace

TEST_CASE("how an end becomes a result") {
    using Kind = ProcessEnd::Kind;
    struct Row {
        ProcessEnd end;
        std::optional<CancelReason> cancelled;
        ProcessStatus status;
        int exit_code;
        std::optional<int> signal;
        std::string reason;
    };
    const std::vector<Row> rows{
        {{Kind::exited, 0, 0, {}}, {}, ProcessStatus::completed, 0, {}, ""},
        {{Kind::exited, 44, 0, {}}, {}, ProcessStatus::failed, 44, {}, ""},
        {{Kind::exited, 127, 0, {}}, {}, ProcessStatus::failed, 127, {}, ""},
        {{Kind::signalled, 0, 11, {}}, {}, ProcessStatus::killed, 139, 11, "signal"},
        {{Kind::killed, 0, 15, {}}, {}, ProcessStatus::killed, 143, 15, "killed"},
        {{Kind::killed, 3, 0, {}}, {}, ProcessStatus::killed, 3, {}, "killed"},
        {{Kind::cancelled, 0, 9, {}}, CancelReason::caller, ProcessStatus::killed, 137, 9, "cancelled"},
        {{Kind::cancelled, 0, 9, {}}, CancelReason::deadline, ProcessStatus::killed, 137, 9, "deadline"},
        {{Kind::cancelled, 0, 9, {}}, CancelReason::shutdown, ProcessStatus::killed, 137, 9, "shutdown"},
        {{Kind::timeout, 0, 15, {}}, {}, ProcessStatus::timeout, 124, 15, "timeout"},
        {{Kind::timeout, 0, 0, {}}, {}, ProcessStatus::timeout, 124, {}, "timeout"},
        {{Kind::out_of_memory, 0, 0, {}}, {}, ProcessStatus::killed, 137, 9, "oom"},
    };
    for (const auto& row : rows) {
        const auto result = result_of(row.end, row.cancelled);
        CHECK(result.status == row.status);
        CHECK(result.exit_code == row.exit_code);
        CHECK(result.signal == row.signal);
        CHECK(result.reason == row.reason);
        CHECK(result.pid == 3);
    }
    CHECK(result_of({Kind::detached, 0, 0, {}}, {}, true).reason == "detached");
    CHECK(result_of({Kind::exited, 0, 0, Milliseconds{1234}}).execution_time == Milliseconds{1234});
}

TEST_CASE("an end that cannot be is the provider's fault") {
    using Kind = ProcessEnd::Kind;
    for (const auto& end : {ProcessEnd{Kind::exited, 256, 0, {}}, ProcessEnd{Kind::exited, -1, 0, {}},
                            ProcessEnd{Kind::signalled, 0, 0, {}}, ProcessEnd{Kind::signalled, 0, 65, {}},
                            ProcessEnd{Kind::detached, 0, 0, {}}, ProcessEnd{static_cast<Kind>(0), 0, 0, {}}})
        CHECK(failure_of([&] { return result_of(end); }).code() == Code::protocol_error);
}

TEST_CASE("execute collects both streams on the caller's thread") {
    Setting setting;
    const auto caller = std::this_thread::get_id();
    setting.script->execute = [&](Call&, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        CHECK(std::this_thread::get_id() == caller);
        receiver.started(7);
        CHECK(receiver.output(OutputStream::output, "a\0b"s) == ProcessReceiver::Taken::taken);
        CHECK(receiver.output(OutputStream::error, "\xFF") == ProcessReceiver::Taken::taken);
        return ProcessEnd{ProcessEnd::Kind::exited, 7, 0, {}};
    };
    const auto result = setting.start()->execute(sandbox, command("x"));
    CHECK(result.standard_output == "a\0b"s);
    CHECK(result.standard_error == "\xFF");
    CHECK(result.exit_code == 7);
    CHECK(result.pid == 7);
}

TEST_CASE("output so far in an error is bounded") {
    Setting setting;
    setting.script->execute = [](Call& call, std::string_view, const ProcessConfig&,
                                 ProcessReceiver& receiver) -> ProcessEnd {
        deliver(call, receiver, OutputStream::output, std::string(1'000'000, 'x') + "newest");
        throw provider_error(Code::unavailable, "connection lost");
    };
    const auto error = failure_of([&] { return setting.start()->execute(sandbox, command("x")); });
    REQUIRE(error.fields().details.size() == 1);
    CHECK(error.fields().details.front().second.size() == 65536);
    CHECK(error.fields().details.front().second.ends_with("xnewest"));
}

TEST_CASE("200 executes at once: each gets its own output") {
    Setting setting;
    setting.provider().max_streams = 64;
    setting.script->execute = [](Call& call, std::string_view, const ProcessConfig& process,
                                 ProcessReceiver& receiver) {
        for (int index = 0; index < 20; ++index)
            deliver(call, receiver, OutputStream::output, process.command);
        return ProcessEnd{};
    };
    setting.script->execute_stream = setting.script->execute;
    const auto host = setting.start();
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int index = 0; index < 200; ++index) {
        threads.emplace_back([&, index] {
            const auto word = "word" + std::to_string(index) + " ";
            std::string expected;
            for (int count = 0; count < 20; ++count)
                expected += word;
            const auto output = index % 2 == 0
                                    ? host->execute(sandbox, command(word)).standard_output
                                    : host->execute_stream(sandbox, command(word)).standard_output()->read_all();
            if (output == expected) ++right;
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(right == 200);
}

TEST_CASE("a plugin on an engine's thread has the stack it was promised") {
    std::size_t got = 0;
    {
        EngineThreads threads;
        threads.start([&got] {
            pthread_attr_t attributes{};
            ::pthread_getattr_np(::pthread_self(), &attributes);
            ::pthread_attr_getstacksize(&attributes, &got);
            ::pthread_attr_destroy(&attributes);
            volatile char deep[200 << 10];
            deep[0] = 1;
            deep[sizeof deep - 1] = deep[0];
        });
    }
    CHECK(got >= (std::size_t{256} << 10U));
}

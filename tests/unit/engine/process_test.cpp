// A process as its caller holds it: streams, result, kill, cancel, stdin, and everything that may go wrong meanwhile.
#include "engine/process.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <thread>

#include "engine/output_channel.hpp"
#include "fake_process.hpp"
#include "fake_provider.hpp"

using namespace berth_test;
using namespace std::string_literals;

namespace {

/// Waits for the next event on the call's descriptor, as a plugin does.
CallEvent wait_for_event(Call& call) {
    for (;;) {
        if (const auto event = call.next_event()) return *event;
        pollfd waiting{call.events_descriptor(), POLLIN, 0};
        ::poll(&waiting, 1, 60'000);
    }
}

/// A process that writes for ever and obeys signals, like `yes`.
ProcessEnd endless(Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
    receiver.started(1);
    const std::string chunk(65536, 'y');
    std::optional<ProcessEnd> end;
    const auto obey = [&](const CallEvent& event) {
        if (event.kind == CallEvent::Kind::signal) end = ProcessEnd{ProcessEnd::Kind::killed, 0, event.signal, {}};
        if (event.kind == CallEvent::Kind::cancel) end = ProcessEnd{ProcessEnd::Kind::cancelled, 0, 15, {}};
        if (event.kind == CallEvent::Kind::detach) end = ProcessEnd{ProcessEnd::Kind::detached, 0, 0, {}};
    };
    while (!end) {
        deliver(call, receiver, OutputStream::output, chunk, obey);
        while (const auto event = call.next_event())
            obey(*event);
    }
    return *end;
}

}  // namespace

TEST_CASE("what is discarded is an empty string and holds nothing up") {
    Setting setting;
    setting.script->execute_stream = [](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        for (int index = 0; index < 100; ++index)
            deliver(call, receiver, OutputStream::output, std::string(100'000, 'x'));
        deliver(call, receiver, OutputStream::error, "kept");
        return ProcessEnd{};
    };
    setting.script->execute = setting.script->execute_stream;
    auto process = command("x");
    process.output = Capture::discard;
    const auto host = setting.start();
    CHECK(host->execute(sandbox, process).standard_output.empty());
    auto stream = host->execute_stream(sandbox, process);
    CHECK(stream.standard_output() == nullptr);
    REQUIRE(stream.standard_error() != nullptr);
    const auto result = stream.wait();
    CHECK(result.standard_output.empty());
    CHECK(result.output_dropped_bytes == 0);
    CHECK(result.standard_error == "kept");
}

TEST_CASE("the newest output is kept, the rest is counted, and a stream keeps less than execute") {
    Setting setting;
    setting.options.configuration.defaults.max_output_bytes = 4'000'000;
    setting.script->execute = [](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        for (int index = 0; index < 6; ++index)
            deliver(call, receiver, OutputStream::output, std::string(1'000'000, static_cast<char>('a' + index)));
        return ProcessEnd{};
    };
    setting.script->execute_stream = setting.script->execute;
    const auto host = setting.start();
    auto result = host->execute(sandbox, command("x"));
    CHECK(result.standard_output.size() == 4'000'000);
    CHECK(result.standard_output.front() == 'c');
    CHECK(result.output_dropped_bytes == 2'000'000);
    auto stream = host->execute_stream(sandbox, command("x"));
    CHECK(stream.standard_output()->read_all().size() == 6'000'000);
    CHECK(stream.wait().standard_output.size() == (1U << 20U));
    auto process = command("x");
    process.max_output_bytes = 10;
    result = host->execute(sandbox, process);
    CHECK(result.standard_output == "ffffffffff");
    CHECK(result.output_dropped_bytes == 5'999'990);
}

TEST_CASE("a stream is readable while the process runs, and its completion says the same many times") {
    Setting setting;
    Signal go_on;
    setting.script->execute_stream = [&](Call& call, std::string_view, const ProcessConfig&,
                                         ProcessReceiver& receiver) {
        receiver.started(42);
        deliver(call, receiver, OutputStream::output, "first");
        CHECK(go_on.wait());
        deliver(call, receiver, OutputStream::output, " second");
        return ProcessEnd{};
    };
    const auto host = setting.start();
    auto process = host->execute_stream(sandbox, command("x"));
    CHECK(process.pid() == 42);
    std::array<std::byte, 100> buffer{};
    CHECK(process.standard_output()->read(buffer) == 5);
    CHECK_FALSE(process.standard_output()->read_for(buffer, Milliseconds{1}));
    CHECK_FALSE(process.wait_for(Milliseconds{0}));
    go_on.raise();
    CHECK(process.standard_output()->read_all() == " second");
    CHECK(process.wait().standard_output == "first second");
    CHECK(process.completion().get().standard_output == "first second");
    CHECK_FALSE(process.kill());
    CHECK_FALSE(process.kill(9));
}

TEST_CASE("a failure before the start is the call's, one after it is the completion's with the output so far") {
    Setting setting;
    setting.script->execute_stream = [](Call&, std::string_view, const ProcessConfig&, ProcessReceiver&) -> ProcessEnd {
        throw provider_error(Code::file_not_found, "no such directory");
    };
    const auto early = failure_of([&] { return setting.start()->execute_stream(sandbox, command("x")).wait(); });
    CHECK(early.code() == Code::file_not_found);
    CHECK(early.fields().outcome == Outcome::none);
    CHECK(early.fields().operation == "execute_stream");
    CHECK(early.fields().sandbox == "box");

    setting.script->execute_stream = [](Call& call, std::string_view, const ProcessConfig&,
                                        ProcessReceiver& receiver) -> ProcessEnd {
        deliver(call, receiver, OutputStream::output, "so far");
        throw provider_error(Code::unavailable, "connection lost");
    };
    setting.script->execute = setting.script->execute_stream;
    const auto host = setting.start();
    auto process = host->execute_stream(sandbox, command("x"));
    CHECK(process.standard_output()->read_all() == "so far");
    for (const auto& late : {failure_of([&] { return process.wait(); }),
                             failure_of([&] { return host->execute(sandbox, command("x")); })}) {
        CHECK(late.code() == Code::unavailable);
        CHECK(late.fields().outcome == Outcome::unknown);
        REQUIRE(late.fields().details.size() == 1);
        CHECK(late.fields().details.front() == std::pair("stdout"s, "so far"s));
        CHECK_FALSE(late.retryable());
    }
}

TEST_CASE("a kill arrives although nobody reads, with whatever signal, and so does the end") {
    for (const int signal : {15, 9, 10}) {
        Setting setting;
        setting.script->execute_stream = endless;
        const auto host = setting.start();
        auto process = host->execute_stream(sandbox, command("yes"));
        CHECK(process.kill(signal));
        const auto result = process.wait();
        CHECK(result.status == ProcessStatus::killed);
        CHECK(result.exit_code == 128 + signal);
        CHECK_FALSE(process.kill(signal));
    }
}

TEST_CASE("cancel ends a process nobody reads from") {
    Setting setting;
    setting.script->execute_stream = endless;
    const auto host = setting.start();
    auto process = host->execute_stream(sandbox, command("yes"));
    process.cancel();
    process.cancel();
    CHECK(process.wait().reason == "cancelled");
    std::stop_source stop;
    auto other = host->execute_stream(sandbox, command("yes"), {{}, stop.get_token(), {}});
    stop.request_stop();
    CHECK(other.wait().reason == "cancelled");
}

TEST_CASE("a deadline ends a process nobody reads from") {
    Setting setting;
    setting.script->execute_stream = endless;
    const auto host = setting.start();
    auto process = host->execute_stream(sandbox, command("yes"), {Milliseconds{20}, {}, {}});
    const auto result = process.wait();
    CHECK(result.status == ProcessStatus::killed);
    CHECK(result.reason == "deadline");
}

TEST_CASE("a timeout of the process is not held up by a reader who does not read") {
    Setting setting;
    setting.script->execute_stream = [](Call& call, std::string_view, const ProcessConfig& process,
                                        ProcessReceiver& receiver) {
        receiver.started(1);
        const auto end = std::chrono::steady_clock::now() + *process.environment.timeout;
        while (std::chrono::steady_clock::now() < end)
            deliver(call, receiver, OutputStream::output, std::string(65536, 'y'));
        return ProcessEnd{ProcessEnd::Kind::timeout, 0, 15, {}};
    };
    auto process = command("yes");
    process.environment.timeout = Milliseconds{30};
    const auto host = setting.start();
    CHECK(host->execute_stream(sandbox, process).wait().exit_code == 124);
}

TEST_CASE("signals beyond TERM and KILL need the feature, impossible ones are refused") {
    Setting setting;
    setting.script->withdraw("signals", "only whole processes can be ended");
    setting.script->withdraw("detach", "");
    setting.script->execute_stream = endless;
    const auto host = setting.start();
    auto process = host->execute_stream(sandbox, command("yes"));
    const auto error = failure_of([&] { return process.kill(10); });
    CHECK(error.code() == Code::unsupported);
    CHECK(error.fields().message.find("only whole processes can be ended") != std::string::npos);
    CHECK(failure_of([&] { return process.kill(0); }).code() == Code::invalid_argument);
    CHECK(failure_of([&] { return process.kill(65); }).code() == Code::invalid_argument);
    CHECK(failure_of([&] { return process.detach(), 0; }).code() == Code::unsupported);
    CHECK(failure_of([&] { return process.resize({}), 0; }).code() == Code::invalid_argument);
    CHECK(process.kill(15));
    CHECK(process.wait().exit_code == 143);
}

TEST_CASE("a process can be left running, and its terminal resized") {
    Setting setting;
    setting.script->execute_stream = [](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        receiver.started(1);
        const auto event = wait_for_event(call);
        CHECK(event.kind == CallEvent::Kind::resize);
        CHECK(event.rows == 50);
        CHECK(event.columns == 132);
        CHECK(wait_for_event(call).kind == CallEvent::Kind::detach);
        return ProcessEnd{ProcessEnd::Kind::detached, 0, 0, {}};
    };
    auto process = command("top");
    process.terminal = Terminal{};
    const auto host = setting.start();
    auto running = host->execute_stream(sandbox, process);
    CHECK(failure_of([&] { return running.resize({0, 1}), 0; }).code() == Code::invalid_argument);
    running.resize({50, 132});
    // A second event only once the first has been read: they wait in the order in which they came.
    running.detach();
    CHECK(running.wait().reason == "detached");
}

TEST_CASE("dropping the handle neither ends the process nor holds it up") {
    Setting setting;
    Signal ended;
    Signal dropped;
    setting.script->execute_stream = [&](Call& call, std::string_view, const ProcessConfig&,
                                         ProcessReceiver& receiver) {
        receiver.started(1);
        CHECK(dropped.wait());
        for (int index = 0; index < 50; ++index)
            deliver(call, receiver, OutputStream::output, std::string(100'000, 'x'));
        CHECK_FALSE(call.cancelled());
        ended.raise();
        return ProcessEnd{};
    };
    const auto host = setting.start();
    std::shared_future<ProcessResult> completion;
    {
        const auto process = host->execute_stream(sandbox, command("x"));
        completion = process.completion();
    }
    dropped.raise();
    CHECK(ended.wait());
    CHECK(completion.get().standard_output.size() == (1U << 20U));
}

TEST_CASE("what a receiver hears, and what it throws") {
    struct Listener : OutputReceiver {
        std::string text;
        bool fails = false;
        void output(OutputStream stream, std::string_view bytes) override {
            if (fails) throw std::runtime_error("the listener broke");
            text += stream == OutputStream::output ? "out:" : "err:";
            text += bytes;
        }
    };
    Setting setting;
    setting.script->execute_stream = [](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        deliver(call, receiver, OutputStream::output, "a");
        deliver(call, receiver, OutputStream::error, "b");
        if (!call.cancelled()) return ProcessEnd{};
        return ProcessEnd{ProcessEnd::Kind::cancelled, 0, 15, {}};
    };
    const auto host = setting.start();
    Listener listener;
    auto process = host->execute_stream(sandbox, command("x"), listener);
    CHECK(process.standard_output() == nullptr);
    CHECK(process.standard_error() == nullptr);
    CHECK(process.wait().standard_output == "a");
    CHECK(listener.text == "out:aerr:b");
    listener.fails = true;
    auto broken = host->execute_stream(sandbox, command("x"), listener);
    CHECK_THROWS_WITH(broken.wait(), "the listener broke");
}

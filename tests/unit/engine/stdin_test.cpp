// Live stdin: it arrives, it ends, and a write never hangs on a process that is no more.
#include "engine/stdin_pipe.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "fake_process.hpp"
#include "fake_provider.hpp"

using namespace berth_test;
using namespace std::string_literals;

TEST_CASE("live stdin arrives, ends, and says so when nobody reads it") {
    Setting setting;
    Signal finish;
    setting.script->execute_stream = [&](Call& call, std::string_view, const ProcessConfig&,
                                         ProcessReceiver& receiver) {
        receiver.started(1);
        std::array<char, 4096> buffer{};
        for (ssize_t got = 0; (got = ::read(call.standard_input(), buffer.data(), buffer.size())) > 0;)
            deliver(call, receiver, OutputStream::output, {buffer.data(), static_cast<std::size_t>(got)});
        CHECK(finish.wait());
        return ProcessEnd{};
    };
    auto process = command("cat");
    process.interactive = true;
    const auto host = setting.start();
    auto running = host->execute_stream(sandbox, process);
    CHECK(running.stdin_descriptor() >= 0);
    const std::string text(300'000, 'z');
    std::thread writer([&] {
        running.write_stdin(text);
        running.close_stdin();
        running.close_stdin();
    });
    std::string echoed;
    std::array<std::byte, 5000> buffer{};
    while (echoed.size() < text.size()) {
        const auto got = running.standard_output()->read(buffer);
        REQUIRE(got > 0);
        echoed.append(static_cast<const char*>(static_cast<const void*>(buffer.data())), got);
    }
    CHECK(echoed == text);
    writer.join();
    finish.raise();
    CHECK(running.standard_output()->read_all().empty());
    (void)running.wait();
}

TEST_CASE("writing to a process that has ended is an error and no signal") {
    Setting setting;
    auto process = command("true");
    process.interactive = true;
    const auto host = setting.start();
    auto running = host->execute_stream(sandbox, process);
    (void)running.wait();
    CHECK(failure_of([&] { return running.write_stdin("x"), 0; }).diagnostic() == "BERTH-E-19");
    CHECK(failure_of([&] { return host->execute_stream(sandbox, command("x")).write_stdin("x"), 0; }).code() ==
          Code::invalid_argument);
}

TEST_CASE("a write that waits wakes when the process ends without reading") {
    Setting setting;
    Signal end;
    FileDescriptor kept;
    setting.script->execute_stream = [&](Call& call, std::string_view, const ProcessConfig&,
                                         ProcessReceiver& receiver) {
        receiver.started(1);
        // Somebody else still holds the other end, as a background child does: the pipe itself does not break.
        kept.reset(::dup(call.standard_input()));
        CHECK(end.wait());
        return ProcessEnd{};
    };
    auto process = command("sleep");
    process.interactive = true;
    const auto host = setting.start();
    auto running = host->execute_stream(sandbox, process);
    std::thread writer([&] {
        CHECK(failure_of([&] { return running.write_stdin(std::string(1'000'000, 'x')), 0; }).code() ==
              Code::execution_failed);
    });
    pollfd full{running.stdin_descriptor(), POLLOUT, 0};
    CHECK(eventually([&] { return ::poll(&full, 1, 0) == 0; }));
    end.raise();
    writer.join();
}

TEST_CASE("closing stdin lets a write that waits go") {
    Setting setting;
    Signal end;
    setting.script->execute_stream = [&](Call&, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        receiver.started(1);
        CHECK(end.wait());
        return ProcessEnd{};
    };
    auto process = command("sleep");
    process.interactive = true;
    const auto host = setting.start();
    auto running = host->execute_stream(sandbox, process);
    std::thread writer([&] {
        CHECK(failure_of([&] { return running.write_stdin(std::string(1'000'000, 'x')), 0; }).fields().message ==
              "stdin was closed");
    });
    pollfd full{running.stdin_descriptor(), POLLOUT, 0};
    CHECK(eventually([&] { return ::poll(&full, 1, 0) == 0; }));
    running.close_stdin();
    writer.join();
    CHECK(running.stdin_descriptor() == -1);
    end.raise();
}

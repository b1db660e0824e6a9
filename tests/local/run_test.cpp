// Processes in a sandbox: results, signals, time limits, background children, input and output.
#include <sys/wait.h>

#include <chrono>

#include "room.hpp"

using namespace room;

TEST_CASE("output, error output and exit code arrive") {
    Provider provider;
    const std::string id = provider.create();
    const Result result = provider.run(id, "echo out; echo err >&2; exit 7");
    CHECK(result.out == "out\n");
    CHECK(result.err == "err\n");
    CHECK(result.end.kind == BERTH_ENDED_EXITED);
    CHECK(result.end.exit_code == 7);
}

TEST_CASE("a program that is missing or cannot be run is a result") {
    Provider provider;
    const std::string id = provider.create();
    const Result missing = provider.run(id, Provider::command({"no-such-program"}));
    CHECK(missing.end.exit_code == 127);
    CHECK(missing.err.find("not found") != std::string::npos);
    CHECK(provider.run(id, Provider::command({"/usr"})).end.exit_code == 126);
    CHECK(provider.run(id, Provider::command({"/etc/passwd"})).end.exit_code == 126);
    CHECK(provider.run(id, Provider::command({"/no/such/program"})).end.exit_code == 127);
}

TEST_CASE("arguments arrive byte for byte") {
    Provider provider;
    const std::string id = provider.create();
    const Result result = provider.run(
        id, Provider::command({"printf", "[%s]", "", " a b ", "$HOME", "'", "*", "-x", "l\nm", "\xff\x01"}));
    CHECK(result.out == "[][ a b ][$HOME]['][*][-x][l\nm][\xff\x01]");
}

TEST_CASE("without input stdin is at its end; input is written whole while output is read") {
    Provider provider;
    const std::string id = provider.create();
    CHECK(provider.run(id, "cat").out.empty());
    rooms::RunRequest request = Provider::command({"cat"});
    const std::string input(5 << 20, 'x');
    request.process.input = input;
    CHECK(provider.run(id, request).out == input);
    request = Provider::command({"true"});
    request.process.input = input;
    CHECK(provider.run(id, request).end.exit_code == 0);
}

TEST_CASE("live stdin arrives and ends") {
    Provider provider;
    const std::string id = provider.create();
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    rooms::Descriptor reading(ends[0]);
    rooms::Descriptor writing(ends[1]);
    TestCaller caller;
    caller.take_input_from(reading.get());
    TestSink sink;
    int turns = 0;
    sink.on_output = [&] {
        if (++turns == 1) {
            CHECK(::write(writing.get(), "two\n", 4) == 4);
        } else {
            writing.reset();
        }
    };
    CHECK(::write(writing.get(), "one\n", 4) == 4);
    rooms::RunRequest request = Provider::command({"cat"});
    request.process.live_input = true;
    const rooms::ProcessEnd end = provider.sandboxes.run(id, request, caller, sink);
    CHECK(end.exit_code == 0);
    CHECK(sink.out == "one\ntwo\n");
}

TEST_CASE("a time limit ends a tree that ignores SIGTERM, and says so") {
    Provider provider;
    const std::string id = provider.create();
    rooms::RunRequest request = Provider::shell(
        "trap '' TERM; (trap '' TERM; setsid sh -c 'trap \"\" TERM; exec sleep 1000' & sleep 1000) & echo up; sleep "
        "1000");
    request.timeout_ms = 300;
    request.process.kill_grace_ms = 200;
    const Result result = provider.run(id, request);
    CHECK(result.end.kind == BERTH_ENDED_TIMEOUT);
    CHECK(result.out == "up\n");
    CHECK(provider.run(id, "pgrep -x sleep || echo none").out == "none\n");
}

TEST_CASE("a cancel ends the tree, also what left it by setsid and a double fork") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    TestSink sink;
    sink.on_output = [&] { caller.cancel(); };
    rooms::RunRequest request = Provider::shell(
        "(setsid env -i /bin/sh -c 'trap \"\" TERM; sleep 1000 & sleep 1000' &) ; sleep 0.1; echo up; sleep 1000");
    request.process.kill_grace_ms = 100;
    const rooms::ProcessEnd end = provider.sandboxes.run(id, request, caller, sink);
    CHECK(end.kind == BERTH_ENDED_CANCELLED);
    CHECK(provider.run(id, "pgrep -x sleep || echo none").out == "none\n");
}

TEST_CASE("cancelled before it started, nothing runs") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    caller.cancel();
    TestSink sink;
    const rooms::Failure failure =
        failure_of([&] { (void)provider.sandboxes.run(id, Provider::shell("touch ran"), caller, sink); });
    CHECK(failure.code == BERTH_CANCELLED);
    CHECK(failure.outcome == BERTH_OUTCOME_NONE);
    CHECK_FALSE(sink.has_started);
}

TEST_CASE("a background child that holds the output goes on; killed when asked for") {
    Provider provider;
    const std::string id = provider.create();
    const Result left = provider.run(id, "(sleep 0.4; echo late; touch survived) & echo early");
    CHECK(left.out == "early\n");
    CHECK(left.end.exit_code == 0);
    CHECK(provider.run(id, "while [ ! -e survived ]; do sleep 0.05; done; echo yes").out == "yes\n");
    rooms::RunRequest request = Provider::shell("setsid sleep 1000 & echo early");
    request.process.kill_background = true;
    CHECK(provider.run(id, request).out == "early\n");
    CHECK(provider.run(id, "pgrep -x sleep || echo none").out == "none\n");
}

TEST_CASE("a slow reader loses nothing of a process that has ended") {
    Provider provider;
    const std::string id = provider.create();
    for (const bool terminal : {false, true}) {
        CAPTURE(terminal);
        const std::size_t first = terminal ? 100 : 1'100'000;  // a pipe is enlarged after 1 MiB
        const std::size_t rest = terminal ? 60'000 : 900'000;
        const auto bytes = [](std::size_t count) { return "head -c " + std::to_string(count) + " /dev/zero; "; };
        rooms::RunRequest request = Provider::shell(
            "rm -f go done; " + bytes(first) + "while [ ! -e go ]; do sleep 0.05; done; " + bytes(rest) + "touch done");
        request.process.drain_grace_ms = 0;
        if (terminal) {
            request.process.terminal = rooms::TerminalSize{24, 80};
        }
        TestCaller caller;
        TestSink sink;
        bool slept = false;
        sink.on_output = [&] {
            if (sink.out.size() >= first && !std::exchange(slept, true)) {
                // Not for ever: where pipes may not be enlarged the rest does not fit.
                (void)provider.run(
                    id, "touch go; i=0; while [ ! -e done ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done");
            }
        };
        CHECK(provider.sandboxes.run(id, request, caller, sink).exit_code == 0);
        CHECK(sink.out.size() == first + rest);
    }
}

TEST_CASE("signals: TERM and KILL end the group, others reach the main process") {
    Provider provider;
    const std::string id = provider.create();
    const auto with_signal = [&](const char* line, int number) {
        TestCaller caller;
        TestSink sink;
        bool sent = false;
        sink.on_output = [&] {
            if (!std::exchange(sent, true)) {
                caller.signal(number);
            }
        };
        const rooms::ProcessEnd end = provider.sandboxes.run(id, Provider::shell(line), caller, sink);
        return std::pair(end, sink.out);
    };
    const auto killed = with_signal("setsid sleep 1000 & echo up; sleep 1000", SIGKILL);
    CHECK(killed.first.kind == BERTH_ENDED_KILLED);
    CHECK(killed.first.signal == SIGKILL);
    CHECK(provider.run(id, "pgrep -x sleep || echo none").out == "none\n");
    const auto terminated = with_signal("trap 'echo bye; exit 3' TERM; echo up; sleep 1000 & wait", SIGTERM);
    CHECK(terminated.first.kind == BERTH_ENDED_KILLED);
    CHECK(terminated.first.exit_code == 3);
    CHECK(terminated.second == "up\nbye\n");
    const auto told = with_signal("trap 'echo usr1; exit 0' USR1; echo up; while :; do sleep 0.05; done", SIGUSR1);
    CHECK(told.first.kind == BERTH_ENDED_EXITED);
    CHECK(told.second == "up\nusr1\n");
}

TEST_CASE("a process that kills everything it can reach leaves the sandbox working") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    TestSink sink;
    rooms::ProcessEnd beside;
    std::thread other(
        [&] { beside = provider.sandboxes.run(id, Provider::shell("echo up; sleep 1000"), caller, sink); });
    const Result result = provider.run(id, "while ! pgrep -x sleep; do sleep 0.02; done; kill -9 -1; echo alone");
    other.join();
    CHECK(beside.kind == BERTH_ENDED_SIGNALLED);
    CHECK(beside.signal == SIGKILL);
    CHECK(result.end.exit_code == 0);
    CHECK(result.out.find("alone") != std::string::npos);
    CHECK(provider.run(id, "echo still").out == "still\n");
}

TEST_CASE("a stdin that never ends and is read at once does not keep a cancel from being heard") {
    Provider provider;
    const std::string id = provider.create();
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    rooms::Descriptor reading(ends[0]);
    const rooms::Descriptor writing(ends[1]);
    TestCaller caller;
    caller.take_input_from(reading.get());
    TestSink sink;
    rooms::RunRequest request = Provider::command({"dd", "of=/dev/null", "bs=1M"});
    request.process.live_input = true;
    request.process.kill_grace_ms = 100;
    sink.on_start = [&] { caller.cancel(); };
    std::thread writer([&] {
        const std::string zeros(1U << 20, '\0');
        while (::write(writing.get(), zeros.data(), zeros.size()) > 0) {
        }
    });
    const rooms::ProcessEnd end = provider.sandboxes.run(id, request, caller, sink);
    reading.reset();
    writer.join();
    CHECK(end.kind == BERTH_ENDED_CANCELLED);
}

TEST_CASE("a detached process goes on writing without a reader") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    TestSink sink;
    sink.on_output = [&] { caller.detach(); };
    const rooms::ProcessEnd end = provider.sandboxes.run(
        id,
        Provider::shell(
            "echo up; sleep 0.2; i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; touch done"),
        caller, sink);
    CHECK(end.kind == BERTH_ENDED_DETACHED);
    CHECK(provider.run(id, "while [ ! -e done ]; do sleep 0.05; done; echo yes").out == "yes\n");
}

TEST_CASE("working directories: relative, missing, a file, outside") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "mkdir -p a/b; touch a/file");
    rooms::RunRequest request = Provider::command({"pwd"});
    request.directory = "a/b";
    CHECK(provider.run(id, request).out == "/workspace/a/b\n");
    const auto fails_with = [&](const char* directory) {
        request.directory = directory;
        return failure_of([&] { provider.run(id, request); }).code;
    };
    CHECK(fails_with("missing") == BERTH_FILE_NOT_FOUND);
    CHECK(fails_with("a/file") == BERTH_NOT_DIRECTORY);
    CHECK(fails_with("../../../etc") == BERTH_PATH_ESCAPE);
}

TEST_CASE("the environment is the sandbox's and the process's, never the host's") {
    Provider provider;
    ::setenv("BERTH_HOST_SECRET", "leaks", 1);
    rooms::CreateRequest create;
    create.environment = {{"A", "sandbox"}, {"B", "sandbox"}, {"E", ""}};
    const std::string id = provider.create(create);
    rooms::RunRequest request = Provider::shell("echo $A $B ${E-unset}; env | grep -c BERTH");
    request.environment = {{"B", "process"}};
    CHECK(provider.run(id, request).out == "sandbox process\n0\n");
}

TEST_CASE("two hundred at once each get exactly their own output") {
    Provider provider;
    const std::string id = provider.create();
    constexpr int count = 200;
    std::vector<Result> results(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            try {
                results[static_cast<std::size_t>(i)] =
                    provider.run(id, "i=0; while [ $i -lt 50 ]; do echo " + std::to_string(i) + "; i=$((i+1)); done");
            } catch (const rooms::Failure& failure) {
                results[static_cast<std::size_t>(i)].err = failure.message;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (int i = 0; i < count; ++i) {
        std::string expected;
        for (int line = 0; line < 50; ++line) {
            expected += std::to_string(i) + "\n";
        }
        const Result& result = results[static_cast<std::size_t>(i)];
        CHECK_MESSAGE(result.out == expected, "process ", i, ": ", result.err);
    }
}

TEST_CASE("much output arrives whole") {
    Provider provider;
    const std::string id = provider.create();
    const Result result = provider.run(id, "head -c 50000000 /dev/zero | tr '\\0' x");
    CHECK(result.out.size() == 50'000'000);
    CHECK(result.out.find_first_not_of('x') == std::string::npos);
}

TEST_CASE("output that is discarded never blocks the process") {
    Provider provider;
    const std::string id = provider.create();
    rooms::RunRequest request = Provider::shell("head -c 5000000 /dev/zero; echo done >&2");
    request.process.discard_stdout = true;
    const Result result = provider.run(id, request);
    CHECK(result.out.empty());
    CHECK(result.err == "done\n");
}

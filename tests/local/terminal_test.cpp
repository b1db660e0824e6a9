// Processes on a terminal: what the conformance suite cannot see, because it is about who is gone and who stays.
#include <sys/wait.h>

#include "room.hpp"

using namespace room;

namespace {

rooms::RunRequest on_terminal(std::string line) {
    rooms::RunRequest request = Provider::shell(std::move(line));
    request.process.terminal = rooms::TerminalSize{24, 80};
    request.process.kill_grace_ms = 100;
    request.terminal_name = "dumb";
    return request;
}

struct Pipe {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reading = rooms::Descriptor(ends[0]);
        writing = rooms::Descriptor(ends[1]);
    }
    rooms::Descriptor reading;
    rooms::Descriptor writing;
};

// A process of the host that runs `request` with a live stdin until it is killed; returns once there is output.
pid_t start_elsewhere(Provider& provider, const std::string& id, rooms::RunRequest request, const Pipe& input) {
    Pipe told;
    request.process.live_input = true;
    const pid_t child = ::fork();
    if (child == 0) {
        TestCaller caller;
        caller.take_input_from(input.reading.get());
        TestSink sink;
        sink.on_output = [&] {
            if (sink.out.find("up") != std::string::npos) {
                told.writing.reset();
            }
        };
        (void)provider.sandboxes.run(id, std::move(request), caller, sink);
        ::_exit(0);
    }
    told.writing.reset();
    char byte = 0;
    REQUIRE(::read(told.reading.get(), &byte, 1) == 0);
    return child;
}

void kill_and_reap(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("a terminal whose reader dies is hung up") {
    Provider provider;
    const std::string id = provider.create();
    const Pipe input;
    const pid_t child = start_elsewhere(
        provider, id, on_terminal("trap 'touch hung-up; exit' HUP; echo up; while :; do sleep 0.05; done"), input);
    kill_and_reap(child);
    CHECK(provider.run(id, "while [ ! -e hung-up ]; do sleep 0.05; done; echo yes").out == "yes\n");
}

TEST_CASE("a terminal that nobody types on is not hung up, and a detached one neither: both are drained") {
    Provider provider;
    const std::string id = provider.create();
    const std::string line =
        "trap 'exit 1' HUP; echo up; while [ ! -e go ]; do sleep 0.05; done; i=0; while [ $i -lt 20000 ]; do echo "
        "0123456789; i=$((i+1)); done; touch done";
    TestCaller caller;
    TestSink sink;
    sink.on_output = [&] { caller.detach(); };
    const Pipe input;
    caller.take_input_from(input.reading.get());
    rooms::RunRequest request = on_terminal(line);
    request.process.live_input = true;
    CHECK(provider.sandboxes.run(id, request, caller, sink).kind == BERTH_ENDED_DETACHED);
    CHECK(provider.run(id, "touch go; while [ ! -e done ]; do sleep 0.05; done; rm go done; echo yes").out == "yes\n");

    Pipe told;
    const pid_t child = ::fork();
    if (child == 0) {
        TestCaller own;
        TestSink quiet;
        quiet.on_output = [&] { told.writing.reset(); };
        (void)provider.sandboxes.run(id, on_terminal(line), own, quiet);
        ::_exit(0);
    }
    told.writing.reset();
    char byte = 0;
    REQUIRE(::read(told.reading.get(), &byte, 1) == 0);
    kill_and_reap(child);
    CHECK(provider.run(id, "touch go; while [ ! -e done ]; do sleep 0.05; done; echo yes").out == "yes\n");
}

TEST_CASE("a program may close its terminal for a while") {
    Provider provider;
    const std::string id = provider.create();
    const Result result = provider.run(
        id, on_terminal("echo one; exec </dev/null >/dev/null 2>&1; sleep 0.3; echo two >/dev/tty; exit 4"));
    CHECK(result.out == "one\r\ntwo\r\n");
    CHECK(result.end.exit_code == 4);
}

TEST_CASE("an anchor that is killed at once costs neither the start, nor the output, nor the end") {
    Provider provider;
    const std::string id = provider.create();
    // Many, for the anchor may be anywhere between starting its process and telling so.
    for (int round = 0; round < 100; ++round) {
        const std::string line = "kill -9 $PPID; echo late; exit 6";
        const bool terminal = round % 2 == 0;
        const Result result = provider.run(id, terminal ? on_terminal(line) : Provider::shell(line));
        CHECK(result.out == (terminal ? "late\r\n" : "late\n"));
        CHECK(result.end.exit_code == 6);
    }
}

TEST_CASE("a size said before the process has started is its size") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    caller.resize(50, 132);
    TestSink sink;
    rooms::RunRequest request = on_terminal("while [ \"$(stty size </dev/tty)\" != '50 132' ]; do sleep 0.05; done");
    CHECK(provider.sandboxes.run(id, request, caller, sink).exit_code == 0);
}

TEST_CASE("what was discarded is read all the same, and input larger than a terminal holds arrives") {
    Provider provider;
    const std::string id = provider.create();
    rooms::RunRequest request = on_terminal("stty -echo; echo up; wc -l >lines; head -c 300000 /dev/zero; exit 5");
    request.process.discard_stdout = true;
    std::string lines;
    for (int i = 0; i < 20'000; ++i) {
        lines += "a line of input\n";
    }
    request.process.input = lines;
    const Result result = provider.run(id, request);
    CHECK(result.out.empty());
    CHECK(result.end.exit_code == 5);
    CHECK(provider.run(id, "cat lines").out == "20000\n");
}

// `berth run`: output apart, exit codes, Ctrl-C, and nothing left behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "berth_program.hpp"

using namespace berth_test;

TEST_CASE("stdout, stderr and the exit code are the command's own") {
    const Workspace workspace;
    const auto ended = workspace.berth({"run", "--", "sh", "-c", "echo out; echo err >&2; exit 7"});
    CHECK(ended.output == "out\n");
    CHECK(ended.error == "err\n");
    CHECK(ended.exit_code == 7);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("arguments arrive byte for byte") {
    const Workspace workspace;
    const auto ended =
        workspace.berth({"run", "--", "printf", "[%s]", "", "a b", "$HOME", "*", "--", "-e", "\n", "\xff"});
    CHECK(ended.output == "[][a b][$HOME][*][--][-e][\n][\xff]");
    CHECK(ended.exit_code == 0);
}

TEST_CASE("exit codes as a shell has them") {
    const Workspace workspace;
    CHECK(workspace.berth({"run", "--", "no-such-program-here"}).exit_code == 127);
    CHECK(workspace.berth({"run", "--", "/etc"}).exit_code == 126);
    CHECK(workspace.berth({"run", "--", "sh", "-c", "kill -9 $$"}).exit_code == 137);
    const auto timeout = workspace.berth({"run", "--timeout", "300ms", "--", "sleep", "60"});
    CHECK(timeout.exit_code == 124);
    CHECK(timeout.error.find("timeout") != std::string::npos);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("without -i stdin is at its end; with it, it is passed on") {
    const Workspace workspace;
    const auto file = workspace.file("in", "some bytes\n");
    berth::FileDescriptor input(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(workspace.berth({"run", "--", "cat"}, {.input = input.get()}).output.empty());
    CHECK(workspace.berth({"run", "-i", "--", "cat"}, {.input = input.get()}).output == "some bytes\n");
}

TEST_CASE("create flags reach the sandbox") {
    const Workspace workspace;
    workspace.file("in.txt", "uploaded");
    auto how = Started{};
    how.variables["OWN"] = "from outside";
    const auto ended = workspace.berth(
        {"run", "-e", "A=b c", "-e", "OWN", "-e", "NOT_SET_ANYWHERE", "-w", "/tmp", "--upload",
         workspace.path("in.txt") + ":/workspace/", "--setup", "printf '[%s]' x > /workspace/setup", "--", "sh", "-c",
         "printf '%s|%s|%s|' \"$A\" \"$OWN\" \"${NOT_SET_ANYWHERE-unset}\"; pwd; "
         "cat /workspace/in.txt /workspace/setup"},
        how);
    CHECK(ended.output == "b c|from outside|unset|/tmp\nuploaded[x]");
    CHECK(ended.exit_code == 0);
}

TEST_CASE("a setup line that fails leaves nothing and says what failed") {
    const Workspace workspace;
    const auto ended = workspace.berth({"run", "-o", "json", "--setup", "echo why >&2; exit 3", "--", "true"});
    CHECK(ended.exit_code == 125);
    CHECK(ended.output.empty());
    CHECK(ended.error.find("\"EXECUTION_FAILED\"") != std::string::npos);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("Ctrl-C ends the command in the sandbox, and nothing is left") {
    for (const auto& [number, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}, std::pair{SIGHUP, 129}}) {
        const int signal = number;  // clang 14 lets no lambda, such as those of CAPTURE, see a structured binding
        CAPTURE(signal);
        const Workspace workspace;
        auto pipe = berth::make_pipe();
        auto running = workspace.start({"run", "--", "sh", "-c", "trap '' INT; echo started; sleep 600 & wait"},
                                       {.output = pipe.write_end.get()});
        pipe.write_end.reset();
        char byte = 0;
        REQUIRE(::read(pipe.read_end.get(), &byte, 1) == 1);  // it runs
        running->signal(signal);
        CHECK(running->wait().exit_code == code);
        CHECK(workspace.sandboxes().empty());
    }
}

TEST_CASE("Ctrl-C while the sandbox is made leaves nothing") {
    const Workspace workspace;
    auto running = workspace.start({"run", "--setup", "sleep 600", "--", "true"});
    CHECK(becomes_true([&] { return !workspace.sandboxes().empty() || ::kill(running->pid(), 0) != 0; }));
    running->signal(SIGINT);
    CHECK(running->wait().exit_code == 130);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("Ctrl-C gets through while nobody reads the output") {
    const Workspace workspace;
    auto pipe = berth::make_pipe();
    auto running =
        workspace.start({"run", "--", "sh", "-c", "echo started; exec yes"}, {.output = pipe.write_end.get()});
    pipe.write_end.reset();
    char byte = 0;
    REQUIRE(::read(pipe.read_end.get(), &byte, 1) == 1);  // and no byte more
    running->signal(SIGINT);
    CHECK(running->wait().exit_code == 130);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("a second Ctrl-C does not wait for a command that ignores every signal it can") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS"] }
providers:
  local: { plugin: local, config: { state_dir: "STATE" } }
defaults: { kill_grace: 10m }
)");
    auto pipe = berth::make_pipe();
    auto running = workspace.start(
        {"run", "--", "sh", "-c", "trap 'echo told' TERM; echo started; while :; do sleep 600 & wait; done"},
        {.output = pipe.write_end.get()});
    pipe.write_end.reset();
    REQUIRE(reads(pipe.read_end.get(), "started\n"));
    running->signal(SIGINT);
    REQUIRE(reads(pipe.read_end.get(), "told\n"));  // the ladder has begun, and now waits ten minutes
    running->signal(SIGTERM);
    CHECK(running->wait().exit_code == 130);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("a reader that leaves ends the command quietly") {
    const Workspace workspace;
    auto pipe = berth::make_pipe();
    auto running = workspace.start({"run", "--", "yes"}, {.output = pipe.write_end.get()});
    pipe.write_end.reset();
    char byte = 0;
    REQUIRE(::read(pipe.read_end.get(), &byte, 1) == 1);
    pipe.read_end.reset();
    const auto ended = running->wait();
    CHECK(ended.exit_code == 141);
    CHECK(ended.error.empty());
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("output that cannot be written is a failure, not a success") {
    const Workspace workspace;
    berth::FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto ended = workspace.berth({"run", "--", "echo", "x"}, {.output = full.get()});
    CHECK(ended.exit_code == 125);
    CHECK(ended.error.find("BERTH-X-04") != std::string::npos);
    CHECK(workspace.sandboxes().empty());
}

TEST_CASE("--keep leaves the sandbox there and names it") {
    const Workspace workspace;
    const auto ended = workspace.berth({"run", "--keep", "--", "sh", "-c", "echo hi > kept"});
    CHECK(ended.exit_code == 0);
    CHECK(ended.output.empty());
    const auto names = workspace.sandboxes();
    REQUIRE(names.size() == 1);
    CHECK(ended.error == "berth: the sandbox is " + names[0] + "\n");
    CHECK(workspace.berth({"exec", names[0], "cat", "kept"}).output == "hi\n");
}

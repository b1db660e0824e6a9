// `berth exec`: streams of any size, stdin, signals, many at once, and how it ends when something is lost.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "berth_program.hpp"

using namespace berth_test;

TEST_CASE("a pipe on stdin arrives, and its end is the command's end of input") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    auto pipe = berth::make_pipe();
    auto running = workspace.start({"exec", "-i", sandbox, "cat"}, {.input = pipe.read_end.get()});
    pipe.read_end.reset();
    CHECK(berth::write_all(pipe.write_end.get(), "one ") == 0);
    CHECK(berth::write_all(pipe.write_end.get(), "two") == 0);
    pipe.write_end.reset();
    const auto ended = running->wait();
    CHECK(ended.output == "one two");
    CHECK(ended.exit_code == 0);
}

TEST_CASE("a command that ends returns although stdin stays open") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    const auto pipe = berth::make_pipe();
    const auto ended =
        workspace.berth({"exec", "-i", sandbox, "--", "sh", "-c", "exit 4"}, {.input = pipe.read_end.get()});
    CHECK(ended.exit_code == 4);
}

TEST_CASE("the flags of exec reach the process and nobody else") {
    const Workspace workspace;
    const auto sandbox = workspace.create({"-e", "A=sandbox"});
    CHECK(workspace.berth({"exec", "-e", "A=mine", "-w", "/tmp", sandbox, "sh", "-c", "echo $A; pwd"}).output ==
          "mine\n/tmp\n");
    CHECK(workspace.berth({"exec", sandbox, "sh", "-c", "echo $A"}).output == "sandbox\n");
    CHECK(workspace.berth({"exec", "--timeout", "200ms", sandbox, "sleep", "60"}).exit_code == 124);
    CHECK(workspace.berth({"exec", sandbox, "sh", "-c", "kill -TERM $$"}).exit_code == 143);
    const auto missing = workspace.berth({"exec", "-w", "/no/such/place", sandbox, "true"});
    CHECK(missing.exit_code == 125);
    CHECK(missing.error.find("/no/such/place") != std::string::npos);
}

TEST_CASE("Ctrl-C really ends the process in the sandbox") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    auto pipe = berth::make_pipe();
    auto running = workspace.start({"exec", sandbox, "sh", "-c", "echo started; exec sleep 61234"},
                                   {.output = pipe.write_end.get()});
    pipe.write_end.reset();
    char byte = 0;
    REQUIRE(::read(pipe.read_end.get(), &byte, 1) == 1);
    running->signal(SIGINT);
    CHECK(running->wait().exit_code == 130);
    const auto left = workspace.berth({"exec", sandbox, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"});
    CHECK(left.output.find("sleep 61234") == std::string::npos);
    CHECK(workspace.sandboxes().size() == 1);
}

TEST_CASE("two hundred at once, each with its own output") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    constexpr std::size_t count = 200;
    std::vector<std::unique_ptr<Running>> running;
    for (std::size_t index = 0; index < count; ++index) {
        const auto number = std::to_string(index);
        running.push_back(workspace.start(
            {"exec", sandbox, "sh", "-c", "printf 'out %s' " + number + "; printf 'err %s' " + number + " >&2"}));
    }
    std::size_t exact = 0;
    for (std::size_t index = 0; index < count; ++index) {
        const auto ended = running[index]->wait();
        const auto number = std::to_string(index);
        const bool same = ended.exit_code == 0 && ended.output == "out " + number && ended.error == "err " + number;
        if (!same) MESSAGE(number << ": " << ended.exit_code << " " << ended.output << " " << ended.error);
        exact += same ? 1 : 0;
    }
    CHECK(exact == count);
}

TEST_CASE("a sandbox that is not there") {
    const Workspace workspace;
    const auto ended = workspace.berth({"exec", "local/nobody", "true"});
    CHECK(ended.exit_code == 125);
    CHECK(ended.output.empty());
    CHECK(ended.error.starts_with("berth: "));
    CHECK(lines_of(ended.error).size() == 1);
}

TEST_CASE("a lost connection is 123 and never success") {
    const Workspace workspace;
    const auto ended = workspace.berth({"exec", "odd/box", "lose"});
    CHECK(ended.exit_code == 123);
    CHECK(ended.output == "so far\n");
    const auto json = workspace.berth({"exec", "-o", "json", "odd/box", "lose"});
    CHECK(json.exit_code == 123);
    CHECK(json.error.find("\"code\":\"UNAVAILABLE\"") != std::string::npos);
    CHECK(json.error.find("\"outcome\":\"unknown\"") != std::string::npos);
    CHECK(json.error.find("\"op\":\"execute_stream\"") != std::string::npos);
}

TEST_CASE("how odd processes end") {
    const Workspace workspace;
    CHECK(workspace.berth({"exec", "odd/box", "killed"}).exit_code == 137);
    const auto memory = workspace.berth({"exec", "odd/box", "memory"});
    CHECK(memory.exit_code == 137);
    CHECK(memory.error.find("memory limit") != std::string::npos);
    CHECK(workspace.berth({"exec", "odd/box", "never"}).exit_code == 125);
}

TEST_CASE("without live stdin, a file or pipe is sent whole, and too much is refused") {
    const Workspace workspace;
    const auto small = workspace.file("small", "all of it");
    berth::FileDescriptor input(::open(small.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(workspace.berth({"exec", "-i", "odd/box", "input"}, {.input = input.get()}).output == "all of it");
    CHECK(workspace.berth({"exec", "odd/box", "input"}).output == "none");
    const auto large = workspace.file("large", pattern((std::size_t{16} << 20U) + 1));
    input.reset(::open(large.c_str(), O_RDONLY | O_CLOEXEC));
    const auto ended = workspace.berth({"exec", "-i", "odd/box", "input"}, {.input = input.get()});
    CHECK(ended.exit_code == 125);
    CHECK(ended.error.find("BERTH-X-08") != std::string::npos);
}

TEST_CASE("a terminal: its name, its size, a new size, and it is given back") {
    const Workspace workspace;
    berth::FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master);
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    char name[128] = {};
    REQUIRE(::ptsname_r(master.get(), name, sizeof name) == 0);
    berth::FileDescriptor slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    winsize size{30, 90, 0, 0};
    REQUIRE(::ioctl(slave.get(), TIOCSWINSZ, &size) == 0);
    termios before{};
    REQUIRE(::tcgetattr(slave.get(), &before) == 0);

    auto how = Started{.input = -1, .output = slave.get()};
    how.variables["TERM"] = "test-term";
    auto running = workspace.start({"exec", "-t", "odd/box", "terminal"}, how);
    std::string seen;
    const auto read_until = [&](std::string_view wanted) {
        char buffer[256];
        while (seen.find(wanted) == std::string::npos) {
            const auto count = ::read(master.get(), buffer, sizeof buffer);
            if (count <= 0) return false;
            seen.append(buffer, static_cast<std::size_t>(count));
        }
        return true;
    };
    CHECK(read_until("test-term 30x90"));
    size = {31, 91, 0, 0};
    REQUIRE(::ioctl(slave.get(), TIOCSWINSZ, &size) == 0);
    running->signal(SIGWINCH);
    CHECK(read_until("31x91"));
    running->signal(SIGTERM);
    CHECK(running->wait().exit_code == 143);
    termios after{};
    REQUIRE(::tcgetattr(slave.get(), &after) == 0);
    CHECK(after.c_lflag == before.c_lflag);
}

TEST_CASE("a provider without terminals says so before anything is spent") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS", "PLUGINS/../examples"] }
providers: { minimal: { plugin: minimal } }
)");
    const auto ended = workspace.berth({"run", "-t", "--", "true"});
    CHECK(ended.exit_code == 125);
    CHECK(ended.error.find("tty") != std::string::npos);
    const auto json = workspace.berth({"-o", "json", "exec", "-t", "minimal/none", "true"});
    CHECK(json.exit_code == 125);
    CHECK(json.error.find("\"UNSUPPORTED\"") != std::string::npos);
}

// Standard input into a process, until either ends.
#include "cli/input_pump.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>

#include "cli/signal_watch.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

std::string read_to_end(int descriptor) {
    std::string all;
    char buffer[65536];
    for (;;) {
        const auto count = ::read(descriptor, buffer, sizeof buffer);
        if (count <= 0) return all;
        all.append(buffer, static_cast<std::size_t>(count));
    }
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        bytes[index] = static_cast<char>(index * 13 + index / 253);
    }
    return bytes;
}

}  // namespace

TEST_CASE("a file arrives whole and the end is passed on") {
    char path[] = "/tmp/berth-pump-XXXXXX";
    FileDescriptor file(::mkostemp(path, O_CLOEXEC));
    REQUIRE(file);
    ::unlink(path);
    const auto sent = pattern(2'345'678);
    REQUIRE(write_all(file.get(), sent) == 0);
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    auto target = make_pipe();
    InputPump pump(file.get(), target.write_end.get(), [&] { target.write_end.reset(); });
    CHECK(read_to_end(target.read_end.get()) == sent);
}

TEST_CASE("a pipe and a socket arrive whole") {
    for (const bool socket : {false, true}) {
        CAPTURE(socket);
        FileDescriptor read_end;
        FileDescriptor write_end;
        if (socket) {
            int ends[2] = {-1, -1};
            REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
            read_end.reset(ends[0]);
            write_end.reset(ends[1]);
        } else {
            auto pipe = make_pipe();
            read_end = std::move(pipe.read_end);
            write_end = std::move(pipe.write_end);
        }
        const auto sent = pattern(1'234'567);
        std::thread feeder([&] {
            static_cast<void>(write_all(write_end.get(), sent));
            write_end.reset();
        });
        auto target = make_pipe();
        InputPump pump(read_end.get(), target.write_end.get(), [&] { target.write_end.reset(); });
        CHECK(read_to_end(target.read_end.get()) == sent);
        feeder.join();
    }
}

TEST_CASE("input that cannot be spliced is copied") {
    FileDescriptor zero(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto target = make_pipe();
    InputPump pump(zero.get(), target.write_end.get(), [&] { target.write_end.reset(); });
    CHECK(read_to_end(target.read_end.get()).empty());
}

TEST_CASE("a terminal is copied") {
    FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master);
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    char name[128] = {};
    REQUIRE(::ptsname_r(master.get(), name, sizeof name) == 0);
    FileDescriptor slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave);
    auto target = make_pipe();
    InputPump pump(slave.get(), target.write_end.get(), [&] { target.write_end.reset(); });
    REQUIRE(write_all(master.get(), "hello\n\x04") == 0);  // a line, and Ctrl-D
    CHECK(read_to_end(target.read_end.get()) == "hello\n");
}

TEST_CASE("a pump that waits for input is ended") {
    const auto input = make_pipe();
    const auto target = make_pipe();
    std::atomic<bool> ended{false};
    InputPump pump(input.read_end.get(), target.write_end.get(), [&] { ended = true; });
    pump.stop();
    pump.stop();
    CHECK_FALSE(ended);
}

TEST_CASE("a pump that waits for room is ended") {
    FileDescriptor zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    const auto target = make_pipe();
    InputPump pump(zero.get(), target.write_end.get(), [] {});
    pump.stop();
}

TEST_CASE("a process that does not read any more ends the pump without an end of input") {
    survive_closed_pipes();
    auto input = make_pipe();
    auto target = make_pipe();
    std::atomic<bool> ended{false};
    target.read_end.reset();
    {
        InputPump pump(input.read_end.get(), target.write_end.get(), [&] { ended = true; });
        REQUIRE(write_all(input.write_end.get(), "x") == 0);
    }
    CHECK_FALSE(ended);
    ::signal(SIGPIPE, SIG_DFL);
}

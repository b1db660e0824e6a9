// Output that never waits in a way that cannot be ended.
#include "cli/output_writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "base/error.hpp"
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
        bytes[index] = static_cast<char>(index * 7 + index / 251);
    }
    return bytes;
}

/// The writer's kinds: a pipe is opened anew, a socket is written in pieces.
struct Channel {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Channel make_channel(bool socket) {
    if (!socket) {
        auto pipe = make_pipe();
        return {std::move(pipe.read_end), std::move(pipe.write_end)};
    }
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

TEST_CASE("every byte arrives, whatever is behind the descriptor") {
    for (const bool socket : {false, true}) {
        CAPTURE(socket);
        auto channel = make_channel(socket);
        const auto give_up = make_event();
        const auto sent = pattern(3'000'001);
        std::string got;
        std::thread reader([&] { got = read_to_end(channel.read_end.get()); });
        {
            OutputWriter writer(channel.write_end.get(), give_up);
            CHECK(writer.write(sent) == OutputWriter::Written::all);
            CHECK(writer.write({}) == OutputWriter::Written::all);
        }
        channel.write_end.reset();
        reader.join();
        CHECK(got == sent);
    }
}

TEST_CASE("the flags of a shared descriptor stay as they are") {
    const auto channel = make_channel(false);
    const auto give_up = make_event();
    OutputWriter writer(channel.write_end.get(), give_up);
    CHECK(writer.write("x") == OutputWriter::Written::all);
    CHECK((::fcntl(channel.write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a reader that does not read keeps nobody when it is given up") {
    for (const bool socket : {false, true}) {
        CAPTURE(socket);
        const auto channel = make_channel(socket);
        const auto give_up = make_event();
        OutputWriter writer(channel.write_end.get(), give_up);
        OutputWriter::Written end = OutputWriter::Written::all;
        std::thread writing([&] { end = writer.write(std::string(4 << 20, 'x')); });
        raise_event(give_up);
        writing.join();
        CHECK(end == OutputWriter::Written::dropped);
        CHECK(writer.write("y") == OutputWriter::Written::dropped);
    }
}

TEST_CASE("after giving up, what has room is still written") {
    const auto channel = make_channel(false);
    const auto give_up = make_event();
    OutputWriter writer(channel.write_end.get(), give_up);
    raise_event(give_up);
    CHECK(writer.write("last words") == OutputWriter::Written::all);
}

TEST_CASE("a reader that is gone is told apart from a full disk") {
    survive_closed_pipes();
    auto channel = make_channel(false);
    const auto give_up = make_event();
    OutputWriter writer(channel.write_end.get(), give_up);
    channel.read_end.reset();
    CHECK(writer.write("x") == OutputWriter::Written::reader_gone);
    ::signal(SIGPIPE, SIG_DFL);

    FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    OutputWriter to_full(full.get(), give_up);
    CHECK_THROWS_WITH_AS(static_cast<void>(to_full.write("x")), doctest::Contains("No space left on device"), Error);
}

TEST_CASE("a file keeps its place and append mode") {
    char path[] = "/tmp/berth-writer-XXXXXX";
    FileDescriptor file(::mkostemp(path, O_CLOEXEC));
    REQUIRE(file);
    const auto give_up = make_event();
    REQUIRE(write_all(file.get(), "before ") == 0);
    OutputWriter writer(file.get(), give_up);
    raise_event(give_up);  // a file always has room
    CHECK(writer.write("after") == OutputWriter::Written::all);
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    CHECK(read_to_end(file.get()) == "before after");
    ::unlink(path);
}

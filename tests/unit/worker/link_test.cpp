// Frames over a socket, with and without descriptors.
#include "worker/wire/link.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <future>
#include <string>
#include <utility>

#include "base/file_descriptor.hpp"

using namespace berth;
using namespace berth::wire;

namespace {

/// Both ends of one socket.
struct Ends {
    explicit Ends(Descriptors descriptors) : Ends(make_link(), descriptors) {}
    Link near;
    Link far;

private:
    Ends(std::pair<FileDescriptor, FileDescriptor> sockets, Descriptors descriptors)
        : near(std::move(sockets.first)), far(std::move(sockets.second), descriptors) {}
};

}  // namespace

TEST_CASE("frames come as they were sent: queued, in two parts, small and larger than any socket's buffer") {
    for (const auto descriptors : {Descriptors::never, Descriptors::may_come}) {
        Ends ends(descriptors);
        const std::string large(std::size_t{3} << 20U, 'x');
        auto sending = std::async(std::launch::async, [&] {
            ends.near.queue(FrameKind::progress, 1, "queued");
            return ends.near.send(FrameKind::call, 2, "head", " and rest") &&
                   ends.near.send(FrameKind::call, 3, large, "end") && ends.near.send(FrameKind::returned, 4, {});
        });
        const auto expect = [&ends](FrameKind kind, std::uint64_t call, const std::string& payload) {
            const auto frame = ends.far.receive();
            REQUIRE(frame);
            CHECK(frame->kind == kind);
            CHECK(frame->call == call);
            CHECK((frame->payload == payload));
        };
        expect(FrameKind::progress, 1, "queued");
        expect(FrameKind::call, 2, "head and rest");
        expect(FrameKind::call, 3, large + "end");
        expect(FrameKind::returned, 4, "");
        CHECK(sending.get());
    }
}

TEST_CASE("a descriptor comes with its frame, also behind one that was queued") {
    Ends ends(Descriptors::may_come);
    const auto pipe = make_pipe();
    ends.near.queue(FrameKind::progress, 1, "before");
    REQUIRE(ends.near.send(FrameKind::call, 2, "call", {pipe.read_end.get()}));
    CHECK(ends.far.receive()->descriptors.empty());
    const auto frame = ends.far.receive();
    REQUIRE(frame->descriptors.size() == 1);
    CHECK(::fcntl(frame->descriptors.front().get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("a descriptor that must not come is closed, and its frame breaks the protocol") {
    Ends ends(Descriptors::never);
    auto pipe = make_pipe();
    REQUIRE(ends.near.send(FrameKind::call, 1, "call", {pipe.write_end.get()}));
    CHECK_THROWS_AS((void)ends.far.receive(), Malformed);
    // Nobody holds the other end any more.
    pipe.write_end.reset();
    char byte = 0;
    CHECK(::read(pipe.read_end.get(), &byte, 1) == 0);
}

TEST_CASE("a link whose other end is gone sends nothing and receives nothing") {
    Ends ends(Descriptors::never);
    ends.far.shut_down();
    CHECK_FALSE(ends.near.send(FrameKind::call, 1, "call"));
    CHECK_FALSE(ends.near.receive());
    CHECK(ends.near.is_gone());
}

TEST_CASE("after a message that is none a link is gone: whoever looks again does not find the same for ever") {
    for (const auto& lie : {FrameHeader{largest_payload + 1, FrameKind::log, 0, 0},
                            FrameHeader{0, FrameKind::log, 1, 0}, FrameHeader{0, FrameKind::log, 0xffff, 0}}) {
        Ends ends(Descriptors::never);
        REQUIRE(ends.near.send(FrameKind::log, 7, {}));
        REQUIRE(::write(ends.near.descriptor(), &lie, sizeof lie) == sizeof lie);
        const auto frame = ends.far.receive();
        REQUIRE(frame);
        CHECK(frame->call == 7);
        CHECK_THROWS_AS((void)ends.far.receive(), Malformed);
        CHECK(ends.far.is_gone());
        CHECK_FALSE(ends.far.try_receive());
        CHECK_FALSE(ends.far.receive());
    }
}

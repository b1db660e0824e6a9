// The protocol and its reader against peers that lie: sizes, texts, descriptors, order. Every peer here is hostile.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "local/link.hpp"
#include "local/process_outcome.hpp"
#include "local/terminal_end.hpp"
#include "room.hpp"

using namespace room;
namespace protocol = berth_local::protocol;

namespace {

struct Pair {
    rooms::Descriptor peer;
    rooms::Link link;
};

Pair connected() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return {rooms::Descriptor(ends[0]), rooms::Link(rooms::Descriptor(ends[1]))};
}

void say(const rooms::Descriptor& peer, std::string_view bytes, const std::vector<int>& descriptors = {}) {
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    }
    REQUIRE(::sendmsg(peer.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

std::string header(std::uint32_t type, std::uint32_t size) {
    const protocol::Header h{type, size};
    return {reinterpret_cast<const char*>(&h), sizeof h};
}

std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("a reader never reads past the end and stays false once it was") {
    std::string frame;
    protocol::Writer(frame, protocol::Type::entry).u32(7).bytes("abc").text("path").finish();
    const std::string_view payload = std::string_view(frame).substr(sizeof(protocol::Header));
    protocol::Reader whole(payload);
    CHECK(whole.u32() == 7);
    CHECK(whole.bytes(10) == "abc");
    CHECK(whole.text(10) == "path");
    CHECK(whole.finished());
    for (std::size_t size = 0; size < payload.size(); ++size) {
        protocol::Reader cut(payload.substr(0, size));
        cut.u32();
        cut.bytes(10);
        cut.text(10);
        CHECK_FALSE(cut.finished());
        CHECK(cut.u64() == 0);
    }
    protocol::Reader limited(payload);
    limited.u32();
    CHECK(limited.bytes(2).empty());
    CHECK_FALSE(limited.good());
}

TEST_CASE("a text must end in its only NUL") {
    for (const std::string_view bytes :
         {std::string_view("a\0b\0", 4), std::string_view("ab", 2), std::string_view("", 0)}) {
        std::string frame;
        protocol::Writer(frame, protocol::Type::entry).bytes(bytes).finish();
        protocol::Reader reader(std::string_view(frame).substr(sizeof(protocol::Header)));
        reader.text(100);
        CHECK_FALSE(reader.good());
    }
}

TEST_CASE("frames arrive whole, however they are cut on the way") {
    Pair pair = connected();
    std::string frames;
    protocol::Writer(frames, protocol::Type::data).raw("first", 5).finish();
    protocol::Writer(frames, protocol::Type::file_end).finish();
    rooms::Frame frame;
    for (std::size_t i = 0; i + 1 < sizeof(protocol::Header) + 5; ++i) {
        say(pair.peer, frames.substr(i, 1));
        CHECK(pair.link.next(frame) == rooms::Link::Got::nothing);
    }
    say(pair.peer, frames.substr(sizeof(protocol::Header) + 4));
    REQUIRE(pair.link.next(frame) == rooms::Link::Got::frame);
    CHECK(frame.payload == "first");
    REQUIRE(pair.link.next(frame) == rooms::Link::Got::frame);
    CHECK(frame.type == protocol::Type::file_end);
    CHECK(pair.link.next(frame) == rooms::Link::Got::nothing);
    pair.peer.reset();
    CHECK(pair.link.next(frame) == rooms::Link::Got::closed);
}

TEST_CASE("a frame that claims to be huge is refused before anything is kept for it") {
    Pair pair = connected();
    say(pair.peer, header(static_cast<std::uint32_t>(protocol::Type::data), 0xFFFFFFFFU));
    rooms::Frame frame;
    CHECK(pair.link.next(frame) == rooms::Link::Got::broken);
}

TEST_CASE("too many descriptors are refused, and none stays open") {
    const std::size_t before = open_descriptors();
    {
        Pair pair = connected();
        const rooms::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        say(pair.peer, header(1, 0), std::vector<int>(8, nothing.get()));
        rooms::Frame frame;
        CHECK(pair.link.next(frame) == rooms::Link::Got::broken);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("only pipes open in the right direction are adopted, and reading one never waits") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const rooms::Descriptor reading(ends[0]);
    const rooms::Descriptor writing(ends[1]);
    CHECK_FALSE(rooms::adopt_pipe(rooms::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)), O_RDONLY));
    CHECK_FALSE(rooms::adopt_pipe(rooms::Descriptor(::socket(AF_UNIX, SOCK_STREAM, 0)), O_RDONLY));
    CHECK_FALSE(rooms::adopt_pipe(writing, O_RDONLY));
    CHECK_FALSE(rooms::adopt_pipe(reading, O_WRONLY));
    const rooms::Descriptor own = rooms::adopt_pipe(reading, O_RDONLY);
    REQUIRE(own);
    ::fcntl(reading.get(), F_SETFL, 0);  // the other side turns waiting on again: on its own open file only
    char byte = 0;
    CHECK(::read(own.get(), &byte, 1) == -1);
    CHECK(errno == EAGAIN);
}

TEST_CASE("what a wait status means depends on who asked for the end") {
    using protocol::Cause;
    const int exited_3 = 3 << 8;
    CHECK(rooms::process_end(exited_3, Cause::none, 5'000'000, 0).kind == BERTH_ENDED_EXITED);
    CHECK(rooms::process_end(exited_3, Cause::none, 5'000'000, 0).exit_code == 3);
    CHECK(rooms::process_end(exited_3, Cause::none, 5'000'000, 0).duration_ms == 5);
    CHECK(rooms::process_end(SIGKILL, Cause::none, 0, 0).kind == BERTH_ENDED_SIGNALLED);
    CHECK(rooms::process_end(SIGSEGV | 0x80, Cause::none, 0, 0).signal == SIGSEGV);
    CHECK(rooms::process_end(SIGHUP, Cause::none, 0, 1ULL << SIGHUP).kind == BERTH_ENDED_KILLED);
    CHECK(rooms::process_end(exited_3, Cause::none, 0, 1ULL << SIGHUP).kind == BERTH_ENDED_EXITED);
    CHECK(rooms::process_end(exited_3, Cause::none, 0, 1ULL << SIGTERM).kind == BERTH_ENDED_KILLED);
    CHECK(rooms::process_end(exited_3, Cause::timeout, 0, 0).kind == BERTH_ENDED_TIMEOUT);
    CHECK(rooms::process_end(SIGKILL, Cause::cancelled, UINT64_MAX, 0).kind == BERTH_ENDED_CANCELLED);
    CHECK(rooms::process_end(exited_3, static_cast<Cause>(99), 0, 0).kind == BERTH_ENDED_EXITED);
}

namespace {

// A sandbox directory whose "first process" is the test: it says `answer` to whatever is asked and hangs up.
class FalseInit {
public:
    FalseInit(const std::filesystem::path& directory, std::function<void(const rooms::Descriptor&)> answer)
        : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), answer_(std::move(answer)) {
        directory_ = rooms::open_directory(AT_FDCWD, directory);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", directory_.get());
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 8) == 0);
        thread_ = std::thread([this] {
            const rooms::Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            answer_(peer);
        });
    }
    ~FalseInit() { thread_.join(); }
    [[nodiscard]] int directory() const { return directory_.get(); }

private:
    rooms::Descriptor directory_;
    rooms::Descriptor listener_;
    std::function<void(const rooms::Descriptor&)> answer_;
    std::thread thread_;
};

rooms::ProcessRequest request_for_true() {
    rooms::ProcessRequest request;
    request.directory = "/";
    request.arguments = {"true"};
    return request;
}

std::int32_t code_against(std::function<void(const rooms::Descriptor&)> answer,
                          std::optional<rooms::TerminalSize> terminal = {}) {
    const TemporaryDirectory directory;
    FalseInit init(directory.path(), std::move(answer));
    TestCaller caller;
    TestSink sink;
    rooms::ProcessRequest request = request_for_true();
    request.terminal = terminal;
    return failure_of([&] { (void)rooms::run_process(init.directory(), request, caller, sink, [] { return false; }); })
        .code;
}

std::string started(std::uint32_t pid, std::uint32_t streams) {
    std::string frame;
    protocol::Writer(frame, protocol::Type::started).u32(pid).u32(streams).finish();
    return frame;
}

}  // namespace

TEST_CASE("an init that lies about a run is caught, and nobody waits for it") {
    const rooms::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(code_against([](const rooms::Descriptor&) {}) == BERTH_UNAVAILABLE);
    CHECK(code_against([](const rooms::Descriptor& peer) { say(peer, header(61, 0xFFFFFF)); }) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against([](const rooms::Descriptor& peer) { say(peer, started(2, 3)); }) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against([](const rooms::Descriptor& peer) { say(peer, started(0xFFFFFFFF, 3)); }) ==
          BERTH_PROTOCOL_ERROR);
    CHECK(code_against([&](const rooms::Descriptor& peer) {
              say(peer, started(2, 3), {nothing.get(), nothing.get()});
          }) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against([](const rooms::Descriptor& peer) {
              std::string frame;
              protocol::Writer(frame, protocol::Type::ended).u32(0).u32(0).u64(0).finish();
              say(peer, frame);  // the end of what never began
          }) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against([](const rooms::Descriptor& peer) {
              std::string frame;
              protocol::Writer(frame, protocol::Type::failed).u32(99).u32(0xFFFFFFFF).finish();
              say(peer, frame);
          }) == BERTH_EXECUTION_FAILED);
}

TEST_CASE("a sandbox that is destroyed during a run: killed, unless the request was never even read") {
    const auto run_against = [](std::function<void(const rooms::Descriptor&)> answer) {
        const TemporaryDirectory directory;
        FalseInit init(directory.path(), std::move(answer));
        TestCaller caller;
        TestSink sink;
        return rooms::run_process(init.directory(), request_for_true(), caller, sink, [] { return true; });
    };
    const rooms::ProcessEnd end = run_against([](const rooms::Descriptor& peer) {
        char request[4096];
        CHECK(::read(peer.get(), request, sizeof request) > 0);  // whole: it is small and was sent at once
    });
    CHECK(end.kind == BERTH_ENDED_KILLED);
    CHECK(end.signal == SIGKILL);
    const rooms::Failure refused = failure_of([&] {
        (void)run_against([](const rooms::Descriptor& peer) {
            pollfd request{peer.get(), POLLIN, 0};
            CHECK(::poll(&request, 1, -1) == 1);
        });
    });
    CHECK(refused.code == BERTH_CANCELLED);
    CHECK(refused.outcome == BERTH_OUTCOME_NONE);
}

TEST_CASE("only the master's end of a terminal is adopted, and nothing else passes for one") {
    rooms::Descriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(::unlockpt(master.get()) == 0);
    const rooms::Descriptor slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const rooms::Descriptor reading(ends[0]);
    const rooms::Descriptor writing(ends[1]);
    const rooms::Descriptor zero(::open("/dev/zero", O_RDWR | O_CLOEXEC));
    const rooms::TerminalSize size{24, 80};
    for (const int wrong : {slave.get(), reading.get(), writing.get(), zero.get()}) {
        CHECK_FALSE(rooms::adopt_terminal(rooms::Descriptor(::dup(wrong))));
        CHECK(code_against(
                  [&](const rooms::Descriptor& peer) { say(peer, started(2, protocol::stream_terminal), {wrong}); },
                  size) == BERTH_PROTOCOL_ERROR);
    }
    CHECK(code_against([&](const rooms::Descriptor& peer) { say(peer, started(2, protocol::stream_terminal)); },
                       size) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against(
              [&](const rooms::Descriptor& peer) {
                  say(peer, started(2, protocol::stream_terminal | protocol::stream_stderr),
                      {master.get(), reading.get()});
              },
              size) == BERTH_PROTOCOL_ERROR);
    // A terminal that was not asked for.
    CHECK(code_against([&](const rooms::Descriptor& peer) {
              say(peer, started(2, protocol::stream_terminal), {master.get()});
          }) == BERTH_PROTOCOL_ERROR);
    CHECK(rooms::adopt_terminal(std::move(master)));
}

TEST_CASE("an init that never stops talking does not hold its caller") {
    const auto endless = [](std::string frame) {
        return [frame](const rooms::Descriptor& peer) {
            while (::send(peer.get(), frame.data(), frame.size(), MSG_NOSIGNAL) > 0) {
            }
        };
    };
    const rooms::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(code_against(endless(header(99, 0))) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against(endless(header(static_cast<std::uint32_t>(protocol::Type::pong), 0))) == BERTH_PROTOCOL_ERROR);
    CHECK(code_against([](const rooms::Descriptor& peer) {
              int ends[2];
              REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
              const rooms::Descriptor reading(ends[0]);
              const rooms::Descriptor writing(ends[1]);
              say(peer, started(2, 3), {reading.get(), reading.get()});
              const std::string again = started(2, 3);
              while (::send(peer.get(), again.data(), again.size(), MSG_NOSIGNAL) > 0) {
              }
          }) == BERTH_PROTOCOL_ERROR);
}

TEST_CASE("an end is an end, whatever is said after it") {
    const TemporaryDirectory directory;
    FalseInit init(directory.path(), [](const rooms::Descriptor& peer) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        rooms::Descriptor reading(ends[0]);
        rooms::Descriptor writing(ends[1]);
        say(peer, started(2, 3), {reading.get(), reading.get()});
        writing.reset();
        std::string frame;
        protocol::Writer(frame, protocol::Type::ended).u32(3 << 8).u32(0).u64(0).finish();
        const std::string more = header(99, 0);
        for (frame += more; ::send(peer.get(), frame.data(), frame.size(), MSG_NOSIGNAL) > 0; frame = more) {
        }
    });
    TestCaller caller;
    TestSink sink;
    rooms::ProcessRequest request;
    request.directory = "/";
    request.arguments = {"true"};
    const rooms::ProcessEnd end = rooms::run_process(init.directory(), request, caller, sink, [] { return false; });
    CHECK(end.kind == BERTH_ENDED_EXITED);
    CHECK(end.exit_code == 3);
}

TEST_CASE("a file server that acknowledges what it was never given is caught, and nobody listens to it for ever") {
    const TemporaryDirectory directory;
    std::string frame;
    protocol::Writer(frame, protocol::Type::acknowledged).u32(7).finish();
    FalseInit init(directory.path(), [&](const rooms::Descriptor& peer) {
        while (::send(peer.get(), frame.data(), frame.size(), MSG_NOSIGNAL) > 0) {
        }
    });
    TestCaller caller;
    MemorySource source({{protocol::Kind::file, 0, "file", "content", 0644}});
    CHECK(failure_of([&] { rooms::upload(init.directory(), "/", source, caller); }).code == BERTH_PROTOCOL_ERROR);
}

TEST_CASE("directories, devices and sockets in place of pipes are turned away, and closing them never waits") {
    for (const char* other : {"/", "/dev/null", "/dev/zero"}) {
        CHECK(code_against([&](const rooms::Descriptor& peer) {
                  const rooms::Descriptor opened(::open(other, O_RDONLY | O_CLOEXEC));
                  say(peer, started(2, 3), {opened.get(), opened.get()});
              }) == BERTH_PROTOCOL_ERROR);
    }
    Pair pair = connected();
    const rooms::Descriptor slow(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const linger minutes{1, 600};
    REQUIRE(::setsockopt(slow.get(), SOL_SOCKET, SO_LINGER, &minutes, sizeof minutes) == 0);
    say(pair.peer, header(1, 0), {slow.get()});
    rooms::Frame frame;
    REQUIRE(pair.link.next(frame) == rooms::Link::Got::frame);
    linger left{1, 1};
    socklen_t size = sizeof left;
    REQUIRE(::getsockopt(slow.get(), SOL_SOCKET, SO_LINGER, &left, &size) == 0);
    CHECK(left.l_onoff == 0);
}

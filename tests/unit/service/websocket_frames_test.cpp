// The rooms behind a WebSocket by themselves: frames, the mailbox's bounds, and what a peer is answered.
#include <limits>
#include <random>

#include "fake_call.hpp"
#include "service/websocket/dialogue.hpp"
#include "websocket_support.hpp"

using namespace berth_test;

namespace {

constexpr FrameMask mask{0x11, 0x22, 0x33, 0x44};

/// A dialogue whose other side is the test.
struct Talk {
    Dialogue::Hearing hear(std::string_view bytes) {
        auto hearing = Dialogue::Hearing::on;
        while (!bytes.empty() && hearing != Dialogue::Hearing::over) {
            const auto room = dialogue.room();
            const auto size = std::min(room.size(), bytes.size());
            bytes.copy(room.data(), size);
            bytes.remove_prefix(size);
            hearing = dialogue.arrived(size);
        }
        return hearing;
    }
    SocketStep receive() { return mailbox->receive(call, Mailbox::Waiting::no); }
    [[nodiscard]] const SocketEvent& event() const { return mailbox->event(); }

    FakeCall call;
    std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
    Dialogue dialogue{mailbox, [] { return mask; }};
};

std::string client_frame_of(Opcode opcode, std::string_view payload) {
    std::string bytes;
    append_frame(bytes, opcode, payload, mask);
    return bytes;
}

}  // namespace

TEST_CASE("a client's frame is masked, with its length in as few bytes as there may be") {
    const auto head = [](std::size_t size) {
        return client_frame_of(Opcode::binary, std::string(size, '\0')).substr(0, 10);
    };
    CHECK(client_frame_of(Opcode::text, "abc") ==
          std::string("\x81\x83\x11\x22\x33\x44") + char('a' ^ 0x11) + char('b' ^ 0x22) + char('c' ^ 0x33));
    CHECK(head(125).substr(0, 2) == "\x82\xfd");
    CHECK(head(126).substr(0, 4) == std::string("\x82\xfe\x00\x7e", 4));
    CHECK(head(65535).substr(0, 4) == "\x82\xfe\xff\xff");
    CHECK(head(65536) == std::string("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST_CASE("messages that came together lie where they were read, also those at the end of a block") {
    Talk talk;
    std::string sent;
    for (int index = 0; index < 500; ++index)
        sent += std::string("\x82\x7e\x04\x00", 4) + std::string(1024, static_cast<char>('a' + index % 26));
    REQUIRE(talk.hear(sent) == Dialogue::Hearing::on);
    std::string received;
    for (int index = 0; index < 500; ++index) {
        REQUIRE(talk.receive() == SocketStep::done);
        REQUIRE(talk.event().bytes.size() == 1024);
        received += talk.event().bytes.front();
    }
    CHECK(received.substr(0, 27) == "abcdefghijklmnopqrstuvwxyza");
    CHECK(received.back() == static_cast<char>('a' + 499 % 26));
    CHECK(talk.receive() == SocketStep::again);
}

TEST_CASE("a message lives until the next is asked for, whatever arrives meanwhile") {
    Talk talk;
    (void)talk.hear(frame(0x81, "first"));
    REQUIRE(talk.receive() == SocketStep::done);
    const auto view = talk.event().bytes;
    for (int index = 0; index < 2000; ++index)
        (void)talk.hear(frame(0x82, std::string(100, 'x')));
    CHECK(view == "first");
}

TEST_CASE("empty messages are bounded, too, and reading goes on when they were taken") {
    Talk talk;
    std::size_t count = 0;
    while (talk.hear(frame(0x82, "")) == Dialogue::Hearing::on)
        REQUIRE(++count < 100'000);
    CHECK_FALSE(talk.mailbox->may_read_on());
    REQUIRE(talk.receive() == SocketStep::done);
    CHECK(talk.mailbox->has_made_room());
    CHECK_FALSE(talk.mailbox->has_made_room());
    CHECK(talk.mailbox->may_read_on());
}

TEST_CASE("of many pings the last is answered, before what waits to be sent") {
    Talk talk;
    REQUIRE(talk.mailbox->send(talk.call, {SocketMessageKind::text, "letter"}) == SocketStep::done);
    (void)talk.hear(frame(0x89, "one") + frame(0x89, "two"));
    CHECK(talk.dialogue.next_bytes() == client_frame_of(Opcode::pong, "two") + client_frame_of(Opcode::text, "letter"));
    CHECK(talk.dialogue.next_bytes().empty());
    talk.dialogue.ping();
    CHECK(talk.dialogue.next_bytes() == client_frame_of(Opcode::ping, ""));
}

TEST_CASE("a goodbye is answered with its code, once, and nothing follows it") {
    Talk talk;
    REQUIRE(talk.mailbox->send(talk.call, {SocketMessageKind::text, "letter"}) == SocketStep::done);
    CHECK(talk.hear(frame(0x81, "last") + frame(0x88, "\x0f\xa1why") + frame(0x81, "after")) ==
          Dialogue::Hearing::over);
    CHECK(talk.dialogue.next_bytes() == client_frame_of(Opcode::close, "\x0f\xa1"));
    CHECK(talk.dialogue.next_bytes().empty());
    REQUIRE(talk.receive() == SocketStep::done);
    CHECK(talk.event().bytes == "last");
    REQUIRE(talk.receive() == SocketStep::done);
    CHECK(talk.event().close_code == 4001);
}

TEST_CASE("our goodbye comes after what waits, and what the peer says then is heard by nobody") {
    Talk talk;
    REQUIRE(talk.mailbox->send(talk.call, {SocketMessageKind::binary, "letter"}) == SocketStep::done);
    talk.mailbox->close(4000);
    CHECK(talk.dialogue.next_bytes() ==
          client_frame_of(Opcode::binary, "letter") + client_frame_of(Opcode::close, "\x0f\xa0"));
    CHECK(talk.hear(frame(0x81, "unheard")) == Dialogue::Hearing::on);
    CHECK(talk.receive() == SocketStep::again);
    CHECK(talk.hear(frame(0x88, "")) == Dialogue::Hearing::over);
    CHECK(talk.dialogue.next_bytes().empty());
}

TEST_CASE("messages are the same wherever their bytes are cut") {
    std::string sent = frame(0x01, "gr\xc3") + frame(0x89, "") + frame(0x00, "\xbc") + frame(0x80, "n") +
                       std::string("\x82\x7f\x00\x00\x00\x00\x00\x02\x00\x00", 10) + std::string(131072, 'L') +
                       std::string("\x82\x7e\x40\x00", 4) + std::string(16384, 'M') + frame(0x81, "");
    std::mt19937 random(7);
    for (int turn = 0; turn < 50; ++turn) {
        Talk talk;
        std::string_view rest = sent;
        while (!rest.empty()) {
            const auto size = std::min<std::size_t>(rest.size(), 1 + random() % (turn < 5 ? 3 : 40'000));
            REQUIRE(talk.hear(rest.substr(0, size)) == Dialogue::Hearing::on);
            rest.remove_prefix(size);
        }
        const auto next = [&] {
            REQUIRE(talk.receive() == SocketStep::done);
            return talk.event().bytes;
        };
        CHECK(next() == "gr\xc3\xbcn");
        CHECK(next() == std::string(131072, 'L'));
        CHECK(next() == std::string(16384, 'M'));
        CHECK(next().empty());
    }
}

TEST_CASE("a length that is announced costs nothing before its bytes come") {
    FrameReader reader;
    const std::string head("\x82\x7f\x00\x00\x00\x00\x01\x00\x00\x00", 10);  // 16 MiB
    head.copy(reader.room().data(), head.size());
    reader.arrived(head.size());
    CHECK(reader.next() == FrameReader::Step::more);
    CHECK(reader.room().size() <= FrameReader::block_size);
}

// The user's terminal, raw and back again.
#include "cli/raw_terminal.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "../../support/terminal_pair.hpp"
#include "base/file_descriptor.hpp"

using namespace berth;
using namespace berth::cli;
using berth_test::make_terminal;

namespace {

termios state_of(int descriptor) {
    termios state{};
    REQUIRE(::tcgetattr(descriptor, &state) == 0);
    return state;
}

using Now = RawTerminal::Now;

constexpr auto keys_are_cooked = static_cast<tcflag_t>(ECHO | ICANON | ISIG);

}  // namespace

TEST_CASE("a raw terminal is given back as it was found") {
    const auto pair = make_terminal();
    const auto before = state_of(pair.slave.get());
    {
        RawTerminal raw(pair.slave.get());
        CHECK(state_of(pair.slave.get()).c_lflag == before.c_lflag);
        CHECK(raw.make_raw() == Now::raw);
        CHECK(raw.make_raw() == Now::raw);
        CHECK((state_of(pair.slave.get()).c_lflag & keys_are_cooked) == 0);
    }
    CHECK(state_of(pair.slave.get()).c_lflag == before.c_lflag);
    CHECK(state_of(pair.slave.get()).c_oflag == before.c_oflag);
}

TEST_CASE("it is as it was during a stop, raw again afterwards, and after its end never again") {
    const auto pair = make_terminal();
    const auto before = state_of(pair.slave.get());
    RawTerminal raw(pair.slave.get());
    CHECK(raw.make_raw() == Now::raw);
    raw.pause();
    CHECK(raw.make_raw() == Now::given_back);
    CHECK(state_of(pair.slave.get()).c_lflag == before.c_lflag);
    raw.go_on();
    CHECK(raw.make_raw() == Now::raw);
    raw.restore();
    raw.restore();
    raw.go_on();
    CHECK(raw.make_raw() == Now::given_back);
    CHECK(state_of(pair.slave.get()).c_lflag == before.c_lflag);
}

TEST_CASE("what a shell has set meanwhile is what it gets back") {
    const auto pair = make_terminal();
    RawTerminal raw(pair.slave.get());
    CHECK(raw.make_raw() == Now::raw);
    auto own = state_of(pair.slave.get());
    own.c_lflag |= keys_are_cooked;
    own.c_cc[VINTR] = 7;
    REQUIRE(::tcsetattr(pair.slave.get(), TCSANOW, &own) == 0);
    CHECK(raw.make_raw() == Now::raw);
    CHECK((state_of(pair.slave.get()).c_lflag & keys_are_cooked) == 0);
    raw.restore();
    CHECK(state_of(pair.slave.get()).c_lflag == own.c_lflag);
    CHECK(state_of(pair.slave.get()).c_cc[VINTR] == 7);
}

TEST_CASE("what is no terminal, or is one no more, is left alone") {
    const auto pipe = make_pipe();
    CHECK(RawTerminal(pipe.read_end.get()).make_raw() == Now::no_terminal);
    auto pair = make_terminal();
    RawTerminal raw(pair.slave.get());
    CHECK(raw.make_raw() == Now::raw);
    pair.master.reset();
    CHECK(raw.make_raw() == Now::no_terminal);
    raw.restore();
}

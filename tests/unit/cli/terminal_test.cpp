// Terminals: what is one, how large is it, may it be coloured.
#include "cli/terminal.hpp"

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../support/terminal_pair.hpp"
#include "base/file_descriptor.hpp"

using namespace berth;
using namespace berth::cli;
using berth_test::make_terminal;

TEST_CASE("what is no terminal is left alone") {
    const auto pipe = make_pipe();
    CHECK_FALSE(is_terminal(pipe.read_end.get()));
    CHECK_FALSE(terminal_size(pipe.read_end.get()).has_value());
    CHECK(colour_for(pipe.write_end.get(), false, false) == Colour::off);
}

TEST_CASE("size and colour of a terminal") {
    const auto pair = make_terminal();
    const winsize wanted{40, 100, 0, 0};
    REQUIRE(::ioctl(pair.master.get(), TIOCSWINSZ, &wanted) == 0);
    const auto size = terminal_size(pair.slave.get());
    REQUIRE(size.has_value());
    CHECK(size->rows == 40);
    CHECK(size->columns == 100);
    CHECK(colour_for(pair.slave.get(), false, false) == Colour::on);
    CHECK(colour_for(pair.slave.get(), true, false) == Colour::off);
    CHECK(colour_for(pair.slave.get(), false, true) == Colour::off);
}

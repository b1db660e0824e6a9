// Small things as people read them.
#include "cli/people_text.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace berth;
using namespace berth::cli;
using namespace std::chrono_literals;

TEST_CASE("an age is whole units of the largest that fits") {
    const Moment now{1'790'000'000'000ms};
    CHECK(age_text(now - 59s, now) == "59s");
    CHECK(age_text(now - 60s, now) == "1m");
    CHECK(age_text(now - 2h - 59min, now) == "2h");
    CHECK(age_text(now - 49h, now) == "2d");
    CHECK(age_text(now + 5s, now) == "0s");
    CHECK(age_text(Moment(Milliseconds(std::numeric_limits<std::int64_t>::min())), now).back() == 'd');
    CHECK(age_text(Moment(Milliseconds(std::numeric_limits<std::int64_t>::max())), now) == "0s");
}

TEST_CASE("percent") {
    CHECK(percent_text(12.34) == "12.3%");
    CHECK(percent_text(250) == "250.0%");
    CHECK(percent_text(std::numeric_limits<double>::infinity()) == "?");
    CHECK(percent_text(std::numeric_limits<double>::max()).size() > 300);
}

TEST_CASE("pairs on one line") {
    CHECK(pairs_text({}).empty());
    CHECK(pairs_text({{"a", "1"}, {"b", ""}}) == "a=1,b=");
    CHECK(one_line("a\nb\x1b") == "a\\nb\\x1b");
}

TEST_CASE("lines for a terminal keep their ends and tabs, and nothing else that steers it") {
    CHECK(terminal_lines("a\tb\n\nc\x1b[2J\r\xc2\x9b\n") == "a\tb\n\nc\\x1b[2J\\x0d\\xc2\\x9b\n");
    CHECK(terminal_lines("\xff no end \xe2\x82\xac") == "\\xff no end \xe2\x82\xac");
    CHECK(terminal_lines("").empty());
}

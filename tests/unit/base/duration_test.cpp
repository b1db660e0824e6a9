// Durations, points in time and sizes as people write them.
#include "base/duration.hpp"

#include <doctest/doctest.h>

#include "base/size.hpp"

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("durations are read with their unit and written in the shortest exact form") {
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("0") == 0ms);
    CHECK(duration_text(90s) == "90s");
    CHECK(duration_text(1500ms) == "1500ms");
    CHECK(duration_text(24h) == "1d");
}

TEST_CASE("malformed durations are refused") {
    for (const auto* text : {"", "5", "-5s", "5 s", "s", "5x", "1e3s", "nans", "infs", "99999999999999d"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("a moment survives being written and read") {
    const auto moment = parse_timestamp("2026-11-23T06:13:03.120Z");
    REQUIRE(moment);
    CHECK(timestamp_text(*moment) == "2026-11-23T06:13:03.120Z");
    CHECK(parse_timestamp("2026-11-23T07:13:03.120+01:00") == moment);
    CHECK(parse_timestamp("1.25") == std::chrono::sys_time<Milliseconds>{1250ms});
    for (const auto* text : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_timestamp(text));
    }
}

TEST_CASE("sizes are read in binary units and overflow is refused") {
    CHECK(parse_size("16MiB") == 16U << 20U);
    CHECK(parse_size("2G") == std::uint64_t{2} << 30U);
    CHECK(parse_size("17") == 17U);
    CHECK(size_text(16U << 20U) == "16MiB");
    CHECK(size_text(1500) == "1500B");
    for (const auto* text : {"", "MiB", "-1", "1.5GiB", "1PiB", "99999999999TiB"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text));
    }
}

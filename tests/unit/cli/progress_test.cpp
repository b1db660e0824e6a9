// The words of a progress line.
#include "cli/progress.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace berth::cli;

TEST_CASE("progress says how much of how much") {
    CHECK(progress_text("upload", 512, 1024) == "upload: 512 B of 1.0 KiB, 50%");
    CHECK(progress_text("", 2048, 0) == "2.0 KiB");
    CHECK(progress_text("x", 5, 3) == "x: 5 B of 3 B, 100%");
    CHECK(progress_text("\x1b[2J", 0, 1) == "\\x1b[2J: 0 B of 1 B, 0%");
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(progress_text("x", most / 2, most).ends_with("%"));
}

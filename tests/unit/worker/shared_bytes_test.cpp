// The ring of bytes under way between a worker and its host: parts never overlap, and there is always room in the end.
#include "worker/wire/shared_bytes.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

using namespace berth::wire;

namespace {

struct Part {
    std::size_t offset;
    std::size_t length;
};

bool overlap(const Part& one, const Part& other) {
    return one.offset < other.offset + other.length && other.offset < one.offset + one.length;
}

/// A releaser that keeps back as much as it may, and a taker of lengths as `next` gives them.
template <typename Next>
void run(int rounds, const Next& next) {
    SharedRing ring;
    std::deque<Part> taken;
    std::uint64_t unreleased = 0;
    for (int round = 0; round < rounds; ++round) {
        const std::size_t length = next();
        auto offset = ring.take(length);
        while (!offset) {
            // All but the slack is released by a host that has nothing else to do.
            std::uint64_t released = 0;
            while (!taken.empty() && unreleased > SharedRing::slack) {
                released += taken.front().length;
                unreleased -= taken.front().length;
                taken.pop_front();
            }
            REQUIRE(released > 0);  // else nobody would ever go on
            REQUIRE(ring.release(released));
            offset = ring.take(length);
        }
        const Part part{*offset, length};
        REQUIRE(part.offset + part.length <= SharedBytes::size);
        for (const auto& other : taken)
            REQUIRE_FALSE(overlap(part, other));
        taken.push_back(part);
        unreleased += length;
    }
}

}  // namespace

TEST_CASE("parts of any length find room beside what is not released yet") {
    std::mt19937 numbers(11);
    run(20'000, [&] { return std::size_t{1} + numbers() % 1000; });
    run(5'000, [&] { return std::size_t{1} + numbers() % SharedRing::longest; });
    run(20'000, [&] { return numbers() % 20 == 0 ? SharedRing::longest : std::size_t{1} + numbers() % 100; });
}

TEST_CASE("what was not taken cannot be released") {
    SharedRing ring;
    CHECK_FALSE(ring.release(1));
    REQUIRE(ring.take(10));
    CHECK_FALSE(ring.release(5));
    CHECK(ring.release(10));
    CHECK(ring.taken() == 0);
}

TEST_CASE("a part that does not lie inside is none") {
    const auto bytes = SharedBytes::make();
    CHECK(bytes.part(0, SharedBytes::size).has_value());
    CHECK(bytes.part(SharedBytes::size, 0).has_value());
    CHECK_FALSE(bytes.part(1, SharedBytes::size).has_value());
    CHECK_FALSE(bytes.part(~std::uint64_t{0}, 2).has_value());
}

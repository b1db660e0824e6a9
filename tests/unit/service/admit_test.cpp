// Growing structs between versions.
#include "service/admit.hpp"

#include <doctest/doctest.h>

#include <cstring>

using namespace berth;

namespace {

/// berth_event as a later minor version may have it.
struct LaterEvent {
    berth_event event;
    std::uint64_t appended;
};

/// A struct of ours that has grown since version 1.0.
struct Grown {
    std::uint32_t size;
    std::uint32_t flags;
    std::uint64_t old_member;
    std::uint64_t new_member;
};

}  // namespace

namespace berth::inline host_v1 {
template <>
inline constexpr std::uint32_t size_in_v1_0<Grown> = 16;
}

TEST_CASE("a struct of our own size comes whole") {
    berth_event event{sizeof(berth_event), 2, 3, 4, 5, 6};
    const auto full = admit(&event);
    REQUIRE(full);
    CHECK(full->kind == 2);
    CHECK(full->columns == 6);
}

TEST_CASE("of a newer plugin's longer struct we read what we know") {
    LaterEvent later{{sizeof(LaterEvent), 2, 3, 4, 5, 6}, 7};
    const auto full = admit(&later.event);
    REQUIRE(full);
    CHECK(full->columns == 6);
    CHECK(full->size == sizeof(berth_event));
}

TEST_CASE("what an older plugin's shorter struct lacks is zero, whatever lies behind it") {
    Grown memory{};
    std::memset(&memory, 0xff, sizeof memory);
    memory.size = 16;
    memory.old_member = 9;
    const auto full = admit(&memory);
    REQUIRE(full);
    CHECK(full->old_member == 9);
    CHECK(full->new_member == 0);
    CHECK(full->size == sizeof(Grown));
}

TEST_CASE("what is shorter than version 1.0, or nothing, is not admitted") {
    Grown memory{};
    for (std::uint32_t size = 0; size < 16; ++size) {
        memory.size = size;
        CHECK_FALSE(admit(&memory));
    }
    CHECK_FALSE(admit<Grown>(nullptr));
}

TEST_CASE("an older plugin's struct is filled only as far as it goes") {
    Grown memory{};
    std::memset(&memory, 0xff, sizeof memory);
    memory.size = 16;
    CHECK(give_back(Grown{sizeof(Grown), 1, 2, 3}, &memory));
    CHECK(memory.size == 16);
    CHECK(memory.old_member == 2);
    CHECK(memory.new_member == ~0ULL);
    memory.size = 8;
    CHECK_FALSE(give_back(Grown{}, &memory));
    CHECK_FALSE(give_back<Grown>(Grown{}, nullptr));
}

// Which groups are their owner's alone.
#include "plugin/private_group.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace berth;

namespace {

const UserEntry alice{"alice", 1001};

}  // namespace

TEST_CASE("a group with the number of its owner is private, in the system's lists or not") {
    CHECK(is_private_group(1001, 1001, alice, GroupEntry{"alice", {}}));
    CHECK(is_private_group(1001, 1001, alice, std::nullopt));
    CHECK(is_private_group(1001, 1001, std::nullopt, std::nullopt));
}

TEST_CASE("so is the primary group with the name of its owner, whatever its number") {
    const UserEntry bob{"bob", 2002};
    CHECK(is_private_group(1001, 2002, bob, GroupEntry{"bob", {}}));
    CHECK(is_private_group(1001, 2002, bob, GroupEntry{"bob", {"bob"}}));
    CHECK_FALSE(is_private_group(1001, 2003, bob, GroupEntry{"bob", {}}));
    CHECK_FALSE(is_private_group(1001, 2002, bob, GroupEntry{"staff", {}}));
    CHECK_FALSE(is_private_group(1001, 2002, bob, std::nullopt));
    CHECK_FALSE(is_private_group(1001, 2002, std::nullopt, GroupEntry{"bob", {}}));
}

TEST_CASE("a group that lists somebody else is not") {
    CHECK_FALSE(is_private_group(1001, 1001, alice, GroupEntry{"alice", {"bob"}}));
    CHECK_FALSE(is_private_group(1001, 1001, alice, GroupEntry{"alice", {"alice", "bob"}}));
    CHECK_FALSE(is_private_group(1001, 1001, std::nullopt, GroupEntry{"alice", {"alice"}}));
    CHECK(is_private_group(1001, 1001, alice, GroupEntry{"alice", {"alice"}}));
}

TEST_CASE("numbers that nobody has are asked of this machine's lists, too") {
    CHECK(is_private_group(3'000'000'001U, 3'000'000'001U));
    CHECK_FALSE(is_private_group(3'000'000'001U, 3'000'000'002U));
}

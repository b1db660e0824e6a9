// References: full names and the two sides of a copy.
#include "cli/reference.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace berth;
using namespace berth::cli;

TEST_CASE("a full name is provider/id and nothing else") {
    const auto reference = parse_reference("local/sb_A.1-x", "sandbox");
    CHECK(reference.provider == "local");
    CHECK(reference.id == "sb_A.1-x");
    for (const auto* wrong : {"", "local", "local/", "/x", "Local/x", "local/x/y", "local/x y", "local/\xff", "../x"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(static_cast<void>(parse_reference(wrong, "sandbox")), Error);
    }
    CHECK_THROWS_AS(static_cast<void>(parse_reference("local/" + std::string(129, 'x'), "sandbox")), Error);
    CHECK(parse_reference("local/" + std::string(128, 'x'), "sandbox").id.size() == 128);
    try {
        static_cast<void>(parse_reference("abc", "snapshot"));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) ==
              "\"abc\" is no name of a snapshot. Expected provider/id, as `berth snapshot ls -o name` prints it "
              "[BERTH-X-03]");
    }
}

TEST_CASE("one side of a copy is in a sandbox when a full name stands before the colon") {
    const auto inside = parse_copy_side("local/x:/a:b");
    REQUIRE(inside.sandbox.has_value());
    CHECK(inside.sandbox->id == "x");
    CHECK(inside.path == "/a:b");
    CHECK(parse_copy_side("local/x:rel").path == "rel");
    CHECK_FALSE(parse_copy_side("./local/x:/a").sandbox.has_value());
    CHECK_FALSE(parse_copy_side("/local/x:/a").sandbox.has_value());
    CHECK_FALSE(parse_copy_side("a:b").sandbox.has_value());
    CHECK(parse_copy_side("dir/\xff:x").path == "dir/\xff:x");
    CHECK_THROWS_AS(static_cast<void>(parse_copy_side("local/x:")), Error);
    CHECK_THROWS_AS(static_cast<void>(parse_copy_side("")), Error);
}

TEST_CASE("the last name of a path") {
    CHECK(last_name("/a/b") == "b");
    CHECK(last_name("/a/b///") == "b");
    CHECK(last_name("b") == "b");
    CHECK(last_name("/").empty());
    CHECK(last_name(".").empty());
    CHECK(last_name("a/..").empty());
    CHECK(last_name("a/.").empty());
    CHECK(last_name("a/...") == "...");
}

TEST_CASE("a name is joined with one slash") {
    CHECK(join_target("/x//", "b") == "/x/b");
    CHECK(join_target("/", "b") == "/b");
    CHECK(join_target("/x/", "") == "/x");
    CHECK(join_target("/", "") == "/");
}

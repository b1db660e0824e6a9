// JSON from strangers: what an ordinary parser lets pass is refused.
#include "plugin/strict_json.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace berth;

namespace {

std::string problem_of(const std::string& text) {
    try {
        (void)parse_strict_json(text, 8);
    } catch (const JsonProblem& problem) {
        return problem.what();
    }
    return "taken";
}

}  // namespace

TEST_CASE("ordinary JSON is taken") {
    CHECK(parse_strict_json(R"({"a":[1,{"a":2}],"b":{"a":3}})", 8)["a"][1]["a"] == 2);
    CHECK(problem_of(R"([{"a":1},{"a":1}])") == "taken");
}

TEST_CASE("two keys of one name in one object are refused, however they are written") {
    CHECK(problem_of(R"({"a":1,"a":1})") == "the key \"a\" stands twice in one object");
    CHECK(problem_of(R"({"x":[{"a":1,"b":{},"\u0061":2}]})") == "the key \"a\" stands twice in one object");
}

TEST_CASE("depth is bounded, for lists and objects") {
    CHECK(problem_of(std::string(8, '[') + std::string(8, ']')) == "taken");
    CHECK(problem_of(std::string(9, '[') + std::string(9, ']')) == "it is nested deeper than 8 levels");
    CHECK(problem_of(std::string(100'000, '[')) == "it is nested deeper than 8 levels");
    std::string objects;
    for (int level = 0; level < 9; ++level)
        objects += R"({"a":)";
    CHECK(problem_of(objects) == "it is nested deeper than 8 levels");
}

TEST_CASE("broken text says where, and shows none of the bytes") {
    const auto problem = problem_of("{\"a\": hidden}");
    CHECK(problem.find("line 1, column 7") != std::string::npos);
    CHECK(problem.find("hidden") == std::string::npos);
    CHECK(problem_of("") != "taken");
    CHECK(problem_of("{} {}") != "taken");
    CHECK(problem_of("\"\xff\"") != "taken");
    CHECK(problem_of(std::string("[1,2]\0", 6)) != "taken");
    CHECK(problem_of("1e999") == "a number in it is too large");
}

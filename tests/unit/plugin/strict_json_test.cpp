// JSON from strangers: what an ordinary parser lets pass is refused.
#include "plugin/strict_json.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

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

TEST_CASE("every kind of value is what any other parser makes of it") {
    for (const std::string_view text : {R"("")",
                                        R"("a text")",
                                        R"("~ \\ \" \u00e9 é")",
                                        "0",
                                        "7",
                                        "-7",
                                        "1000",
                                        "999999999999999999",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "1.5",
                                        "1e3",
                                        "1E3",
                                        "true",
                                        "false",
                                        "null",
                                        "[]",
                                        "[ ]",
                                        "{}",
                                        "{ }",
                                        "[1, [2], {}]",
                                        R"( {"b" : [true, false, null] , "a" : {"x":"y", "":0}} )",
                                        "\t[\r\n1\n]\n"}) {
        const auto value = parse_strict_json(text, 8);
        const auto expected = nlohmann::json::parse(text);
        CHECK(value == expected);
        CHECK(value.dump() == expected.dump());
        CHECK(value.type() == expected.type());
    }
}

TEST_CASE("what no JSON is, is refused, as near to it as it comes") {
    for (const std::string_view text :
         {"",        " ",        "{",          "[",     "\"",        "\"a",   "[1,]",     "[,1]",  "[1 2]", "[1]]",
          "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:1}", "tru",      "truex", "nul",   "True",
          "01",      "00",       "1.",         "1e",    "-",         "+1",    ".5",       "1 2",   "1a",    "\"\x01\"",
          "\"\n\"",  "\"\\x\"",  "\"\\u12\"",  "'a'",   "// a\n1",   "[1}",   "{\"a\":1]"}) {
        CAPTURE(text);
        CHECK(problem_of(std::string(text)) != "taken");
    }
}

TEST_CASE("whatever is taken, another parser takes too, and reads the same") {
    constexpr std::string_view plain =
        R"({"name": "acme", "list": [0, 12, true, {"x": "y"}], "config": {"type": "object", "least": null}})";
    constexpr std::string_view bytes = "{}[]:,\"\\ \n\t0123456789.-+eEtrufalsn\x01\xc3\xa9z";
    std::mt19937 numbers(20'261'126);
    int taken = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text(plain);
        for (auto changes = numbers() % 3 + 1; changes > 0; --changes) {
            const auto place = numbers() % text.size();
            const char byte = bytes[numbers() % bytes.size()];
            switch (numbers() % 3) {
                case 0:
                    text[place] = byte;
                    break;
                case 1:
                    text.insert(place, 1, byte);
                    break;
                default:
                    text.erase(place, 1);
            }
        }
        nlohmann::json value;
        try {
            value = parse_strict_json(text, 8);
        } catch (const JsonProblem&) {
            continue;
        }
        ++taken;
        const auto expected = nlohmann::json::parse(text, nullptr, false);
        if (expected.is_discarded() || expected.dump() != value.dump()) {
            CAPTURE(text);
            FAIL_CHECK("read otherwise");
        }
    }
    CHECK(taken > 1000);
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

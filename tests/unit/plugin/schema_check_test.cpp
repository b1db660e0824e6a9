// A configuration against its schema: every kind of mistake, with place, expected and found.
#include "plugin/schema_check.hpp"

#include <doctest/doctest.h>

using namespace berth;
using nlohmann::json;

namespace {

std::vector<Error> check(const char* schema, const char* values, std::set<std::string, std::less<>> secrets = {}) {
    CheckInput input;
    input.values = json::parse(values);
    input.secrets = std::move(secrets);
    input.place = [](std::string_view pointer) { return "f.yaml:" + std::string(pointer); };
    return check_configuration(ConfigSchema::parse(json::parse(schema)), input);
}

/// The lines of the problems without their hints, one below the other; "fits" when there are none.
std::string problems(const char* schema, const char* values, std::set<std::string, std::less<>> secrets = {}) {
    std::string text;
    for (const auto& problem : check(schema, values, std::move(secrets))) {
        CHECK(problem.diagnostic() == "BERTH-P-26");
        text += problem.fields().location + " " + problem.fields().message + "\n";
    }
    return text.empty() ? "fits" : text;
}

}  // namespace

TEST_CASE("values that fit") {
    static const auto* schema = R"({"required":["a"],"properties":{
        "a":{"type":"string","minLength":1,"maxLength":3},"b":{"type":["integer","null"],"minimum":-1,"maximum":5},
        "c":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"number"}},"d":{"enum":["x",1,null]},
        "e":{"type":"object","additionalProperties":{"type":"boolean"}},"f":{},"g":{"const":true}}})";
    for (const auto* values : {R"({"a":"x"})", R"({"a":"äöü","b":-1})", R"({"a":"x","b":null,"c":[1,2.5],"d":null})",
                               R"({"a":"x","e":{"q":true,"r":false},"f":{"any":["thing"]},"g":true,"d":1})"}) {
        CHECK(problems(schema, values) == "fits");
    }
    CHECK(problems("{}", "null") == "fits");
}

TEST_CASE("each rule that is broken says what was expected and what was found") {
    const auto one = [](const std::string& rule, const char* value) {
        return problems((R"({"properties":{"a":)" + rule + "}}").c_str(),
                        (R"({"a":)" + std::string(value) + "}").c_str());
    };
    CHECK(one(R"({"type":"string"})", "7") == "f.yaml:/a \"a\": expected text, found the number 7\n");
    CHECK(one(R"({"type":"integer"})", "\"7\"") == "f.yaml:/a \"a\": expected a whole number, found text\n");
    CHECK(one(R"({"type":"integer"})", "7.5") == "f.yaml:/a \"a\": expected a whole number, found the number 7.5\n");
    CHECK(one(R"({"type":"boolean"})", "null") == "f.yaml:/a \"a\": expected true or false, found nothing (null)\n");
    CHECK(one(R"({"type":"object"})", "[]") == "f.yaml:/a \"a\": expected a map, found a list\n");
    CHECK(one(R"({"type":["array","null"]})", "{}") ==
          "f.yaml:/a \"a\": expected a list or nothing (null), found a map\n");
    CHECK(one(R"({"minimum":1,"maximum":5})", "6") == "f.yaml:/a \"a\": expected 1 to 5, found the number 6\n");
    CHECK(one(R"({"minimum":1})", "0") == "f.yaml:/a \"a\": expected at least 1, found the number 0\n");
    CHECK(one(R"({"maxLength":2})", "\"abc\"") == "f.yaml:/a \"a\": expected at most 2 characters, found 3\n");
    CHECK(one(R"({"minItems":2})", "[1]") == "f.yaml:/a \"a\": expected at least 2 items, found 1\n");
    CHECK(one(R"({"enum":["eu","us"]})", "\"uk\"") ==
          "f.yaml:/a \"a\": expected \"eu\" or \"us\", found another value\n");
    CHECK(one(R"({"const":true})", "false") == "f.yaml:/a \"a\": expected true, found another value\n");
    CHECK(one("{}", "9223372036854775808") ==
          "f.yaml:/a \"a\": expected at most 9223372036854775807, found the number 9223372036854775808\n");
    CHECK(one(R"({"type":"object","additionalProperties":{"type":"string"}})", R"({"x/y~":1})") ==
          "f.yaml:/a/x~1y~0 \"a.x/y~\": expected text, found the number 1\n");
    CHECK(one(R"({"type":"array","items":{"properties":{"x":{"maximum":1}}}})", R"([{},{"x":2}])") ==
          "f.yaml:/a/1/x \"a.1.x\": expected at most 1, found the number 2\n");
}

TEST_CASE("unknown and missing options") {
    static const auto* schema =
        R"({"required":["token"],"properties":{"token":{"type":"string"},"git":{"properties":{"depth":{}}}}})";
    const auto unknown = check(schema, R"({"token":"x","git":{"dept":1}})");
    REQUIRE(unknown.size() == 1);
    CHECK(unknown[0].fields().location == "f.yaml:/git/dept");
    CHECK(unknown[0].fields().message == "\"git.dept\": expected one of depth, found the unknown option \"dept\"");
    CHECK(unknown[0].fields().hint == "Did you mean \"depth\"?");
    CHECK(problems(schema, "{}") ==
          "f.yaml: \"the configuration\": expected the option \"token\", found no such option\n");
    CHECK(problems("{}", R"({"a":1})") ==
          "f.yaml:/a \"a\": expected no options in the configuration, found the unknown option \"a\"\n");
}

TEST_CASE("all problems come at once") {
    CHECK(check(R"({"properties":{"a":{"type":"string"},"b":{"type":"string"}}})", R"({"a":1,"b":2,"c":3})").size() ==
          3);
}

TEST_CASE("a secret is only asked to be allowed: its own rules are for its value") {
    static const auto* schema = R"({"required":["token"],"properties":{
        "token":{"type":"string","writeOnly":true,"minLength":40,"maxLength":40},
        "keys":{"type":"array","items":{"type":["string","null"],"enum":["k1",null]}},
        "port":{"type":"integer"}}})";
    CHECK(problems(schema, R"({"token":"${env:T}"})", {"/token"}) == "fits");
    CHECK(problems(schema, R"({"token":"${env:T}"})") ==
          "f.yaml:/token \"token\": expected 40 to 40 characters, found 8\n");
    CHECK(problems(schema, R"({"token":"${env:T}","keys":[null,"${file:k}"]})", {"/token", "/keys/1"}) == "fits");
    CHECK(problems(schema, R"({"token":"${env:T}","port":"${env:P}"})", {"/token", "/port"}) ==
          "f.yaml:/port \"port\": expected a whole number, found a secret, which is text\n");
}

TEST_CASE("text that is not UTF-8 is refused before anybody else reads it") {
    CheckInput input;
    input.values = json{{"a", "\xff\xfe"}};
    const auto problems =
        check_configuration(ConfigSchema::parse(R"({"properties":{"a":{"minLength":1}}})"_json), input);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].fields().message == "\"a\": expected text in UTF-8, found bytes that are not");
}

TEST_CASE("the second opinion of the library is asked for what seems to fit") {
    // Only valijson knows this difference: the walk compares 1 and 1.0 as equal, JSON Schema's strict types do not.
    const auto refused = check(R"({"properties":{"a":{"enum":[1]}}})", R"({"a":1.0})");
    for (const auto& problem : refused)
        CHECK(problem.fields().location == "f.yaml:/a");
}

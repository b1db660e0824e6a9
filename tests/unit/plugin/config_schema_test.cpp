// The closed part of JSON Schema, and what a schema says about options.
#include "plugin/config_schema.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace berth;
using nlohmann::json;

namespace {

const auto example = R"({
    "required": ["token"],
    "properties": {
        "token": {"type": "string", "writeOnly": true, "x-env": ["ACME_TOKEN", "TOKEN"], "description": "The key."},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 8080},
        "target": {"enum": ["eu", "us"], "default": "eu", "description": "Where|when"},
        "git": {"type": "object", "properties": {"depth": {"type": ["integer", "null"], "minimum": 1}}},
        "templates": {"type": "object", "additionalProperties": {
            "type": "object", "required": ["path"], "properties": {"path": {"type": "string", "minLength": 1}}}},
        "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}}
    }
})"_json;

/// "taken", or the sentence of the refusal.
std::string refusal(const json& schema) {
    try {
        (void)ConfigSchema::parse(schema);
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-P-14");
        return error.what();
    }
    return "taken";
}

std::string refusal(const char* text) {
    return refusal(json::parse(text));
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// A schema that is `levels` deep.
json nested(std::size_t levels) {
    json schema = {{"type", "string"}};
    for (std::size_t level = 1; level < levels; ++level)
        schema = {{"type", "object"}, {"properties", {{"a", schema}}}};
    return schema;
}

}  // namespace

TEST_CASE("a schema with everything that is allowed is taken, and maps are closed") {
    const auto schema = ConfigSchema::parse(example);
    CHECK(schema.json()["type"] == "object");
    CHECK(schema.json()["additionalProperties"] == false);
    CHECK(schema.json()["properties"]["git"]["additionalProperties"] == false);
    CHECK(schema.json()["properties"]["templates"]["additionalProperties"].is_object());
    CHECK_FALSE(schema.json()["properties"]["port"].contains("additionalProperties"));
    CHECK(refusal(R"({"additionalProperties": true})") == "taken");
}

TEST_CASE("keywords outside the closed part are refused by name and place") {
    CHECK(has(refusal(R"({"properties":{"a":{"$ref":"#"}}})"), "/config/properties/a/$ref"));
    for (const auto* keyword : {"$ref",
                                "pattern",
                                "patternProperties",
                                "anyOf",
                                "oneOf",
                                "allOf",
                                "not",
                                "if",
                                "then",
                                "format",
                                "dependencies",
                                "definitions",
                                "$defs",
                                "uniqueItems",
                                "multipleOf",
                                "exclusiveMinimum",
                                "contains",
                                "propertyNames",
                                "$schema",
                                "$id"}) {
        const auto text = refusal(json{{"properties", {{"a", {{keyword, "#"}}}}}});
        CHECK(has(text, "\"" + std::string(keyword) + "\""));
    }
    CHECK(has(refusal(R"({"propertys": {}})"), "Did you mean \"properties\"?"));
}

TEST_CASE("every keyword refuses values of a wrong kind") {
    for (const auto* text : {R"({"type":"array"})",
                             R"({"type":"objekt"})",
                             R"({"properties":[]})",
                             R"({"properties":{"a":1}})",
                             R"({"properties":{"a b":{}}})",
                             R"({"properties":{"":{}}})",
                             R"({"required":"a"})",
                             R"({"required":[1]})",
                             R"({"required":["a","a"],"properties":{"a":{}}})",
                             R"({"required":["b"],"properties":{"a":{}}})",
                             R"({"additionalProperties":"no"})",
                             R"({"properties":{"a":{"type":[]}}})",
                             R"({"properties":{"a":{"type":["string","string"]}}})",
                             R"({"properties":{"a":{"items":[{}]}}})",
                             R"({"properties":{"a":{"enum":[]}}})",
                             R"({"properties":{"a":{"enum":[1,1]}}})",
                             R"({"properties":{"a":{"enum":[[1]]}}})",
                             R"({"properties":{"a":{"const":{}}}})",
                             R"({"properties":{"a":{"minimum":"1"}}})",
                             R"({"properties":{"a":{"minLength":-1}}})",
                             R"({"properties":{"a":{"minLength":1.5}}})",
                             R"({"properties":{"a":{"maxItems":99999999}}})",
                             R"({"properties":{"a":{"minimum":2,"maximum":1}}})",
                             R"({"properties":{"a":{"minLength":2,"maxLength":1}}})",
                             R"({"properties":{"a":{"description":1}}})",
                             R"({"properties":{"a":{"writeOnly":"yes"}}})",
                             R"({"properties":{"a":{"type":"string","x-env":"A"}}})",
                             R"({"properties":{"a":{"type":"string","x-env":["A B"]}}})",
                             R"({"properties":{"a":{"type":"object","x-env":["A"]}}})",
                             R"({"properties":{"a":{"x-env":["A"]}}})",
                             R"({"properties":{"a":{"maximum":18446744073709551615}}})",
                             R"([])",
                             R"("object")",
                             R"({"properties":{"a":true}})"}) {
        CAPTURE(text);
        CHECK(refusal(text) != "taken");
    }
}

TEST_CASE("what variables give way to is another option beside theirs") {
    const auto with = [](const std::string& unless) {
        return R"({"properties":{"b":{},"a":{"type":"string","x-env":["A"],"x-env-unless":)" + unless + "}}}";
    };
    const auto schema = ConfigSchema::parse(json::parse(with(R"(["b"])")));
    CHECK(schema.options().front().variables_unless == std::vector<std::string>{"b"});
    CHECK(schema.setting_rules().front().variables_unless == std::vector<std::string>{"b"});
    CHECK(has(option_table(schema), "| `A` unless `b` is given |"));
    CHECK(has(refusal(with(R"(["c"])").c_str()), "/config/properties/a/x-env-unless"));
    for (const auto* unless : {R"(["a"])", R"([])", R"("b")", R"([1])", R"(["b","b"])", R"(["b","/b"])"}) {
        CAPTURE(unless);
        CHECK(refusal(with(unless).c_str()) != "taken");
    }
    for (const auto* text : {R"({"properties":{"b":{},"a":{"type":"string","x-env-unless":["b"]}}})",
                             R"({"properties":{"b":{}},"additionalProperties":{"type":"string","x-env":["A"],)"
                             R"("x-env-unless":["b"]}})",
                             R"({"properties":{"b":{},"l":{"items":{"type":"string","x-env":["A"],)"
                             R"("x-env-unless":["b"]}}}})"}) {
        CAPTURE(text);
        CHECK(has(refusal(text), "x-env-unless stands only"));
    }
}

TEST_CASE("a secret is text without a default") {
    CHECK(refusal(R"({"properties":{"a":{"type":"string","writeOnly":true}}})") == "taken");
    CHECK(refusal(R"({"properties":{"a":{"type":"integer","writeOnly":false}}})") == "taken");
    CHECK(refusal(R"({"properties":{"a":{"type":"integer","writeOnly":true}}})") != "taken");
    CHECK(refusal(R"({"properties":{"a":{"writeOnly":true}}})") != "taken");
    CHECK(refusal(R"({"properties":{"a":{"type":"string","writeOnly":true,"default":"x"}}})") != "taken");
}

TEST_CASE("a default has to fit its own schema") {
    CHECK(has(refusal(R"({"properties":{"port":{"type":"integer","maximum":9,"default":10}}})"), "at most 9"));
    CHECK(has(refusal(R"({"properties":{"a":{"type":"array","items":{"type":"string"},"default":["x",1]}}})"),
              "/config/properties/a/default/1"));
}

TEST_CASE("depth and size are bounded") {
    CHECK(refusal(nested(16)) == "taken");
    CHECK(has(refusal(nested(17)), "deeper than 16"));
    json lists = {{"type", "string"}};
    for (int level = 0; level < 16; ++level)
        lists = {{"type", "array"}, {"items", lists}};
    CHECK(has(refusal(json{{"properties", {{"a", lists}}}}), "deeper than 16"));
    json large = json::object();
    for (int count = 0; count < 40; ++count)
        large["properties"]["option" + std::to_string(count)] = {{"description", std::string(2000, 'd')}};
    CHECK(has(refusal(large), "64 KiB"));
}

TEST_CASE("options in the order of their pointers") {
    const auto options = ConfigSchema::parse(example).options();
    std::vector<std::string> pointers;
    for (const auto& option : options)
        pointers.push_back(option.pointer);
    CHECK(pointers == std::vector<std::string>{"/git", "/git/depth", "/port", "/tags", "/tags/*", "/target",
                                               "/templates", "/templates/*", "/templates/*/path", "/token"});
    const auto& port = options[2];
    CHECK(port.type == "integer");
    CHECK(port.allowed == "1 to 65535");
    CHECK(port.default_text == "8080");
    CHECK_FALSE(port.required);
    CHECK(options[1].type == "integer or null");
    CHECK(options[3].type == "list of string");
    CHECK(options[5].allowed == "one of \"eu\", \"us\"");
    CHECK(options[6].type == "map of map");
    CHECK(options[8].required);
    const auto& token = options[9];
    CHECK(token.secret);
    CHECK(token.required);
    CHECK(token.variables == std::vector<std::string>{"ACME_TOKEN", "TOKEN"});
}

TEST_CASE("the rules for the settings floor say the same") {
    const auto rules = ConfigSchema::parse(example).setting_rules();
    REQUIRE(rules.size() == 10);
    CHECK(rules[2].pointer == "/port");
    CHECK(rules[2].type == SettingType::integer);
    CHECK(rules[2].fallback == json(8080));
    CHECK(rules[9].secrecy == Secrecy::secret);
    CHECK(rules[9].variables.size() == 2);
    CHECK_FALSE(rules[9].fallback.has_value());
    CHECK(rules[5].fallback == json("eu"));
}

TEST_CASE("the option table is Markdown, one row for each option") {
    CHECK(option_table(ConfigSchema()) == "This plugin has no options.\n");
    const auto table = option_table(ConfigSchema::parse(example));
    CHECK(has(table, "| option | type | default | environment | meaning |\n|---|---|---|---|---|\n"));
    CHECK(has(table, "| `port` | integer | `8080` |  | Allowed: 1 to 65535. |\n"));
    CHECK(has(table,
              "| `token` | string | required | `ACME_TOKEN`, `TOKEN` | The key. A secret: give it as "
              "`${env:NAME}` or `${file:PATH}`. |\n"));
    CHECK(has(table, "| `templates.NAME.path` | string | required |  | Allowed: at least 1 characters. |\n"));
    CHECK(has(table, "Where\\|when. Allowed"));
}

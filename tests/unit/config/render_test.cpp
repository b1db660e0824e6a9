// What `berth config show` shows: everything in effect, no secret, and readable again.
#include "config/render.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <vector>

#include "config_support.hpp"

using namespace berth;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

ConfigTree tree_of(const std::string& map) {
    auto read = read_text("version: 1\nproviders: {a: {plugin: a, config: " + map + "}}\n");
    REQUIRE(places_of(read.problems) == "");
    return std::move(read.configuration.providers.at(0).config);
}

}  // namespace

TEST_CASE("the effective configuration is a configuration that means the same") {
    const auto read = read_text(R"(
version: 1
plugins: {paths: [/a, "/$${x", "/b c"], policy: pinned, pins: {acme: sha256:ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12}}
providers:
  zebra:
    plugin: local
    requires: [execute]
    labels: {a: "no", "b: c": "5", d: "$${x}", e: "", f: "\x7f\u009b\e"}
    deadlines: {create: none, list: 90s}
    allow_restart_loss: true
    config: {token: "${env:X}", port: 5, deep: {list: [1, [2, []], {}, ~, true, 1e300]}}
  alpha: {plugin: local}
select: {default: zebra}
defaults: {timeout: 1h, autostart: true, on_unsupported: warn, kill_grace: 1500ms}
)");
    REQUIRE(places_of(read.problems) == "");
    CHECK(read.configuration.plugin_paths.at(1) == "/${x");
    const auto text = yaml_text(effective_configuration(read.configuration, {}));
    const auto again = read_text(text);
    CHECK(places_of(again.problems) == "");
    CHECK(yaml_text(effective_configuration(again.configuration, {})) == text);
    CHECK(again.configuration.plugin_paths == read.configuration.plugin_paths);
    CHECK(again.configuration.plugin_pins.policy == PluginPolicy::pinned);
    CHECK(again.configuration.plugin_pins.by_plugin.at("acme").hash ==
          read.configuration.plugin_pins.by_plugin.at("acme").hash);
    CHECK(again.configuration.providers[0].name == "zebra");
    CHECK(again.configuration.providers[0].labels == read.configuration.providers[0].labels);
    CHECK(again.configuration.providers[0].deadlines == read.configuration.providers[0].deadlines);
    CHECK(again.configuration.providers[0].config.value == read.configuration.providers[0].config.value);
    CHECK(again.configuration.defaults.timeout == read.configuration.defaults.timeout);
    CHECK(json::parse(
              json_text(effective_configuration(read.configuration, {})))["providers"]["zebra"]["labels"]["e"] == "");
}

TEST_CASE("the built-in configuration can be shown, written to a file and read") {
    const auto text = yaml_text(effective_configuration(built_in_configuration(), {}));
    CHECK(text.find("version: 1\nplugins:\n  paths: []\n  policy: any\n  pins: {}\nproviders:\n  local:\n    plugin: "
                    "local\n") == 0);
    CHECK(text.find("\n  max_output_bytes: \"16MiB\"\n") != std::string::npos);
    CHECK(problems_of(text) == "");
}

TEST_CASE("nothing shown can drive a terminal") {
    ordered_json value;
    value["a\x1b[2J"] =
        "\x07\x7f\xC2\x9B"
        "31m";
    for (const auto& text : {yaml_text(value), json_text(value)}) {
        for (const char byte : text)
            CHECK((byte == '\n' || (static_cast<unsigned char>(byte) >= 0x20U && byte != '\x7f')));
        CHECK(text.find("\xC2\x9B") == std::string::npos);
        CHECK(text.find("\\u009b") != std::string::npos);
    }
    CHECK(json::parse(json_text(value)) == json(value));
}

TEST_CASE("with the plugin's rules, secrets written down are masked and the rest is shown") {
    const auto tree = tree_of("{token: hunter2, other: \"${env:TOKEN}\", region: eu, keys: [hunter2, \"${file:/x}\"]}");
    SettingRule token;
    token.pointer = "/token";
    token.secrecy = Secrecy::secret;
    SettingRule keys = token;
    keys.pointer = "/keys/*";
    const std::vector<SettingRule> rules{token, keys};
    const auto environment = variables({{"TOKEN", "canary"}});
    CHECK(shown_config(tree, rules, environment) ==
          json{{"token", "***"}, {"other", "${env:TOKEN}"}, {"region", "eu"}, {"keys", {"***", "${file:/x}"}}});
}

TEST_CASE("with the plugin's rules, what is filled in is shown by where it comes from") {
    SettingRule token;
    token.pointer = "/token";
    token.secrecy = Secrecy::secret;
    token.variables = {"UNSET", "TOKEN"};
    token.fallback = "hunter2";
    SettingRule region;
    region.pointer = "/region";
    region.fallback = "eu";
    const std::vector<SettingRule> rules{token, region};
    const auto tree = tree_of("{}");
    CHECK(shown_config(tree, rules, variables({{"TOKEN", "canary"}})) ==
          json{{"token", "${env:TOKEN}"}, {"region", "eu"}});
    CHECK(shown_config(tree, rules, EnvironmentVariables()) == json{{"region", "eu"}});
}

TEST_CASE("a variable that gives way to what is written is not shown") {
    SettingRule token;
    token.pointer = "/token";
    token.secrecy = Secrecy::secret;
    token.variables = {"TOKEN"};
    token.variables_unless = {"region"};
    const std::vector<SettingRule> rules{token};
    const auto environment = variables({{"TOKEN", "canary"}});
    CHECK(shown_config(tree_of("{region: eu}"), rules, environment) == json{{"region", "eu"}});
    CHECK(shown_config(tree_of("{}"), rules, environment) == json{{"token", "${env:TOKEN}"}});
}

TEST_CASE("without the plugin's rules, all text but references is masked") {
    const auto tree = tree_of("{a: hunter2, b: [\"x${env:X}\", 5, true], c: {d: \"${env:X}\"}}");
    const json masked{{"a", "***"}, {"b", {"***", 5, true}}, {"c", {{"d", "${env:X}"}}}};
    CHECK(shown_config(tree, std::nullopt, EnvironmentVariables()) == masked);
    const auto read = read_text("version: 1\nproviders: {p: {plugin: p, config: {a: hunter2}}}\n");
    CHECK(yaml_text(effective_configuration(read.configuration, {})).find("hunter2") == std::string::npos);
    CHECK(yaml_text(effective_configuration(read.configuration, {{"p", json{{"a", "shown"}}}})).find("shown") !=
          std::string::npos);
}

TEST_CASE("words that a reader might take for something else are quoted") {
    CHECK(yaml_text(ordered_json{{"a", "yes"}, {"no", "5"}, {"c", "a: b"}, {"d", "#"}, {"e", "plain-word"}}) ==
          "a: \"yes\"\n\"no\": \"5\"\nc: \"a: b\"\nd: \"#\"\ne: plain-word\n");
    CHECK(yaml_text(ordered_json::array()) == "[]\n");
    CHECK(yaml_text(ordered_json("x")) == "x\n");
}

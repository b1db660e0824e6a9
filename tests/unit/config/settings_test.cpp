// From a config as written to what a plugin gets: references, the vendor's variables, defaults, and secrets apart.
#include "config/settings.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "../../support/scratch_folder.hpp"
#include "config/setting_places.hpp"
#include "config_support.hpp"

using namespace berth;
using nlohmann::json;

namespace {

/// The config of a provider: lines of a map at the fourth line, column 5.
ConfigTree tree_of(const std::string& lines) {
    auto read = read_text("version: 1\nproviders:\n  a: {plugin: a, config: {\n" + lines + "}}\n");
    REQUIRE(places_of(read.problems) == "");
    return std::move(read.configuration.providers.at(0).config);
}

SettingRule rule(std::string pointer, SettingType type = SettingType::any) {
    SettingRule result;
    result.pointer = std::move(pointer);
    result.type = type;
    return result;
}

SettingRule secret(std::string pointer, std::vector<std::string> variables = {}) {
    auto result = rule(std::move(pointer), SettingType::text);
    result.secrecy = Secrecy::secret;
    result.variables = std::move(variables);
    return result;
}

EnvironmentVariables environment() {
    return EnvironmentVariables({{"HOME", "/home/me"},
                                 {"TOKEN", "canary-secret"},
                                 {"REGION", "eu"},
                                 {"PORT", "8080"},
                                 {"RATE", "2.5"},
                                 {"FLAG", "true"},
                                 {"BAD", "\xFF"},
                                 {"EMPTY", ""}});
}

SettledSettings settled(const ConfigTree& tree, const std::vector<SettingRule>& rules = {}) {
    return settle(tree, rules, environment());
}

Settings good(const std::string& lines, const std::vector<SettingRule>& rules = {}) {
    auto result = settled(tree_of(lines), rules);
    REQUIRE(places_of(result.problems) == "");
    return std::move(result.settings);
}

std::string problems(const std::string& lines, const std::vector<SettingRule>& rules = {}) {
    return places_of(settled(tree_of(lines), rules).problems);
}

}  // namespace

TEST_CASE("references in plain values are replaced, whole or in part") {
    CHECK(good("a: \"${env:REGION}\", b: [\"x-${env:REGION}-y\"], c: \"$${env:REGION}\", d: 5").values ==
          json{{"a", "eu"}, {"b", {"x-eu-y"}}, {"c", "${env:REGION}"}, {"d", 5}});
}

TEST_CASE("files are read for plain values, relative to the file or to home") {
    const berth_test::ScratchFolder folder("config");
    std::ofstream(folder.path / "region") << "us\n";
    auto tree = tree_of("a: \"${file:region}\", b: \"${file:" + (folder.path / "region").string() + "}\"");
    tree.directory = folder.path;
    CHECK(settled(tree).settings.values == json{{"a", "us"}, {"b", "us"}});
}

TEST_CASE("what is not there is said with its place") {
    CHECK(problems("a: 1,\nb: \"${env:NOBODY}\",\n  c: [\"${file:/none/x}\"]") == "C-21 5:4, C-21 6:7");
    CHECK(problems("a: \"${env:EMPTY}\"") == "");
    CHECK(problems("a: \"${env:BAD}\"") == "C-21 4:4");
}

TEST_CASE("text out of a variable becomes what the schema asks for") {
    const std::vector<SettingRule> rules{rule("/port", SettingType::integer), rule("/rate", SettingType::number),
                                         rule("/flag", SettingType::boolean), rule("/list/*", SettingType::integer)};
    CHECK(good("port: \"${env:PORT}\", rate: \"${env:RATE}\", flag: \"${env:FLAG}\", list: [\"${env:PORT}\"], "
               "other: \"${env:PORT}\"",
               rules)
              .values == json{{"port", 8080}, {"rate", 2.5}, {"flag", true}, {"list", {8080}}, {"other", "8080"}});
    CHECK(problems("port: \"${env:RATE}\", rate: \"${env:REGION}\", flag: \"${env:PORT}\"", rules) ==
          "C-26 4:7, C-26 4:28, C-26 4:51");
    // What is quoted in the file itself is text; the schema check says so.
    CHECK(good("port: \"8080\"", rules).values == json{{"port", "8080"}});
}

TEST_CASE("a secret stays a source and is in no value") {
    const auto settings =
        good("token: \"${env:TOKEN}\", git: {user: me, key: \"${env:TOKEN}\"}", {secret("/token"), secret("/git/key")});
    CHECK(settings.values == json{{"git", {{"user", "me"}}}});
    REQUIRE(settings.secrets.size() == 2);
    const auto& source = settings.secrets.at("/git/key");
    CHECK(source.kind == SecretSource::Kind::variable);
    CHECK(source.name == "TOKEN");
    CHECK(source.location == test_file() + ":4:45");
    CHECK(settings.with_references() ==
          json{{"token", "${env:TOKEN}"}, {"git", {{"user", "me"}, {"key", "${env:TOKEN}"}}}});
    CHECK(read_secret(source, environment()) == "canary-secret");
}

TEST_CASE("a secret written into the file is refused, and not repeated") {
    const std::vector<SettingRule> rules{secret("/token"), secret("/keys/*")};
    for (const char* value : {"hunter2", "\"\"", "5", "true", "[hunter2]", "{a: hunter2}", "\"x${env:TOKEN}\"",
                              "\"${env:TOKEN} \"", "\"$${env:TOKEN}\""}) {
        const auto result = settled(tree_of("token: " + std::string(value)), rules);
        CHECK(places_of(result.problems) == "C-22 4:8");
        CHECK(std::string(result.problems.at(0).what()).find("hunter2") == std::string::npos);
        CHECK(result.settings.with_references().dump().find("hunter2") == std::string::npos);
    }
    CHECK(problems("keys: {a: x, b: \"${env:TOKEN}\", c: y}", rules) == "C-22 4:11, C-22 4:36");
    CHECK(problems("token: ~", rules) == "");
}

TEST_CASE("a secret in a list leaves its neighbours where they are") {
    const auto settings = good("keys: [\"${env:TOKEN}\", \"${env:TOKEN}\"], x: 1", {secret("/keys/*")});
    CHECK(settings.values == json{{"keys", {nullptr, nullptr}}, {"x", 1}});
    CHECK(settings.with_references().at("keys") == json{"${env:TOKEN}", "${env:TOKEN}"});
    CHECK(settings.secrets.count("/keys/1") == 1);
}

TEST_CASE("a secret whose source is missing or empty is said when settings are made") {
    const std::vector<SettingRule> rules{secret("/token")};
    CHECK(problems("token: \"${env:NOBODY}\"", rules) == "C-21 4:8");
    CHECK(problems("token: \"${env:EMPTY}\"", rules) == "C-21 4:8");
    CHECK(problems("token: \"${file:/none/token}\"", rules) == "C-21 4:8");
}

TEST_CASE("a secret is read anew at each use") {
    const berth_test::ScratchFolder folder("config");
    const auto file = folder.path / "token";
    std::ofstream(file) << "first\n";
    auto tree = tree_of("token: \"${file:token}\"");
    tree.directory = folder.path;
    const auto result = settled(tree, {secret("/token")});
    REQUIRE(result.problems.empty());
    const auto& source = result.settings.secrets.at("/token");
    CHECK(source.name == file.string());
    CHECK(read_secret(source, environment()) == "first");
    std::ofstream(file, std::ios::trunc) << "second";
    CHECK(read_secret(source, environment()) == "second");
    std::ofstream(file, std::ios::trunc) << "\n";
    try {
        static_cast<void>(read_secret(source, environment()));
        FAIL("an empty secret was given out");
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-C-25");
        CHECK(error.code() == Code::auth_failed);
        CHECK(error.fields().location == test_file() + ":4:8");
    }
}

TEST_CASE("the vendor's own variables stand in for what is not written, the first filled one") {
    auto region = rule("/region");
    region.variables = {"NOBODY", "EMPTY", "REGION", "PORT"};
    region.fallback = "default";
    auto port = rule("/port", SettingType::integer);
    port.variables = {"PORT"};
    const std::vector<SettingRule> rules{region, port, secret("/token", {"TOKEN"})};
    const auto tree = tree_of("");
    const auto result = settled(tree, rules);
    REQUIRE(places_of(result.problems) == "");
    CHECK(result.settings.values == json{{"region", "eu"}, {"port", 8080}});
    CHECK(read_secret(result.settings.secrets.at("/token"), environment()) == "canary-secret");
    CHECK(location_of_setting(tree, result.settings, "/region") == "environment variable REGION");
    CHECK(location_of_setting(tree, result.settings, "/other") == test_file() + ":3:26");
    CHECK(good("region: us, port: 1", rules).values == json{{"region", "us"}, {"port", 1}});
    CHECK(good("token: \"${env:REGION}\"", rules).secrets.at("/token").name == "REGION");
}

TEST_CASE("variables give way to another option of their map that is written, and only to that") {
    auto key = secret("/key", {"TOKEN"});
    key.variables_unless = {"other", "jwt"};
    auto jwt = secret("/jwt", {"TOKEN"});
    jwt.variables_unless = {"key"};
    auto region = rule("/region");
    region.variables = {"REGION"};
    region.variables_unless = {"jwt"};
    region.fallback = "default";
    const std::vector<SettingRule> rules{key, jwt, region};
    const auto by_jwt = good("jwt: \"${env:RATE}\"", rules);
    CHECK(by_jwt.secrets.count("/key") == 0);
    CHECK(by_jwt.secrets.at("/jwt").name == "RATE");
    CHECK(by_jwt.values == json{{"region", "default"}});
    CHECK(by_jwt.origins.empty());
    const auto by_key = good("key: \"${env:RATE}\"", rules);
    CHECK(by_key.secrets.count("/jwt") == 0);
    CHECK(by_key.values == json{{"region", "eu"}});
    // What a variable filled in is not written, and neither is a null or the same key of another map.
    for (const char* lines : {"", "jwt: ~, other: ~", "git: {other: 1, jwt: 1}"}) {
        CAPTURE(lines);
        CHECK(good(lines, rules).secrets.at("/key").name == "TOKEN");
    }
}

TEST_CASE("variables give way to what is written in the same map of many") {
    auto key = secret("/hosts/*/key", {"TOKEN"});
    key.variables_unless = {"jwt"};
    const auto settings = good("jwt: 1, hosts: {a: {jwt: 1}, b/c: {}, d/e: {jwt: 1}}", {key});
    CHECK(settings.secrets.size() == 1);
    CHECK(settings.secrets.count("/hosts/b~1c/key") == 1);
}

TEST_CASE("a variable of the wrong type is said by its name, without its value") {
    auto port = rule("/port", SettingType::integer);
    port.variables = {"TOKEN"};
    const auto result = settled(tree_of(""), {port});
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].diagnostic() == "BERTH-C-26");
    CHECK(result.problems[0].fields().location == "environment variable TOKEN");
    CHECK(std::string(result.problems[0].what()).find("canary") == std::string::npos);
}

TEST_CASE("defaults fill gaps, in maps that are there or are a default themselves") {
    auto depth = rule("/git/depth", SettingType::integer);
    depth.fallback = 1;
    auto size = rule("/templates/*/size");
    size.fallback = "small";
    auto limits = rule("/limits");
    limits.fallback = json::object();
    auto limit = rule("/limits/files");
    limit.fallback = 7;
    const std::vector<SettingRule> rules{depth, size, limit, limits};
    CHECK(good("templates: {a: {}, b: {size: large}, c: 5}", rules).values ==
          json{{"templates", {{"a", {{"size", "small"}}}, {"b", {{"size", "large"}}}, {"c", 5}}},
               {"limits", {{"files", 7}}}});
    CHECK(good("git: {}, limits: {files: 0}", rules).values ==
          json{{"git", {{"depth", 1}}}, {"limits", {{"files", 0}}}});
    CHECK(good("git: ~", rules).values.at("git") == nullptr);
}

TEST_CASE("a secret has no default, and a default holds no reference") {
    auto token = secret("/token");
    token.fallback = "hunter2";
    auto plain = rule("/plain");
    plain.fallback = "${env:TOKEN}";
    const auto settings = good("", {token, plain});
    CHECK(settings.values == json{{"plain", "${env:TOKEN}"}});
    CHECK(settings.secrets.empty());
}

TEST_CASE("keys with slashes and tildes have their own pointers") {
    const auto settings = good("\"a/b~\": {t: \"${env:TOKEN}\"}", {secret("/a~1b~0/t")});
    CHECK(settings.secrets.count("/a~1b~0/t") == 1);
    CHECK(settings.with_references() == json{{"a/b~", {{"t", "${env:TOKEN}"}}}});
    CHECK(steps_of("/a~1b~0/*/") == std::vector<std::string>{"a/b~", "*", ""});
    CHECK(steps_of("").empty());
    CHECK(fits("/a/*/c", "/a/x~1y/c"));
    CHECK_FALSE(fits("/a/*", "/a/b/c"));
}

TEST_CASE("a malformed reference in a tree made by hand is refused, too") {
    ConfigTree tree;
    tree.value = json{{"a", "${nobody}"}};
    const auto result = settle(tree, {}, environment());
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].diagnostic() == "BERTH-C-20");
}

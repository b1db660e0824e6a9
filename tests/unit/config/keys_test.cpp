// The keys that the reader knows are those of the schema for editors and the method table, and every example is good.
#include "config/keys.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "config/reader.hpp"
#include "config/render.hpp"
#include "config_support.hpp"
#include "plugin/method_table.hpp"

using namespace berth;
using nlohmann::json;

namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    REQUIRE_MESSAGE(stream.good(), file.string());
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

const json& followed(const json& schema, const json& node) {
    if (!node.contains("$ref")) return node;
    return schema.at(json::json_pointer(node.at("$ref").get<std::string>().substr(1)));
}

/// The part of the schema for a section such as "providers.*.deadlines".
const json& part_of(const json& schema, const std::string& where) {
    const json* node = &schema;
    std::stringstream steps(where);
    for (std::string step; std::getline(steps, step, '.');) {
        const auto& next = step == "*" ? node->at("additionalProperties") : node->at("properties").at(step);
        node = &followed(schema, next);
    }
    return *node;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
}

const std::filesystem::path& examples() {
    static const std::filesystem::path folder = BERTH_CONFIG_FOLDER;
    return folder;
}

}  // namespace

TEST_CASE("the schema for editors lists exactly the keys that the reader knows") {
    const auto schema = json::parse(configuration_schema_text());
    for (const auto& section : section::all()) {
        const auto& part = part_of(schema, std::string(section.where));
        INFO("section ", section.where);
        CHECK(part.at("additionalProperties") == false);
        std::vector<std::string> listed;
        for (const auto& [key, value] : part.at("properties").items())
            listed.push_back(key);
        CHECK(sorted(listed) == sorted({section.keys.begin(), section.keys.end()}));
    }
    CHECK(schema.at("properties").at("version").at("const") == configuration_version);
}

TEST_CASE("the schema in the program is the file's, byte for byte") {
    CHECK(configuration_schema_text() == text_of(examples() / "berth.schema.json"));
}

TEST_CASE("deadlines can be set for what the method table has and nothing else") {
    const auto keys = section::deadlines().keys;
    std::vector<std::string> methods;
    for (const auto& row : method_table)
        methods.emplace_back(row.name);
    CHECK(sorted({keys.begin(), keys.end()}) == sorted(methods));
}

TEST_CASE("every example is a configuration without a problem") {
    const auto environment = variables({{"HOME", "/home/me"}});
    for (const char* name :
         {"berth.yaml", "examples/agents.yaml", "examples/ci.yaml", "examples/own-plugins.yaml",
          "examples/templates.yaml", "examples/two-pools.yaml", "examples/vercel.yaml", "examples/daytona.yaml"}) {
        const auto read = read_configuration(examples() / name, environment);
        for (const auto& problem : read.problems)
            FAIL_CHECK(problem.what());
        CHECK_FALSE(read.configuration.providers.empty());
    }
}

TEST_CASE("berth.yaml says what holds without it") {
    const auto read = read_configuration(examples() / "berth.yaml", EnvironmentVariables());
    REQUIRE(read.problems.empty());
    CHECK(yaml_text(effective_configuration(read.configuration, {})) ==
          yaml_text(effective_configuration(built_in_configuration(), {})));
}

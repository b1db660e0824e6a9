// A configuration that the plugin's own schema refuses, and one that it takes.
#include <doctest/doctest.h>

#include "config/reader.hpp"
#include "plugin/schema_check.hpp"
#include "plugin_directory.hpp"

using namespace berth;
using namespace misbehaving;

namespace {

/// What is wrong with a provider's `config` in berth.yaml, from the file to the schema.
std::vector<Error> problems_of(const std::string& config) {
    const PluginDirectory directory{"with_schema"};
    const auto catalog = directory.read();
    const auto& schema = catalog.find("with_schema").manifest->config;
    const EnvironmentVariables environment(EnvironmentVariables::Variables{{"ACME_TOKEN", "s3cret"}});
    const auto read = read_configuration_text(
        "version: 1\nproviders:\n  acme:\n    plugin: with_schema\n    config: " + config + "\n", "/etc/berth.yaml",
        environment);
    REQUIRE(read.problems.empty());
    const auto& provider = read.configuration.providers.at(0);
    const auto settled = settle(provider.config, schema.setting_rules(), environment);
    REQUIRE(settled.problems.empty());
    return check_settings(schema, provider.config, settled.settings);
}

}  // namespace

TEST_CASE("a configuration that fits: secrets from the vendor's variable, defaults from the schema") {
    CHECK(problems_of("{}").empty());
    CHECK(problems_of("{ port: 1, target: us }").empty());
}

TEST_CASE("a configuration that the schema refuses says where, what was expected and what was found") {
    const auto problems = problems_of("{ port: 70000, traget: eu }");
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].diagnostic() == "BERTH-P-26");
    CHECK(says(problems[0], {"/etc/berth.yaml:5:21", "\"port\"", "1 to 65535", "70000"}));
    CHECK(says(problems[1], {"/etc/berth.yaml:5:", "unknown option \"traget\"", "Did you mean \"target\"?"}));
}

TEST_CASE("no text of a configuration gets into a message") {
    const auto problems = problems_of("{ target: s3cret }");
    REQUIRE(problems.size() == 1);
    CHECK(says(problems[0], {"\"eu\" or \"us\""}));
    CHECK(std::string_view(problems[0].what()).find("s3cret") == std::string_view::npos);
}

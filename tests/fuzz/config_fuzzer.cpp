// Feeds berth.yaml's reader with anything and checks what has to hold whatever comes in: it ends, it says where each
// problem is, what it shows can be read again and means the same, and a secret appears nowhere. Knows no plugin.
// Built with BERTH_PLANTED_FAULT it has a table that is too small, which a working fuzzer finds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "config/render.hpp"
#include "config/settings.hpp"

namespace {

constexpr const char* file = "/nowhere/berth.yaml";
constexpr std::string_view canary = "canary-7b1f90";

void require(bool holds, std::string_view what, std::string_view text) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n" << text << "\n";
    std::abort();
}

void check_problem(const berth::Error& problem) {
    const std::string_view line = problem.what();
    require(problem.fields().location.rfind(file, 0) == 0, "a problem has no place", line);
    require(berth::is_utf8(line) && line.find('\n') == std::string_view::npos, "a problem is not one line", line);
}

std::string shown(const berth::Configuration& configuration) {
    return berth::yaml_text(berth::effective_configuration(configuration, {}));
}

/// What is shown is a configuration itself, and the same one.
void check_round_trip(const berth::Configuration& configuration, const berth::EnvironmentVariables& environment) {
    const auto first = shown(configuration);
    const auto again = berth::read_configuration_text(first, file, environment);
    for (const auto& problem : again.problems)
        require(false, "what is shown cannot be read", first + problem.what());
    require(shown(again.configuration) == first, "what is shown means something else", first);
}

void check_settings(const berth::ConfigTree& config, const berth::EnvironmentVariables& environment) {
    if (config.value.dump().find(canary) != std::string::npos) return;  // libFuzzer reads our comparisons
    const std::vector<berth::SettingRule> rules{
        {"/token", berth::Secrecy::secret, berth::SettingType::text, {"TOKEN"}, {}},
        {"/keys/*", berth::Secrecy::secret, berth::SettingType::text, {}, {}},
        {"/*/port", berth::Secrecy::plain, berth::SettingType::integer, {"PORT"}, 80},
        {"/a/b", berth::Secrecy::plain, berth::SettingType::any, {}, "x"}};
    const auto settled = berth::settle(config, rules, environment);
    for (const auto& problem : settled.problems)
        require(std::string_view(problem.what()).find(canary) == std::string_view::npos, "a problem tells a secret",
                problem.what());
    const auto whole =
        settled.settings.with_references().dump() + berth::shown_config(config, rules, environment).dump();
    require(whole.find(canary) == std::string::npos, "a secret is among the values", whole);
}

#ifdef BERTH_PLANTED_FAULT
/// The fault: keys of a config are counted by their first letter, as if that were always one from a to z. It lies
/// behind everything that has to be right before a config is one.
void planted(const nlohmann::json& config) {
    std::vector<char> counts(26);
    for (const auto& [key, value] : config.items()) {
        const auto letter = static_cast<std::size_t>(static_cast<unsigned char>(key.front())) - 'a';
        counts.data()[std::min<std::size_t>(letter, counts.size())] += 1;
    }
    require(counts.size() == 26, "there are 26 letters", "");
}
#endif

void check_file(const std::string& text) {
    const berth::EnvironmentVariables environment(
        {{"HOME", "/home/me"}, {"PORT", "8080"}, {"TOKEN", std::string(canary)}});
    const auto read = berth::read_configuration_text(text, file, environment);
    for (const auto& problem : read.problems)
        check_problem(problem);
    if (!read.problems.empty()) return;
    check_round_trip(read.configuration, environment);
    // A plain value may refer to the variable, too; then it is no secret.
    const bool only_secret = text.find("${env:TOKEN}") == std::string::npos;
    for (const auto& provider : read.configuration.providers) {
        if (only_secret) check_settings(provider.config, environment);
#ifdef BERTH_PLANTED_FAULT
        planted(provider.config.value);
#endif
    }
}

/// The text as a provider's config: what is any YAML at all gets past the keys that the file has to have.
std::string as_config(const std::string& text) {
    const std::string indent = "\n    ";
    std::string whole = "version: 1\nproviders:\n a:\n  plugin: a\n  config:" + indent;
    for (const char character : text) {
        if (character == '\n') {
            whole += indent;
        } else {
            whole += character;
        }
    }
    return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    if (text.find("file:") != std::string::npos) return 0;  // no random file of the machine is opened
    check_file(text);
    check_file(as_config(text));
    return 0;
}

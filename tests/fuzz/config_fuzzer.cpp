// Feeds berth.yaml's reader with anything and checks what has to hold whatever comes in: it ends, it says where each
// problem is, what it shows can be read again and means the same, and a secret appears nowhere. Knows no plugin.
// Built with BERTH_PLANTED_FAULT it has a buffer that is too small, which a working fuzzer finds.
#include <array>
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
/// The fault: a step of a JSON pointer with an escape is thought to have less than 12 bytes.
void planted(const berth::ConfigTree& config) {
    for (const auto& [pointer, place] : config.places) {
        if (pointer.find("~1") == std::string::npos) continue;
        std::vector<char> buffer(12);
        for (std::size_t index = 0; index < pointer.size(); ++index)
            buffer.data()[index] = pointer[index];
        require(buffer.front() == '/', "a pointer begins with a slash", pointer);
    }
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    if (text.find("file:") != std::string::npos) return 0;  // no random file of the machine is opened
    const berth::EnvironmentVariables environment(
        {{"HOME", "/home/me"}, {"PORT", "8080"}, {"TOKEN", std::string(canary)}});
    const auto read = berth::read_configuration_text(text, file, environment);
    for (const auto& problem : read.problems)
        check_problem(problem);
    if (!read.problems.empty()) return 0;
    check_round_trip(read.configuration, environment);
    // A plain value may refer to the variable, too; then it is no secret.
    const bool only_secret = text.find("${env:TOKEN}") == std::string::npos;
    for (const auto& provider : read.configuration.providers) {
        if (only_secret) check_settings(provider.config, environment);
#ifdef BERTH_PLANTED_FAULT
        planted(provider.config);
#endif
    }
    return 0;
}

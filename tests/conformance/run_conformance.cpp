// Runs the conformance suite against one provider of a configuration: run_conformance CONFIG PROVIDER [ONLY [TEMPLATE]].
// Prints a line for each case and closes with the counts. Exit code 0 only when no case failed, and, with CONFORMANCE_STRICT
// in its environment, every skipped one needs what the provider does not declare. With CONFORMANCE_FACTS=FILE it also
// writes what the provider offers, and how many cases have tried each of it, for table.py.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "config/reader.hpp"
#include "conformance/suite.hpp"
#include "engine/host.hpp"

namespace {

using namespace berth;

void print_case(const conformance::CaseResult& result) {
    const char* word = result.verdict == conformance::Verdict::passed    ? "pass"
                       : result.verdict == conformance::Verdict::skipped ? "SKIP"
                                                                         : "FAIL";
    std::printf("%s  %s: %s%s%s\n", word, result.domain.c_str(), result.name.c_str(),
                result.reason.empty() ? "" : "  -- ", result.reason.c_str());
    std::fflush(stdout);
}

/// What the manifest promises, and in how many cases that passed it was needed.
void write_facts(const std::string& file, const Host& host, const std::string& provider,
                 const conformance::Report& report) {
    std::map<std::string, int> passed;
    for (const auto& one : conformance::all_cases()) {
        const bool has_passed = std::any_of(report.results.begin(), report.results.end(), [&](const auto& result) {
            return result.verdict == conformance::Verdict::passed && result.domain == one.domain && result.name == one.name;
        });
        for (const auto need : one.needs)
            passed[std::string(need)] += has_passed ? 1 : 0;
    }
    nlohmann::json facts{{"provider", provider}, {"offers", nlohmann::json::object()}};
    const auto statuses = host.providers();
    const auto status = std::find_if(statuses.begin(), statuses.end(),
                                     [&](const auto& candidate) { return candidate.name == provider; });
    if (status == statuses.end()) throw std::runtime_error("there is no provider " + provider);
    for (const auto& method : status->methods)
        facts["offers"][method] = passed[method];
    for (const auto& feature : status->features)
        facts["offers"][feature.name] = passed[feature.name];
    std::ofstream(file) << facts.dump(2) << '\n';
}

int run(const std::string& config_file, const std::string& provider, const std::string& only,
        std::optional<std::string> template_name) {
    HostOptions options;
    options.environment_variables = EnvironmentVariables::of_process();
    options.configuration = load_configuration(config_file, options.environment_variables);
    Host host(std::move(options));
    const auto report = conformance::run_suite(host, {provider, only, print_case, std::move(template_name)});
    const auto failed = report.count(conformance::Verdict::failed);
    std::printf("%s: %zu passed, %zu failed, %zu skipped\n", provider.c_str(),
                report.count(conformance::Verdict::passed), failed, report.count(conformance::Verdict::skipped));
    if (const char* const file = std::getenv("CONFORMANCE_FACTS")) write_facts(file, host, provider, report);
    const auto unexplained = std::count_if(report.results.begin(), report.results.end(), [](const auto& result) {
        return result.verdict == conformance::Verdict::skipped && result.lacks.empty();
    });
    const bool is_strict = std::getenv("CONFORMANCE_STRICT") != nullptr;
    if (is_strict && unexplained != 0)
        std::printf("%td were skipped for another reason than that the provider does not declare something\n",
                    unexplained);
    return failed == 0 && !report.results.empty() && !(is_strict && unexplained != 0) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 5) {
        std::fputs("usage: run_conformance CONFIG PROVIDER [ONLY [TEMPLATE]]\n", stderr);
        return 2;
    }
    ::setenv(conformance::canary_variable, "canary-9d1f", 1);
    try {
        return run(argv[1], argv[2], argc > 3 ? argv[3] : "",
                   argc > 4 ? std::optional<std::string>(argv[4]) : std::nullopt);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

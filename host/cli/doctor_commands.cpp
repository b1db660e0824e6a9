// `berth doctor`: what works on this machine and what does not, with the reason and what would enable it. Knows no
// provider by name: it opens each and shows what that says of itself.
#include <algorithm>

#include "../config/reader.hpp"
#include "../engine/no_usable_provider.hpp"
#include "../plugin/method_table.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "people_text.hpp"
#include "plugin_sheet.hpp"

namespace berth::inline host_v1::cli {

namespace {

struct Findings {
    std::optional<std::filesystem::path> file;  ///< the berth.yaml; absent: built-in defaults
    std::vector<Error> problems;                ///< with it
    std::optional<Catalog> catalog;
    std::vector<QuarantineRecord> quarantined;
    std::vector<ProviderStatus> providers;  ///< opened, or with the error that kept them from it

    [[nodiscard]] bool well() const {
        return problems.empty() && std::all_of(providers.begin(), providers.end(), [](const ProviderStatus& provider) {
                   return provider.state == ProviderStatus::State::open;
               });
    }
};

ProviderStatus opened(Session& session, ProviderStatus provider) {
    if (provider.state == ProviderStatus::State::refused) return provider;
    try {
        return session.host().open_provider(provider.name, session.call());
    } catch (const Error& error) {
        provider.state = ProviderStatus::State::refused;
        provider.error = error;
        return provider;
    }
}

Findings look(Session& session) {
    Findings findings;
    const auto& named = session.options().configuration;
    try {
        findings.file = find_configuration(named ? std::optional<std::filesystem::path>(*named) : std::nullopt,
                                           session.variables());
        if (findings.file) findings.problems = read_configuration(*findings.file, session.variables()).problems;
        if (!findings.problems.empty()) return findings;
        findings.catalog = session.catalog();
        findings.quarantined = session.quarantined();
        for (auto& provider : session.host().providers()) {
            findings.providers.push_back(opened(session, std::move(provider)));
        }
    } catch (const NoUsableProvider& error) {
        findings.problems = error.reasons();
    } catch (const Error& error) {
        findings.problems.push_back(error);
    }
    return findings;
}

// --- for programs

template <typename Values>
Json errors_of(const Values& errors) {
    auto array = Json::array();
    for (const auto& error : errors) {
        array.push_back(json_of(error));
    }
    return array;
}

const QuarantineRecord* record_about(const PluginFile& file, const std::vector<QuarantineRecord>& quarantined) {
    return record_of(quarantined, file, TrustRules::of_this_process());
}

Json json_of(const Catalog& catalog, const std::vector<QuarantineRecord>& quarantined) {
    auto directories = Json::array();
    for (const auto& directory : catalog.directories()) {
        directories.push_back({{"path", json_of_bytes(directory.path)}, {"found_in", name_of(directory.origin)}});
    }
    auto files = Json::array();
    for (const auto& file : catalog.files()) {
        const auto* const record = record_about(file, quarantined);
        const auto refusal = refusal_of(file, record);
        files.push_back({{"name", json_of_bytes(file.name())},
                         {"file", json_of_bytes(file.path)},
                         {"state", state_cell(file, record).text},
                         {"error", refusal ? cli::json_of(*refusal) : Json()},
                         {"warnings", errors_of(file.warnings)}});
    }
    return {{"directories", std::move(directories)},
            {"refused_directories", errors_of(catalog.problems())},
            {"files", std::move(files)}};
}

Json json_of(const ProviderStatus& provider) {
    auto features = Json::array();
    for (const auto& feature : provider.features) {
        features.push_back({{"name", feature.name},
                            {"offered", feature.offered},
                            {"reason", feature.offered ? Json() : json_of_bytes(feature.reason)}});
    }
    return {{"name", provider.name},
            {"plugin", provider.plugin},
            {"opens", provider.state == ProviderStatus::State::open},
            {"error", provider.error ? cli::json_of(*provider.error) : Json()},
            {"methods", provider.methods},
            {"features", std::move(features)},
            {"warnings", provider.warnings}};
}

Json json_of(const Findings& findings) {
    auto providers = Json::array();
    for (const auto& provider : findings.providers) {
        providers.push_back(json_of(provider));
    }
    return {{"well", findings.well()},
            {"configuration", findings.file ? json_of_bytes(findings.file->string()) : Json()},
            {"problems", errors_of(findings.problems)},
            {"plugins", findings.catalog ? json_of(*findings.catalog, findings.quarantined) : Json()},
            {"providers", std::move(providers)}};
}

// --- for people

std::string words_of(const Error& error) {
    return one_line(error.what());
}

void add_findings(FactSheet& sheet, const Findings& findings) {
    sheet.add("Configuration", findings.file ? one_line(findings.file->string())
                                             : std::string("no berth.yaml found: the built-in defaults hold"));
    for (const auto& problem : findings.problems) {
        sheet.add("Problem", Cell(words_of(problem), Tone::bad));
    }
    if (!findings.catalog) return;
    for (const auto& directory : findings.catalog->directories()) {
        sheet.add("Plugin directory", one_line(directory.path));
    }
    for (const auto& problem : findings.catalog->problems()) {
        sheet.add("Refused directory", Cell(words_of(problem), Tone::attention));
    }
    for (const auto& file : findings.catalog->files()) {
        const auto name = one_line(file.name()) + "  " + one_line(file.path);
        const auto refusal = refusal_of(file, record_about(file, findings.quarantined));
        sheet.add(refusal ? "Refused plugin" : "Plugin",
                  refusal ? Cell(name + ": " + words_of(*refusal), Tone::attention) : Cell(name));
    }
}

std::string text_of(const ProviderStatus& provider, Colour colour) {
    FactSheet sheet;
    const bool opens = provider.state == ProviderStatus::State::open;
    sheet.add("Provider", one_line(provider.name));
    sheet.add("Opens", Cell(opens ? "yes" : "no", opens ? Tone::good : Tone::bad));
    if (provider.error) sheet.add("Why", Cell(words_of(*provider.error), Tone::bad));
    for (const auto& warning : provider.warnings) {
        sheet.add("Warning", Cell(one_line(warning), Tone::attention));
    }
    std::string text = sheet.text(colour);
    if (!opens) return text;
    Table table({"METHOD OR FEATURE", "HERE", "WHY NOT"});
    for (const auto& name : method_names()) {
        const bool has = std::find(provider.methods.begin(), provider.methods.end(), name) != provider.methods.end();
        table.add({name, Cell(has ? "yes" : "no", has ? Tone::good : Tone::attention),
                   has ? "" : "the plugin does not have it"});
    }
    for (const auto& feature : provider.features) {
        table.add({one_line(feature.name),
                   Cell(feature.offered ? "yes" : "no", feature.offered ? Tone::good : Tone::attention),
                   feature.offered ? std::string() : one_line(feature.reason)});
    }
    return text + table.text(colour);
}

}  // namespace

int perform(Session& session, const DoctorCommand&) {
    const auto findings = look(session);
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(findings));
    } else {
        FactSheet sheet;
        add_findings(sheet, findings);
        std::string text = sheet.text(out.colour());
        for (const auto& provider : findings.providers) {
            text += "\n" + text_of(provider, out.colour());
        }
        out.text(text);
    }
    return findings.well() ? exit_ok : exit_failure;
}

}  // namespace berth::inline host_v1::cli

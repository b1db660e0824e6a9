// `berth provider ls`: what berth.yaml names, and whether it works.
#include <algorithm>

#include "../plugin/method_table.hpp"
#include "commands.hpp"
#include "exit_code.hpp"

namespace berth::inline host_v1::cli {

namespace {

std::string_view name_of(ProviderStatus::State state) {
    switch (state) {
        case ProviderStatus::State::not_loaded:
            return "available";
        case ProviderStatus::State::open:
            return "open";
        case ProviderStatus::State::refused:
            return "refused";
    }
    return "refused";
}

/// Methods of the contract that this provider does not have.
std::vector<std::string> missing_methods(const ProviderStatus& provider) {
    std::vector<std::string> missing;
    if (provider.methods.empty()) return missing;
    for (const auto& name : method_names()) {
        const auto& has = provider.methods;
        if (std::find(has.begin(), has.end(), name) == has.end()) missing.push_back(name);
    }
    return missing;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : ",") + name;
    }
    return text;
}

Json json_of(const ProviderStatus& provider) {
    return {{"name", provider.name},
            {"plugin", provider.plugin},
            {"plugin_version", provider.plugin_version.empty() ? Json() : Json(provider.plugin_version)},
            {"plugin_file", provider.plugin_file.empty() ? Json() : json_of_bytes(provider.plugin_file)},
            {"state", name_of(provider.state)},
            {"methods", provider.methods},
            {"missing_methods", missing_methods(provider)},
            {"warnings", provider.warnings},
            {"error", provider.error ? cli::json_of(*provider.error) : Json()}};
}

Table table_of(const std::vector<ProviderStatus>& providers) {
    Table table({"PROVIDER", "PLUGIN", "VERSION", "STATE", "WITHOUT", "WHY"});
    for (const auto& provider : providers) {
        const bool refused = provider.state == ProviderStatus::State::refused;
        table.add({provider.name, provider.plugin, provider.plugin_version,
                   Cell(std::string(name_of(provider.state)), refused ? Tone::bad : Tone::good),
                   joined(missing_methods(provider)),
                   provider.error ? std::string(provider.error->what()) : std::string()});
    }
    return table;
}

}  // namespace

int perform(Session& session, const ProviderListCommand&) {
    const auto providers = session.host().providers();
    const auto& out = session.out();
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(providers.size());
        for (const auto& provider : providers) {
            all.push_back(json_of(provider));
        }
        out.list(all);
        return exit_ok;
    }
    if (out.format() == OutputFormat::name) {
        std::string names;
        for (const auto& provider : providers) {
            names += provider.name + "\n";
        }
        out.text(names);
        return exit_ok;
    }
    out.text(table_of(providers).text(out.colour()));
    for (const auto& provider : providers) {
        for (const auto& warning : provider.warnings) {
            out.note("provider " + provider.name + ": " + warning);
        }
    }
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli

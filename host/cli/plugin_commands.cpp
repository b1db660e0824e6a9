// `berth plugin ls` and `berth plugin inspect`: plugin files as they lie there, bad ones included. Runs none of their
// code.
#include <filesystem>

#include "../plugin/catalog.hpp"
#include "../plugin/inspection.hpp"
#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "plugin_sheet.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// A path, as opposed to the name of a plugin.
bool is_path(const std::string& text) {
    return text.find('/') != std::string::npos || text.ends_with(".so");
}

struct Named {
    std::string path;
    SearchOrigin origin;
};

/// The file that is meant. Throws Error BERTH-P-01 for a name that no file says.
Named file_named(const Catalog& catalog, const std::string& text) {
    if (is_path(text)) return {std::filesystem::absolute(text).string(), SearchOrigin::command_line};
    for (const auto& file : catalog.files()) {
        if (file.name() == text) return {file.path, file.origin};
    }
    const auto& file = catalog.find(text);  // throws with the nearest name and where was looked
    return {file.path, file.origin};
}

}  // namespace

int perform(Session& session, const PluginListCommand&) {
    const auto catalog = session.catalog();
    const auto quarantined = session.quarantined();
    const auto rules = TrustRules::of_this_process();
    const auto record = [&](const PluginFile& file) { return record_of(quarantined, file, rules); };
    const auto& out = session.out();
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(catalog.files().size());
        for (const auto& file : catalog.files()) {
            all.push_back(json_of(file, record(file)));
        }
        out.list(all);
    } else if (out.format() == OutputFormat::name) {
        std::string names;
        for (const auto& file : catalog.files()) {
            if (!refusal_of(file, record(file))) names += file.name() + "\n";
        }
        out.text(names);
    } else {
        Table table({"PLUGIN", "VERSION", "STATE", "TRUST", "METHODS", "FILE", "WHY"});
        for (const auto& file : catalog.files()) {
            const auto* const known = record(file);
            const auto refusal = refusal_of(file, known);
            table.add({file.name(), file.manifest ? file.manifest->version : std::string(), state_cell(file, known),
                       trust_cell(file), file.manifest ? method_count(*file.manifest) : std::string(), file.path,
                       refusal ? std::string(refusal->what()) : std::string()});
        }
        out.text(table.text(out.colour()));
    }
    for (const auto& problem : catalog.problems()) {
        out.warning(problem);
    }
    return exit_ok;
}

int perform(Session& session, const PluginInspectCommand& command) {
    const auto catalog = session.catalog();
    const auto named = file_named(catalog, command.plugin);
    const LibrarySearch libraries(session.variables());
    const auto inspection = inspect_plugin(
        named.path, named.origin,
        {TrustRules::of_this_process(), &catalog, &libraries, Pins(session.configuration()), session.quarantined()});
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(inspection));
    } else {
        out.text(out.format() == OutputFormat::name ? inspection.file.name() + "\n"
                                                    : sheet_of(inspection, out.colour()));
    }
    return inspection.would_load() ? exit_ok : exit_failure;
}

}  // namespace berth::inline host_v1::cli

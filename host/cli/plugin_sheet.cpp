// What is known of a plugin file, as text and as JSON; see the header.
#include "plugin_sheet.hpp"

#include <sys/stat.h>

#include "../base/text.hpp"
#include "../plugin/diagnostics.hpp"
#include "../plugin/method_table.hpp"
#include "people_text.hpp"

namespace berth::inline host_v1::cli {

namespace {

Json texts(const std::vector<std::string>& values) {
    auto array = Json::array();
    for (const auto& value : values) {
        array.push_back(json_of_bytes(value));
    }
    return array;
}

Json json_of(const SchemaOption& option) {
    return {{"pointer", option.pointer},
            {"type", option.type},
            {"allowed", option.allowed.empty() ? Json() : Json(option.allowed)},
            {"default", option.default_text ? Json(*option.default_text) : Json()},
            {"required", option.required},
            {"secret", option.secret},
            {"variables", texts(option.variables)},
            {"variables_unless", texts(option.variables_unless)},
            {"description", json_of_bytes(option.description)}};
}

template <typename Errors>
Json errors_of(const Errors& errors) {
    auto array = Json::array();
    for (const auto& error : errors) {
        array.push_back(cli::json_of(error));
    }
    return array;
}

void add_manifest(Json& object, const Manifest& manifest) {
    object["description"] = json_of_bytes(manifest.description);
    object["homepage"] = json_of_bytes(manifest.homepage);
    object["license"] = json_of_bytes(manifest.license);
    object["contract"] = manifest.contract;
    auto options = Json::array();
    for (const auto& option : manifest.config.options()) {
        options.push_back(json_of(option));
    }
    object["options"] = std::move(options);
    object["config_schema"] = manifest.config.json();
}

/// Whether it is trust that the file lacks, and not something else.
bool is_distrusted(const PluginFile& file) {
    if (!file.error) return false;
    const auto number = file.error->diagnostic();
    for (const auto& of_trust : {plugin_diagnostics::writable_by_others, plugin_diagnostics::foreign_owner,
                                 plugin_diagnostics::other_content, plugin_diagnostics::not_pinned}) {
        if (number == of_trust.number) return true;
    }
    return false;
}

Json trust_of(const PluginFile& file) {
    return {{"trusted", file.owner.has_value() && !is_distrusted(file)},
            {"owner", file.owner ? Json(*file.owner) : Json()},
            {"pinned", file.pinned}};
}

std::string_view name_of(TrustedKind kind, const struct stat& status) {
    if (kind == TrustedKind::link) return "link";
    return S_ISDIR(status.st_mode) ? "directory" : S_ISREG(status.st_mode) ? "file" : "other";
}

Json json_of(const WalkStep& step) {
    return {{"path", json_of_bytes(step.path)},
            {"kind", name_of(step.kind, step.status)},
            {"owner", step.status.st_uid},
            {"group", step.status.st_gid},
            {"mode", mode_text(step.status.st_mode)},
            {"error", step.refusal ? cli::json_of(*step.refusal) : Json()}};
}

Json checks_of(const Inspection& inspection) {
    auto checks = Json::array();
    for (const auto& step : inspection.steps) {
        checks.push_back({{"number", checks.size() + 1},
                          {"name", step.name},
                          {"result", host_v1::name_of(step.state)},
                          {"found", step.found.empty() ? Json() : json_of_bytes(step.found)},
                          {"problems", errors_of(step.errors)}});
    }
    return checks;
}

void add_links(Json& object, const Inspection& inspection) {
    auto needed = Json::array();
    for (const auto& library : inspection.libraries) {
        needed.push_back(
            {{"name", json_of_bytes(library.name)}, {"path", library.path ? json_of_bytes(*library.path) : Json()}});
    }
    object["needed"] = std::move(needed);
    const auto& links = inspection.links;
    object["soname"] = links && links->soname ? json_of_bytes(*links->soname) : Json();
    object["library_folders"] = links ? texts(links->library_folders) : Json::array();
    object["exported_count"] = links ? Json(links->exported_count) : Json();
    object["exported"] = links ? texts(links->exported) : Json::array();
}

std::string method_marks(const Manifest& manifest) {
    std::string text;
    for (const auto& name : method_names()) {
        if (!text.empty()) text += '\n';
        const auto* row = find_method(name);
        text += manifest.provides_name(name) ? "+ " : "- ";
        text += name;
        if (row != nullptr && row->requirement == MethodNeed::optional) text += " (optional)";
    }
    for (const auto& name : manifest.provides) {
        if (find_method(name) == nullptr) text += "\n+ " + one_line(name) + " (extension)";
    }
    return text;
}

std::string feature_lines(const Manifest& manifest) {
    std::string text;
    for (const auto& name : manifest.features) {
        if (!text.empty()) text += '\n';
        const auto* row = find_feature(name);
        text += one_line(name) + (row != nullptr ? ": " + std::string(row->meaning) : std::string());
    }
    return text;
}

std::string option_text(const ConfigSchema& schema) {
    const auto options = schema.options();
    if (options.empty()) return {};
    Table table({"OPTION", "TYPE", "DEFAULT", "MEANING"});
    for (const auto& option : options) {
        auto meaning = option.description;
        const auto add = [&meaning](const std::string& words) {
            if (!words.empty()) meaning += (meaning.empty() ? "" : "; ") + words;
        };
        add(option.allowed);
        if (option.required) add("required");
        if (option.secret) add("secret: by reference only");
        for (const auto& variable : option.variables) {
            add("else $" + variable);
        }
        for (const auto& beside : option.variables_unless) {
            add("not with " + beside);
        }
        table.add({option.pointer, option.type, option.default_text.value_or(""), meaning});
    }
    return table.text(Colour::off);
}

Tone tone_of(StepState state) {
    switch (state) {
        case StepState::passed:
            return Tone::good;
        case StepState::warning:
            return Tone::attention;
        case StepState::failed:
            return Tone::bad;
        case StepState::skipped:
            return Tone::faint;
    }
    return Tone::plain;
}

/// What was found, then every problem in its own words.
std::string words_of(const InspectionStep& step) {
    std::string text = one_line(step.found);
    for (const auto& error : step.errors) {
        text += (text.empty() ? "" : "; ") + one_line(error.what());
    }
    return text;
}

std::string check_text(const Inspection& inspection, Colour colour) {
    Table table({"CHECK", "OF", "RESULT", "FOUND"});
    std::size_t number = 0;
    for (const auto& step : inspection.steps) {
        table.add({std::to_string(++number), std::string(step.name),
                   Cell(std::string(host_v1::name_of(step.state)), tone_of(step.state)), words_of(step)});
    }
    return table.text(colour);
}

std::string library_lines(const Inspection& inspection) {
    std::string text;
    for (const auto& library : inspection.libraries) {
        if (!text.empty()) text += '\n';
        text += one_line(library.name) + (library.path ? " (" + one_line(*library.path) + ")" : " (not found)");
    }
    return text;
}

std::string symbol_lines(const ElfLinks& links) {
    static constexpr std::size_t most = 10;
    std::string text;
    for (std::size_t index = 0; index < std::min(links.exported.size(), most); ++index) {
        if (!text.empty()) text += '\n';
        text += one_line(links.exported[index]);
    }
    if (links.exported_count > most) text += "\nand " + std::to_string(links.exported_count - most) + " more";
    return text;
}

void add_manifest(FactSheet& sheet, const Manifest& manifest) {
    sheet.add("Version", one_line(manifest.version));
    sheet.add("Contract", std::to_string(manifest.contract));
    sheet.add_if_any("Description", one_line(manifest.description));
    sheet.add_if_any("Homepage", one_line(manifest.homepage));
    sheet.add_if_any("License", one_line(manifest.license));
    sheet.add("Methods", method_count(manifest) + "\n" + method_marks(manifest));
    sheet.add_if_any("Features", feature_lines(manifest));
}

}  // namespace

std::optional<Error> refusal_of(const PluginFile& file, const QuarantineRecord* quarantine) {
    if (file.error || quarantine == nullptr) return file.error;
    return quarantine_refusal(*quarantine, file.name()).with_location(printable(file.path));
}

Cell state_cell(const PluginFile& file, const QuarantineRecord* quarantine) {
    if (quarantine != nullptr) return {"quarantined", Tone::bad};
    return file.usable() ? Cell("usable", Tone::good) : Cell("refused", Tone::bad);
}

Json json_of(const QuarantineRecord& record) {
    const bool is_known = !record.damage;
    return {{"hash", record.hash},
            {"plugin", is_known ? json_of_bytes(record.plugin) : Json()},
            {"file", is_known ? json_of_bytes(record.file) : Json()},
            {"since", is_known ? json_of_bytes(record.since) : Json()},
            {"cause", !is_known                                                ? Json()
                      : record.cause == QuarantineRecord::Cause::first_contact ? Json("first_contact")
                                                                               : Json("deaths")},
            {"deaths", is_known ? Json(record.deaths) : Json()},
            {"within_seconds", is_known ? Json(record.within.count()) : Json()},
            {"last_death", is_known ? json_of_bytes(record.last_death) : Json()},
            {"stderr", is_known ? json_of_bytes(record.last_words) : Json()},
            {"reason", json_of_bytes(reason_of(record))}};
}

Json json_of(const PluginFile& file, const QuarantineRecord* quarantine) {
    const auto refusal = refusal_of(file, quarantine);
    Json object{{"name", json_of_bytes(file.name())},
                {"state", state_cell(file, quarantine).text},
                {"file", json_of_bytes(file.path)},
                {"found_in", name_of(file.origin)}};
    const auto& manifest = file.manifest;
    object["trust"] = trust_of(file);
    object["version"] = manifest ? json_of_bytes(manifest->version) : Json();
    object["methods"] = manifest ? texts(manifest->provides) : Json::array();
    object["features"] = manifest ? texts(manifest->features) : Json::array();
    object["error"] = refusal ? cli::json_of(*refusal) : Json();
    object["quarantine"] = quarantine != nullptr ? json_of(*quarantine) : Json();
    auto warnings = Json::array();
    for (const auto& warning : file.warnings) {
        warnings.push_back(cli::json_of(warning));
    }
    object["warnings"] = std::move(warnings);
    return object;
}

Json json_of(const Inspection& inspection) {
    auto object = json_of(inspection.file, inspection.quarantine ? &*inspection.quarantine : nullptr);
    object["would_load"] = inspection.would_load();
    object["hash"] = inspection.hash ? Json(*inspection.hash) : Json();
    object["size"] = inspection.file.identity.inode != 0 ? Json(inspection.file.identity.size) : Json();
    if (inspection.file.manifest) add_manifest(object, *inspection.file.manifest);
    add_links(object, inspection);
    auto way = Json::array();
    for (const auto& step : inspection.way) {
        way.push_back(json_of(step));
    }
    object["way"] = std::move(way);
    object["checks"] = checks_of(inspection);
    return object;
}

/// "16 of 16", or "11 of 16" with the missing ones told by inspect.
std::string method_count(const Manifest& manifest) {
    std::size_t count = 0;
    for (const auto& name : method_names()) {
        if (manifest.provides_name(name)) ++count;
    }
    return std::to_string(count) + " of " + std::to_string(method_names().size());
}

Cell trust_cell(const PluginFile& file) {
    if (is_distrusted(file)) return {"no", Tone::bad};
    if (!file.owner) return {""};
    return {std::string(*file.owner == 0 ? "root" : "you") + (file.pinned ? ", pinned" : ""), Tone::good};
}

std::string sheet_of(const Inspection& inspection, Colour colour) {
    const auto& file = inspection.file;
    FactSheet sheet;
    sheet.add("Plugin", one_line(file.name()));
    sheet.add("Would load",
              Cell(inspection.would_load() ? "yes" : "no", inspection.would_load() ? Tone::good : Tone::bad));
    if (file.error) sheet.add("Why", Cell(one_line(file.error->what()), Tone::bad));
    sheet.add("File", one_line(file.path));
    sheet.add_if_any("Hash", inspection.hash.value_or(""));
    sheet.add("Trust", trust_cell(file));
    if (file.manifest) add_manifest(sheet, *file.manifest);
    sheet.add_if_any("Needs", library_lines(inspection));
    if (inspection.links) sheet.add_if_any("Exports", symbol_lines(*inspection.links));
    for (const auto& warning : file.warnings) {
        sheet.add("Warning", Cell(one_line(warning.what()), Tone::attention));
    }
    auto text = sheet.text(colour);
    if (file.manifest) {
        const auto options = option_text(file.manifest->config);
        if (!options.empty()) text += "\nConfiguration:\n" + options;
    }
    return text + "\nChecks, none of which runs the file:\n" + check_text(inspection, colour);
}

}  // namespace berth::inline host_v1::cli

// `berth plugin ls` and `berth plugin inspect`: plugin files as they lie there, bad ones included. Runs none of their
// code.
#include <filesystem>

#include "../plugin/catalog.hpp"
#include "../plugin/method_table.hpp"
#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
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

enum class Detail { summary, full };

Json json_of(const PluginFile& file, Detail detail) {
    Json object{{"name", json_of_bytes(file.name())},
                {"state", file.usable() ? "usable" : "refused"},
                {"file", json_of_bytes(file.path)},
                {"found_in", name_of(file.origin)}};
    const auto& manifest = file.manifest;
    object["version"] = manifest ? json_of_bytes(manifest->version) : Json();
    object["methods"] = manifest ? texts(manifest->provides) : Json::array();
    object["features"] = manifest ? texts(manifest->features) : Json::array();
    object["error"] = file.error ? cli::json_of(*file.error) : Json();
    auto warnings = Json::array();
    for (const auto& warning : file.warnings) {
        warnings.push_back(cli::json_of(warning));
    }
    object["warnings"] = std::move(warnings);
    if (detail == Detail::summary || !manifest) return object;
    object["description"] = json_of_bytes(manifest->description);
    object["homepage"] = json_of_bytes(manifest->homepage);
    object["license"] = json_of_bytes(manifest->license);
    object["contract"] = manifest->contract;
    auto options = Json::array();
    for (const auto& option : manifest->config.options()) {
        options.push_back(json_of(option));
    }
    object["options"] = std::move(options);
    object["config_schema"] = manifest->config.json();
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

std::string sheet_of(const PluginFile& file, Colour colour) {
    FactSheet sheet;
    sheet.add("Plugin", one_line(file.name()));
    sheet.add("State", Cell(file.usable() ? "usable" : "refused", file.usable() ? Tone::good : Tone::bad));
    if (file.error) sheet.add("Why", Cell(one_line(file.error->what()), Tone::bad));
    sheet.add("File", one_line(file.path));
    std::string options;
    if (const auto& manifest = file.manifest) {
        sheet.add("Version", one_line(manifest->version));
        sheet.add("Contract", std::to_string(manifest->contract));
        sheet.add_if_any("Description", one_line(manifest->description));
        sheet.add_if_any("Homepage", one_line(manifest->homepage));
        sheet.add_if_any("License", one_line(manifest->license));
        sheet.add("Methods", method_count(*manifest) + "\n" + method_marks(*manifest));
        sheet.add_if_any("Features", feature_lines(*manifest));
        options = option_text(manifest->config);
    }
    for (const auto& warning : file.warnings) {
        sheet.add("Warning", Cell(one_line(warning.what()), Tone::attention));
    }
    auto text = sheet.text(colour);
    return options.empty() ? text : text + "\nConfiguration:\n" + options;
}

/// A path, as opposed to the name of a plugin.
bool is_path(const std::string& text) {
    return text.find('/') != std::string::npos || text.ends_with(".so");
}

PluginFile file_named(Session& session, const std::string& text) {
    if (is_path(text)) {
        return read_plugin_file(std::filesystem::absolute(text).string(), TrustRules::of_this_process());
    }
    const auto catalog = session.catalog();
    for (const auto& file : catalog.files()) {
        if (file.name() == text) return file;
    }
    return catalog.find(text);  // throws with the nearest name and where was looked
}

}  // namespace

int perform(Session& session, const PluginListCommand&) {
    const auto catalog = session.catalog();
    const auto& out = session.out();
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(catalog.files().size());
        for (const auto& file : catalog.files()) {
            all.push_back(json_of(file, Detail::summary));
        }
        out.list(all);
    } else if (out.format() == OutputFormat::name) {
        std::string names;
        for (const auto& file : catalog.files()) {
            if (file.usable()) names += file.name() + "\n";
        }
        out.text(names);
    } else {
        Table table({"PLUGIN", "VERSION", "STATE", "METHODS", "FILE", "WHY"});
        for (const auto& file : catalog.files()) {
            table.add({file.name(), file.manifest ? file.manifest->version : std::string(),
                       Cell(file.usable() ? "usable" : "refused", file.usable() ? Tone::good : Tone::bad),
                       file.manifest ? method_count(*file.manifest) : std::string(), file.path,
                       file.error ? std::string(file.error->what()) : std::string()});
        }
        out.text(table.text(out.colour()));
    }
    for (const auto& problem : catalog.problems()) {
        out.warning(problem);
    }
    return exit_ok;
}

int perform(Session& session, const PluginInspectCommand& command) {
    const auto file = file_named(session, command.plugin);
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(file, Detail::full));
    } else {
        out.text(out.format() == OutputFormat::name ? file.name() + "\n" : sheet_of(file, out.colour()));
    }
    return file.usable() ? exit_ok : exit_failure;
}

}  // namespace berth::inline host_v1::cli

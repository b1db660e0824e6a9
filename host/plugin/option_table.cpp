// The options of a plugin as a Markdown table, for its README and for `berth plugin inspect`.
#include <algorithm>

#include "../base/text.hpp"
#include "config_schema.hpp"
#include "schema_walk.hpp"

namespace berth::inline host_v1 {

namespace {

/// Fit for a cell: one line, no cell border, nothing that drives a terminal.
std::string cell(std::string_view text) {
    std::string safe;
    for (const char character : printable(text)) {
        if (character == '|') safe += '\\';
        safe += character;
    }
    return safe;
}

std::string code(std::string_view text) {
    return text.empty() ? std::string() : "`" + cell(text) + "`";
}

/// "templates.*.path" reads better as "templates.NAME.path" than as a wildcard in a file that has none.
std::string shown_name(const std::string& pointer) {
    auto name = option_name(pointer);
    for (auto star = name.find('*'); star != std::string::npos; star = name.find('*', star))
        name.replace(star, 1, "NAME");
    return name;
}

std::string default_cell(const SchemaOption& option) {
    if (option.required) return "required";
    return option.default_text ? code(*option.default_text) : std::string();
}

std::string description_cell(const SchemaOption& option) {
    std::string text = cell(option.description);
    const auto add = [&text](const std::string& part) {
        if (!text.empty() && text.back() != '.') text += '.';
        text += (text.empty() ? "" : " ") + part;
    };
    if (!option.allowed.empty()) add("Allowed: " + cell(option.allowed) + ".");
    if (option.secret) add("A secret: give it as `${env:NAME}` or `${file:PATH}`.");
    return text;
}

std::string variables_cell(const SchemaOption& option) {
    std::string text;
    for (const auto& variable : option.variables)
        text += (text.empty() ? "" : ", ") + code(variable);
    std::string options;
    for (const auto& beside : option.variables_unless)
        options += (options.empty() ? " unless " : " or ") + code(beside);
    return options.empty() ? text : text + options + " is given";
}

}  // namespace

std::string option_table(const ConfigSchema& schema) {
    const auto options = schema.options();
    if (options.empty()) return "This plugin has no options.\n";
    std::string table = "| option | type | default | environment | meaning |\n|---|---|---|---|---|\n";
    for (const auto& option : options) {
        table += "| " + code(shown_name(option.pointer)) + " | " + cell(option.type) + " | " + default_cell(option) +
                 " | " + variables_cell(option) + " | " + description_cell(option) + " |\n";
    }
    return table;
}

}  // namespace berth::inline host_v1

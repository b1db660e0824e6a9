#include "config_schema.hpp"

#include <algorithm>

#include "schema_subset.hpp"
#include "schema_walk.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

std::string plain_type_text(const json& schema) {
    std::string text;
    for (const auto& type : types_of(schema)) {
        if (!text.empty()) text += " or ";
        text += type == "object" ? "map" : type == "array" ? "list" : type;
    }
    return text.empty() ? "any" : text;
}

/// "list of string", "map of map of integer": the plain type and what is in it.
std::string type_text(const json& schema) {
    auto text = plain_type_text(schema);
    if (schema.contains("items")) return text + " of " + type_text(schema["items"]);
    const auto others = schema.find("additionalProperties");
    if (others != schema.end() && others->is_object()) return text + " of " + type_text(*others);
    return text;
}

std::string bounds_text(const json& schema, const char* least, const char* most, std::string_view unit) {
    const bool low = schema.contains(least);
    const bool high = schema.contains(most);
    if (!low && !high) return {};
    std::string text;
    if (low && high) {
        text = schema[least].dump() + " to " + schema[most].dump();
    } else {
        text = low ? "at least " + schema[least].dump() : "at most " + schema[most].dump();
    }
    return unit.empty() ? text : text + " " + std::string(unit);
}

std::string allowed_text(const json& schema) {
    std::string text;
    const auto add = [&text](const std::string& part) {
        if (part.empty()) return;
        if (!text.empty()) text += ", ";
        text += part;
    };
    if (schema.contains("const")) add("only " + value_text(schema["const"]));
    if (schema.contains("enum")) {
        std::string choices;
        for (const auto& choice : schema["enum"])
            choices += (choices.empty() ? "one of " : ", ") + value_text(choice);
        add(choices);
    }
    add(bounds_text(schema, "minimum", "maximum", ""));
    add(bounds_text(schema, "minLength", "maxLength", "characters"));
    add(bounds_text(schema, "minItems", "maxItems", "items"));
    return text;
}

bool is_required(const json& map, const std::string& name) {
    const auto required = map.find("required");
    return required != map.end() && std::find(required->begin(), required->end(), name) != required->end();
}

SchemaOption option_of(const json& schema, std::string pointer, bool required) {
    SchemaOption option;
    option.pointer = std::move(pointer);
    option.type = type_text(schema);
    option.allowed = allowed_text(schema);
    if (schema.contains("default")) option.default_text = value_text(schema["default"]);
    option.required = required;
    option.secret = schema.value("writeOnly", false);
    if (schema.contains("x-env")) option.variables = schema["x-env"].get<std::vector<std::string>>();
    if (schema.contains("x-env-unless"))
        option.variables_unless = schema["x-env-unless"].get<std::vector<std::string>>();
    option.description = schema.value("description", "");
    return option;
}

/// Calls `visit(schema, pointer, required)` for everything below a schema, parents first.
template <typename Visit>
void each_below(const json& schema, const std::string& pointer, const Visit& visit) {
    const auto visit_one = [&](const json& below, const std::string& place, bool required) {
        visit(below, place, required);
        each_below(below, place, visit);
    };
    if (const auto properties = schema.find("properties"); properties != schema.end()) {
        for (const auto& [name, below] : properties->items())
            visit_one(below, pointer_below(pointer, name), is_required(schema, name));
    }
    const auto others = schema.find("additionalProperties");
    if (others != schema.end() && others->is_object()) visit_one(*others, pointer_below(pointer, "*"), false);
    if (schema.contains("items")) visit_one(schema["items"], pointer_below(pointer, "*"), false);
}

SettingType setting_type(const json& schema) {
    for (const auto& type : types_of(schema)) {
        if (type == "string") return SettingType::text;
        if (type == "integer") return SettingType::integer;
        if (type == "number") return SettingType::number;
        if (type == "boolean") return SettingType::boolean;
    }
    return SettingType::any;
}

}  // namespace

// Each manifest without a configuration has this one. It is nobody's, so that threads do not count its owners in turns.
ConfigSchema::ConfigSchema() {
    static const nlohmann::json no_options{{"type", "object"}, {"additionalProperties", false}};
    schema_ = std::shared_ptr<const nlohmann::json>(std::shared_ptr<void>(), &no_options);
}

ConfigSchema ConfigSchema::parse(const nlohmann::json& schema) {
    return ConfigSchema(accepted_schema(schema));
}

std::vector<SchemaOption> ConfigSchema::options() const {
    std::vector<SchemaOption> all;
    each_below(*schema_, "", [&](const nlohmann::json& schema, const std::string& pointer, bool required) {
        all.push_back(option_of(schema, pointer, required));
    });
    return all;
}

std::vector<SettingRule> ConfigSchema::setting_rules() const {
    std::vector<SettingRule> rules;
    each_below(*schema_, "", [&](const nlohmann::json& schema, const std::string& pointer, bool) {
        SettingRule rule;
        rule.pointer = pointer;
        rule.secrecy = schema.value("writeOnly", false) ? Secrecy::secret : Secrecy::plain;
        rule.type = setting_type(schema);
        if (schema.contains("x-env")) rule.variables = schema["x-env"].get<std::vector<std::string>>();
        if (schema.contains("x-env-unless"))
            rule.variables_unless = schema["x-env-unless"].get<std::vector<std::string>>();
        if (schema.contains("default")) rule.fallback = schema["default"];
        rules.push_back(std::move(rule));
    });
    return rules;
}

}  // namespace berth::inline host_v1

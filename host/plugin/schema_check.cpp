#include "schema_check.hpp"

#include <algorithm>
#include <utility>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "schema_walk.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

Error problem_at(const std::string& pointer, const CheckInput& input, std::string message, std::string hint) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    if (input.place) fields.location = input.place(pointer);
    fields.details.emplace_back("pointer", pointer);
    return {plugin_diagnostics::configuration_refused, std::move(fields)};
}

Error error_of(const SchemaProblem& problem, const CheckInput& input) {
    auto message = quoted(option_name(problem.pointer)) + ": expected " + problem.expected + ", found " + problem.found;
    auto hint =
        problem.hint.empty() ? "See the options with `berth plugin inspect`" : "Did you mean " + problem.hint + "?";
    return problem_at(problem.pointer, input, std::move(message), std::move(hint));
}

/// A text that fits a schema's rules: the stand-in for a secret nobody has read yet.
json sample_text(const json& schema) {
    if (schema.contains("const")) return schema["const"];
    if (schema.contains("enum")) {
        const auto& choices = schema["enum"];
        return *std::find_if(choices.begin(), choices.end(), [](const json& choice) { return choice.is_string(); });
    }
    return std::string(schema.value("minLength", std::size_t{0}), 'x');
}

const json* schema_below(const json& schema, const json& value, const std::string& step) {
    if (value.is_array()) return schema.contains("items") ? &schema["items"] : nullptr;
    if (schema.contains("properties") && schema["properties"].contains(step)) return &schema["properties"][step];
    return schema.contains("additionalProperties") ? &schema["additionalProperties"] : nullptr;
}

/// Puts stand-ins where secrets are. Called only for values that walk_schema has found to fit.
void replace_secrets(json& value, const json& schema, const std::string& pointer, const SecretPointers& secrets) {
    if (!schema.is_object()) return;
    if (secrets.contains(pointer)) {
        value = sample_text(schema);
        return;
    }
    if (!value.is_structured()) return;
    for (auto item = value.begin(); item != value.end(); ++item) {
        const auto step = value.is_object() ? item.key() : std::to_string(item - value.begin());
        const auto* below = schema_below(schema, value, step);
        if (below != nullptr) replace_secrets(*item, *below, pointer_below(pointer, step), secrets);
    }
}

/// "<root>", "[\"git\"]", "[0]" of valijson as a JSON pointer.
std::string pointer_of(const std::vector<std::string>& context) {
    std::string pointer;
    for (const auto& part : context) {
        if (part == "<root>" || part.size() < 2) continue;
        auto step = std::string_view(part).substr(1, part.size() - 2);
        if (step.size() >= 2 && step.front() == '"') step = step.substr(1, step.size() - 2);
        pointer = pointer_below(pointer, step);
    }
    return pointer;
}

/// The second opinion: valijson's, on a schema and a value that cannot harm it.
std::vector<Error> judge(const ConfigSchema& schema, const json& value, const CheckInput& input) {
    using valijson::adapters::NlohmannJsonAdapter;
    std::vector<Error> problems;
    valijson::Schema compiled;
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(NlohmannJsonAdapter(schema.json()), compiled);
    valijson::Validator validator;
    valijson::ValidationResults results;
    const NlohmannJsonAdapter target(value);
    if (validator.validate(compiled, target, &results)) return problems;
    valijson::ValidationResults::Error found;
    while (results.popError(found)) {
        const auto pointer = pointer_of(found.context);
        problems.push_back(problem_at(
            pointer, input, quoted(option_name(pointer)) + " does not fit the plugin's schema: " + found.description,
            "See the options with `berth plugin inspect`"));
    }
    return problems;
}

}  // namespace

std::vector<Error> check_configuration(const ConfigSchema& schema, const CheckInput& input) {
    std::vector<Error> problems;
    json values = input.values.is_null() ? json::object() : input.values;
    for (const auto& problem : walk_schema(schema.json(), values, input.secrets))
        problems.push_back(error_of(problem, input));
    if (!problems.empty()) return problems;
    replace_secrets(values, schema.json(), "", input.secrets);
    try {
        return judge(schema, values, input);
    } catch (const std::exception& failure) {
        throw Error(plugin_diagnostics::schema_refused,
                    std::string("the plugin's configuration schema cannot be used: ") + failure.what(),
                    "Change the schema in the plugin's manifest");
    }
}

std::vector<Error> check_settings(const ConfigSchema& schema, const ConfigTree& config, const Settings& settings) {
    CheckInput input;
    input.values = settings.with_references();
    for (const auto& [pointer, source] : settings.secrets)
        input.secrets.insert(pointer);
    input.place = [&](std::string_view pointer) { return location_of_setting(config, settings, pointer); };
    return check_configuration(schema, input);
}

}  // namespace berth::inline host_v1

// Does a configuration fit a plugin's schema? Every problem gets its place in the file, what was expected and what was
// found. The one room that uses valijson. Knows neither YAML nor plugins, and resolves no secret.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "config_schema.hpp"

namespace berth::inline host_v1 {

/// What is to be checked: one provider's settings, defaults and variables filled in (Settings::with_references()).
struct CheckInput {
    nlohmann::json values;
    /// JSON pointers of secrets. What stands there is a reference: the schema must allow text, its other rules are for
    /// the secret itself, which is read only when used.
    std::set<std::string, std::less<>> secrets;
    /// "file:line:column" of a JSON pointer, for messages; may be empty.
    std::function<std::string(std::string_view pointer)> place;
};

/// All problems, BERTH-P-26 each, in the order of the values; empty: the configuration fits. No message holds a text of
/// the configuration: it may have come from a variable.
[[nodiscard]] std::vector<Error> check_configuration(const ConfigSchema& schema, const CheckInput& input);

/// The same, from what the config floor made of a provider's `config`.
[[nodiscard]] std::vector<Error> check_settings(const ConfigSchema& schema, const ConfigTree& config,
                                                const Settings& settings);

}  // namespace berth::inline host_v1

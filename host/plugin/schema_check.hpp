// Does a configuration fit a plugin's schema? Every problem gets its place in the file, what was expected and what was
// found. The one room that uses valijson. Knows neither YAML nor plugins, and resolves no secret.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "config_schema.hpp"

namespace berth::inline host_v1 {

/// One provider's `config`, and what is known about it.
struct ConfigurationInput {
    nlohmann::json values;  ///< an object, or null for none; what stands at a reference is never looked at
    /// JSON pointers whose value is a reference (${env:..}, ${file:..}) that is resolved at each use, not now.
    std::set<std::string, std::less<>> references;
    /// "file:line:column" of a JSON pointer; of the nearest parent when the value itself is not in the file. May be
    /// empty.
    std::function<std::string(std::string_view pointer)> place;
    /// Where x-env looks.
    std::map<std::string, std::string> environment_variables;
};

/// Where a secret comes from when it is asked for.
struct SecretSource {
    std::string pointer;
    std::optional<std::string> variable;  ///< x-env stands in; absent: the reference in the configuration
};

struct CheckedConfiguration {
    nlohmann::json values;              ///< defaults and x-env filled in; no secret and no reference is in it
    std::vector<SecretSource> secrets;  ///< those that are configured, by pointer
    /// References that stand for ordinary options, by pointer: resolve them before `values` are used.
    std::vector<std::string> references;
    std::vector<Error> problems;  ///< BERTH-P-26 each; empty: the rest may be used
};

/// Never throws for what stands in the configuration: see `problems`.
[[nodiscard]] CheckedConfiguration check_configuration(const ConfigSchema& schema, const ConfigurationInput& input);

}  // namespace berth::inline host_v1

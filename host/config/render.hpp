// The configuration as it is in effect, for `berth config show`: defaults filled in, secrets masked, in a form that can
// be read again. Knows of plugins only the rules that are handed in.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "configuration.hpp"
#include "environment.hpp"
#include "settings.hpp"

namespace berth::inline host_v1 {

/// What is shown in place of a secret that somebody wrote into the file.
inline constexpr const char* masked_secret = "***";

/// A provider's config, fit to be shown: references as they are written, never what they point at; what a variable
/// would fill in as a reference to it; defaults filled in. Without `rules` (the plugin is not there) nobody knows which
/// text is secret, so all that is not a reference is masked.
[[nodiscard]] nlohmann::json shown_config(const ConfigTree& config, std::optional<std::span<const SettingRule>> rules,
                                          const EnvironmentVariables& environment);

/// The whole, in the order and the words of berth.yaml. `shown`: provider -> what shown_config() gave; one that is
/// not in there is shown as without rules.
[[nodiscard]] nlohmann::ordered_json effective_configuration(const Configuration& configuration,
                                                             const std::map<std::string, nlohmann::json>& shown);

/// Indented text with a newline at its end; control characters are escaped, so a terminal is safe.
[[nodiscard]] std::string yaml_text(const nlohmann::ordered_json& value);
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& value);

/// The JSON Schema of berth.yaml for editors (config/berth.schema.json), as built into the program.
[[nodiscard]] const std::string& configuration_schema_text();

}  // namespace berth::inline host_v1

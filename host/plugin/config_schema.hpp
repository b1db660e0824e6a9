// The configuration schema of a plugin: JSON Schema, but only a small closed part of it, because a plugin's schema is
// hostile text. Knows what options there are, their defaults, which are secret, which variables stand in for them.
// Does not judge a configuration: see schema_check.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "../config/settings.hpp"

namespace berth::inline host_v1 {

/// One option as people want to read about it.
struct SchemaOption {
    std::string pointer;  ///< JSON pointer; `*` stands for any key or index
    std::string type;     ///< "string", "integer or null", "list of string", "map of string"
    std::string allowed;  ///< "1 to 65535", "one of eu, us"; empty: everything of that type
    std::optional<std::string> default_text;
    bool required = false;                      ///< by the object it stands in
    bool secret = false;                        ///< writeOnly: must be given by reference
    std::vector<std::string> variables;         ///< x-env: read in this order when the option is not configured
    std::vector<std::string> variables_unless;  ///< x-env-unless: options that are configured instead; then none is
    std::string description;
};

/// A checked schema. Cheap to copy: copies share one JSON value, which never changes.
class ConfigSchema {
public:
    static constexpr std::size_t max_depth = 16;
    static constexpr std::size_t max_bytes = std::size_t{64} * 1024;

    /// The schema of a plugin that has no options.
    ConfigSchema();

    /// Takes what stands under "config" in a manifest. Throws Error BERTH-P-14 naming the place, what was found and
    /// what is accepted. An object without additionalProperties gets `false` there: unknown keys are refused.
    [[nodiscard]] static ConfigSchema parse(const nlohmann::json& schema);

    [[nodiscard]] const nlohmann::json& json() const noexcept { return *schema_; }

    /// Options in the order of their pointers, groups before what is in them.
    [[nodiscard]] std::vector<SchemaOption> options() const;

    /// The same for the settings floor: what is secret, which variables stand in, what the default is.
    [[nodiscard]] std::vector<SettingRule> setting_rules() const;

private:
    explicit ConfigSchema(nlohmann::json schema) : schema_(std::make_shared<const nlohmann::json>(std::move(schema))) {}
    std::shared_ptr<const nlohmann::json> schema_;  ///< never null
};

/// A Markdown table of the options, for READMEs and `plugin inspect`; the same text for the same schema.
[[nodiscard]] std::string option_table(const ConfigSchema& schema);

}  // namespace berth::inline host_v1

// From a provider's `config` as written to what its plugin is given: references resolved, schema defaults and the
// vendor's own variables filled in, secrets kept apart. Knows of the plugin's schema only the list of rules that the
// plugin floor takes from it; checking against the schema is that floor's.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "config_tree.hpp"
#include "environment.hpp"

namespace berth::inline host_v1 {

enum class Secrecy { plain, secret };

/// What text out of a variable or file becomes; `any` and `text` leave it text.
enum class SettingType { any, text, integer, number, boolean };

/// One property of a plugin's schema. Rules stand in any order.
struct SettingRule {
    /// JSON pointer below `config`, such as "/git/token". A step "*" is every member of a map and every item of a
    /// list, so "additionalProperties" and "items" of a schema have a pointer, too.
    std::string pointer;
    Secrecy secrecy = Secrecy::plain;     ///< "writeOnly": true
    SettingType type = SettingType::any;  ///< "type"
    std::vector<std::string> variables;   ///< "x-env": the first that is set and not empty stands in
    /// "x-env-unless": keys of the same map. When one of them is written down, no variable stands in.
    std::vector<std::string> variables_unless;
    std::optional<nlohmann::json> fallback;  ///< "default"; comes after the variables; not for secrets
};

/// Where a secret is read, each time it is needed. Holds no secret.
struct SecretSource {
    enum class Kind { variable, file };
    Kind kind = Kind::variable;
    std::string name;      ///< of the variable, or the absolute path
    std::string written;   ///< "${env:VERCEL_TOKEN}", for showing
    std::string location;  ///< "file:line:column", or empty when it stands in no file
};

/// What one provider runs with. Plain value; any thread may read it.
struct Settings {
    nlohmann::json values = nlohmann::json::object();  ///< everything but secrets
    std::map<std::string, SecretSource> secrets;       ///< by JSON pointer
    std::map<std::string, std::string> origins;        ///< JSON pointer -> variable, where "x-env" filled it in

    /// The values with each secret's reference text in its place: what is checked against the schema (a secret has to
    /// be there, and is a string) and what is shown to people.
    [[nodiscard]] nlohmann::json with_references() const;
};

struct SettledSettings {
    Settings settings;
    std::vector<Error> problems;  ///< each with its place; when there is one, do not use the settings
};

/// Fills in and resolves. Reads the files that plain values refer to; secrets are only looked for, not kept.
/// A value that "x-env" or a default fills in below a map that is not there does not make that map.
[[nodiscard]] SettledSettings settle(const ConfigTree& config, std::span<const SettingRule> rules,
                                     const EnvironmentVariables& environment);

/// Reads a secret now: a variable of `environment`, or the file (regular, at most 64 KiB, one newline at its end is
/// dropped). Throws Error (AUTH_FAILED) with the place when it is missing or empty; never says any of its bytes.
[[nodiscard]] std::string read_secret(const SecretSource& source, const EnvironmentVariables& environment);

/// "file:line:column" of a setting, or "environment variable NAME" where "x-env" filled it in.
[[nodiscard]] std::string location_of_setting(const ConfigTree& config, const Settings& settings,
                                              std::string_view pointer);

}  // namespace berth::inline host_v1

// Goes through a value and its schema side by side and says in words what does not fit. Works on the closed part of
// JSON Schema only (see schema_subset.hpp), so it recurses no deeper than a checked schema is. Knows no file.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::inline host_v1 {

/// One thing that does not fit. No text of the value is in it.
struct SchemaProblem {
    std::string pointer;
    std::string expected;
    std::string found;
    std::string hint;  ///< the name that was probably meant, or empty
};

/// JSON pointers at which only "text is allowed here" is asked.
using SecretPointers = std::set<std::string, std::less<>>;

[[nodiscard]] std::vector<SchemaProblem> walk_schema(const nlohmann::json& schema, const nlohmann::json& value,
                                                     const SecretPointers& secrets = {});

/// The type names of a schema: those under "type", or empty when it allows every type.
[[nodiscard]] std::vector<std::string> types_of(const nlohmann::json& schema);

/// Whether text may stand at a place with this schema.
[[nodiscard]] bool allows_text(const nlohmann::json& schema);

/// Joins a JSON pointer and one more step.
[[nodiscard]] std::string pointer_below(std::string_view pointer, std::string_view key);

/// "/git/token" as people write it: "git.token"; "" is "the configuration".
[[nodiscard]] std::string option_name(std::string_view pointer);

/// "eu" or 7, for lists of allowed values and defaults. Long texts are cut.
[[nodiscard]] std::string value_text(const nlohmann::json& value);

}  // namespace berth::inline host_v1

// The part of JSON Schema that Berth takes from a plugin, and nothing else: type, properties, required,
// additionalProperties, items, enum, const, minimum, maximum, minLength, maxLength, minItems, maxItems, default,
// description, writeOnly, x-env, x-env-unless. A schema is hostile: `$ref` can loop, `pattern` can run for hours.
#pragma once

#include <nlohmann/json.hpp>

namespace berth::inline host_v1 {

/// The schema in the form the other rooms rely on: every map says its additionalProperties, the whole is a map. Throws
/// Error BERTH-P-14 that names the place. `schema` may be of any depth the JSON parser let through.
[[nodiscard]] nlohmann::json accepted_schema(const nlohmann::json& schema);

}  // namespace berth::inline host_v1

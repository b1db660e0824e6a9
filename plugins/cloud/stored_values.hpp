// Values of the contract in the JSON that a plugin keeps in the host's state. Values are bytes, JSON is not: base64.
#pragma once

#include <berth/values.hpp>

#include "json_fields.hpp"

namespace berth_cloud {

[[nodiscard]] Json to_json(const berth::Variables& variables);
// Both throw Code::internal when what was stored is damaged.
[[nodiscard]] berth::Variables variables_in(const Json& object, const char* name);
[[nodiscard]] std::optional<std::string> bytes_in(const Json& object, const char* name);

template <class T>
void put(Json& to, const char* name, const std::optional<T>& value) {
    if (value) to[name] = *value;
}

}  // namespace berth_cloud

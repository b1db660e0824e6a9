// A value as the text of JSON. The same as dump(), whose way through long texts, byte by byte, cost more than sending them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace berth_cloud {

// Throws as dump() does for what is no UTF-8.
[[nodiscard]] std::string json_text(const nlohmann::json& value);

}  // namespace berth_cloud

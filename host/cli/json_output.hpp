// Values of the library as JSON that programs read: fixed keys, null for what is not known, bytes that are not UTF-8 as
// {"base64": "..."}. Knows neither files nor formats on the terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "../provider/values.hpp"

namespace berth::inline host_v1::cli {

/// Keys keep the order they were written in: easier for people, the same for programs.
using Json = nlohmann::ordered_json;

/// Text as a string, other bytes as {"base64": "..."}.
[[nodiscard]] Json json_of_bytes(std::string_view bytes);
[[nodiscard]] Json json_of(const Error& error);
[[nodiscard]] Json json_of(const Variables& variables);
[[nodiscard]] Json json_of(const ResourceUsage& usage);
[[nodiscard]] Json json_of(const SandboxInfo& sandbox);
[[nodiscard]] Json json_of(const SnapshotInfo& snapshot);

/// Indented, with a newline at the end; never throws for what a plugin said.
[[nodiscard]] std::string pretty(const Json& value);
/// On one line, with a newline at the end.
[[nodiscard]] std::string compact(const Json& value);

}  // namespace berth::inline host_v1::cli

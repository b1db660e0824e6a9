// What a YAML scalar without quotes means: YAML 1.2's core schema, minus what YAML 1.1 reads differently.
// Knows no key of berth.yaml.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "yaml_document.hpp"

namespace berth::inline host_v1 {

/// A scalar as JSON, or why it is refused: 0777 is octal for some readers and decimal for others, .inf is not JSON.
struct ScalarMeaning {
    nlohmann::json value;
    std::string problem;  ///< empty: none
};

/// `node` is a null, plain or quoted one. `yes`, `no`, `on` and `off` are text.
[[nodiscard]] ScalarMeaning meaning_of(const YamlNode& node);

/// For messages: "a list", "nothing", "the number 5", "the text \"ab\"" (cut after 40 bytes).
[[nodiscard]] std::string found_text(const YamlNode& node);

/// The same without the value, for places where it may be a secret: "a list", "nothing", "a number", "text".
[[nodiscard]] std::string found_kind(const YamlNode& node);

}  // namespace berth::inline host_v1

// Where in a provider's config a rule of its plugin's schema applies. Knows rules and JSON, resolves nothing.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "environment.hpp"
#include "settings.hpp"

namespace berth::inline host_v1 {

/// A value that a rule is about, or the gap in a map where it would stand. Valid until the tree around it changes.
struct SettingPlace {
    std::string pointer;
    nlohmann::json* parent = nullptr;
    std::string key;                  ///< in a map
    nlohmann::json* value = nullptr;  ///< nullptr: not there

    void set(nlohmann::json fresh);
};

/// "/a/*/c" -> "a", "*", "c", with ~1 and ~0 undone.
[[nodiscard]] std::vector<std::string> steps_of(std::string_view pointer);

/// Whether a rule's pointer, with its steps "*", fits this very pointer.
[[nodiscard]] bool fits(std::string_view rule_pointer, std::string_view pointer);

/// All values in the tree that the rule's pointer fits, and the gap when its map is there and the key is not.
[[nodiscard]] std::vector<SettingPlace> places_of(nlohmann::json& tree, std::string_view rule_pointer);

/// In an order in which a default map is there before what is filled in inside it.
[[nodiscard]] std::vector<SettingRule> parents_first(std::span<const SettingRule> rules);

/// The first of the rule's variables that is set and not empty, for the gap at this pointer. None when the config as
/// written has a key beside the gap that the variables give way to.
[[nodiscard]] std::optional<std::string> standing_in(const SettingRule& rule, const std::string& pointer,
                                                     const nlohmann::json& written,
                                                     const EnvironmentVariables& environment);

}  // namespace berth::inline host_v1

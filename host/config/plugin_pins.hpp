// The part of berth.yaml that says which content a plugin's file must have: `plugins.policy` and `plugins.pins`. Knows no
// file.
#pragma once

#include <map>
#include <string>

#include "config_tree.hpp"
#include "problems.hpp"
#include "yaml_document.hpp"

namespace berth::inline host_v1 {

/// Which plugins are used: all that are trusted, or of those only the ones with a pin.
enum class PluginPolicy { any, pinned };

struct PluginPin {
    std::string hash;  ///< "sha256:" and 64 digits
    Place place;
};

struct PluginPins {
    PluginPolicy policy = PluginPolicy::any;
    std::map<std::string, PluginPin, std::less<>> by_plugin;
};

/// Either node may be null: not written. Notes what is wrong with them.
[[nodiscard]] PluginPins read_plugin_pins(Problems& problems, const YamlNode* policy, const YamlNode* pins);

}  // namespace berth::inline host_v1

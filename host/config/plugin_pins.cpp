#include "plugin_pins.hpp"

#include <optional>
#include <utility>

#include "base/text.hpp"
#include "diagnostics.hpp"
#include "value_reader.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;

void read_pin(Problems& problems, const YamlMember& member, PluginPins& into) {
    if (!is_name(member.key)) {
        problems.add(diagnostics::bad_name, member.key_place,
                     berth::quoted(member.key) + " is not a name that a plugin can have",
                     "berth plugin ls shows the names of plugins");
        return;
    }
    const auto what = "plugins.pins." + member.key;
    auto hash = ValueReader(problems, member.value, what).text();
    if (!hash) return;
    if (!is_content_hash(*hash)) {
        problems.add(diagnostics::bad_value, member.value.place,
                     what + " is not the hash of a file: " + berth::quoted(*hash),
                     "write \"sha256:\" with 64 digits 0-9 a-f behind it, as berth plugin inspect shows it");
        return;
    }
    into.by_plugin.emplace(member.key, PluginPin{*std::move(hash), member.value.place});
}

}  // namespace

PluginPins read_plugin_pins(Problems& problems, const YamlNode* policy, const YamlNode* pins) {
    PluginPins read;
    if (policy != nullptr) {
        const auto word = ValueReader(problems, *policy, "plugins.policy").word({"any", "pinned"});
        if (word == std::size_t{1}) read.policy = PluginPolicy::pinned;
    }
    const auto* members = pins == nullptr ? nullptr : ValueReader(problems, *pins, "plugins.pins").map();
    for (std::size_t index = 0; members != nullptr && index < members->size(); ++index)
        read_pin(problems, (*members)[index], read);
    return read;
}

}  // namespace berth::inline host_v1

#include "pins.hpp"

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

Pins::Pins(const Configuration& configuration)
    : policy_(configuration.plugin_pins.policy), source_(configuration.source()) {
    for (const auto& [plugin, pin] : configuration.plugin_pins.by_plugin)
        pins_.emplace(plugin, Pin{pin.hash, configuration.location(pin.place)});
}

std::optional<std::string> Pins::of(std::string_view plugin) const {
    const auto pin = pins_.find(plugin);
    return pin == pins_.end() ? std::nullopt : std::optional(pin->second.hash);
}

std::optional<Error> Pins::refusal_without_pin(std::string_view plugin) const {
    if (policy_ == PluginPolicy::any || of(plugin)) return std::nullopt;
    return Error(plugin_diagnostics::not_pinned,
                 "the plugin " + quoted(plugin) + " has no pin, and plugins.policy is pinned",
                 "If you trust this file, write its hash under plugins.pins in " + printable(source_) +
                     "; berth plugin inspect shows it");
}

std::optional<Error> Pins::refusal(std::string_view plugin, const std::string& hash) const {
    const auto pin = pins_.find(plugin);
    if (pin == pins_.end() || pin->second.hash == hash) return std::nullopt;
    return Error(plugin_diagnostics::other_content,
                 "the plugin " + quoted(plugin) + " is pinned to " + pin->second.hash + ", the file holds " + hash,
                 "If this file is the one you want, write its hash at " + printable(pin->second.place));
}

}  // namespace berth::inline host_v1

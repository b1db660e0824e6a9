// Whether a plugin's file holds what the configuration says it has to. Knows hashes, and opens no file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "../config/configuration.hpp"

namespace berth::inline host_v1 {

/// Immutable value; any thread.
class Pins {
public:
    /// None, and none is asked for.
    Pins() = default;
    explicit Pins(const Configuration& configuration);

    /// The hash that a plugin of that name has to have, or nothing.
    [[nodiscard]] std::optional<std::string> of(std::string_view plugin) const;
    /// Why a plugin without a pin must not be used, or nothing: BERTH-P-29, without location.
    [[nodiscard]] std::optional<Error> refusal_without_pin(std::string_view plugin) const;
    /// Why a file of a plugin with a pin must not be used, or nothing: BERTH-P-28, without location.
    [[nodiscard]] std::optional<Error> refusal(std::string_view plugin, const std::string& hash) const;

private:
    struct Pin {
        std::string hash;
        std::string place;  ///< "file:line:column"
    };
    PluginPolicy policy_ = PluginPolicy::any;
    std::string source_;  ///< of the configuration
    std::map<std::string, Pin, std::less<>> pins_;
};

}  // namespace berth::inline host_v1

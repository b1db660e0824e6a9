// What a plugin says about itself: JSON text in, checked and typed out. Knows no file and no library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "config_schema.hpp"

namespace berth::inline host_v1 {

struct Manifest {
    std::string name;     ///< [a-z][a-z0-9_-]{0,31}
    std::string version;  ///< of the plugin, not of the contract
    std::string description;
    std::string homepage;
    std::string license;
    std::uint32_t contract = 1;         ///< major version
    std::vector<std::string> features;  ///< the most it can offer; `describe` may withdraw some
    /// Methods in the order of the method table, then method names this host does not know (a newer minor version of
    /// the contract), then extension ids.
    std::vector<std::string> provides;
    ConfigSchema config;

    [[nodiscard]] bool provides_name(std::string_view method_or_extension) const noexcept;
    [[nodiscard]] bool has_feature(std::string_view feature) const noexcept;
};

struct ReadManifest {
    Manifest manifest;
    std::vector<Error> warnings;  ///< BERTH-P-16, BERTH-P-17
};

/// `provides_note` is the text of the second note, where there is one. Throws Error: BERTH-P-12 to BERTH-P-15,
/// BERTH-P-24 when it does not provide a required method; without location.
[[nodiscard]] ReadManifest parse_manifest(std::string_view text, const std::optional<std::string>& provides_note);

}  // namespace berth::inline host_v1

// The provider's configuration, checked: the original's names are mapped, and what has no meaning here is refused.
#pragma once

#include <berth/host.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace berth_daytona {

// What a sandbox starts from: a snapshot of Daytona's, or a container image that it builds one of.
struct Origin {
    std::optional<std::string> snapshot;
    std::optional<std::string> image;
};

// Whole units, as Daytona has them; only for sandboxes from an image.
struct Size {
    std::optional<std::int64_t> cpus;
    std::optional<std::int64_t> memory_gib;
    std::optional<std::int64_t> disk_gib;
    [[nodiscard]] bool is_given() const { return cpus || memory_gib || disk_gib; }
};

struct Settings {
    std::string provider;
    std::string api_url;
    std::optional<std::string> organization;
    std::optional<std::string> target;
    Origin origin;
    Size size;
    std::map<std::string, std::string> templates;
    std::int64_t auto_stop_minutes = 0;
};

[[nodiscard]] Settings read_settings(const berth::Host& host, const berth::Settings& from);

// Something with a colon or slash is an image, all else a snapshot's name.
[[nodiscard]] Origin origin_of(const std::string& text);
// What a template stands for: as it is mapped, else itself.
[[nodiscard]] Origin origin_of_template(const Settings& settings, const std::string& name);

}  // namespace berth_daytona

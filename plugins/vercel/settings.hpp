// The provider's configuration, checked: the original's names are mapped, and what has no meaning here is refused.
#pragma once

#include <berth/host.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth_vercel {

// What a sandbox starts from: at most one of the three; none is Vercel's default image.
struct Origin {
    std::optional<std::string> runtime;
    std::optional<std::string> image;
    std::optional<std::string> snapshot;
};

struct Settings {
    std::string provider;
    std::string api_url;
    std::optional<std::string> team;
    std::optional<std::string> project;
    Origin origin;
    std::map<std::string, std::string> templates;
    std::optional<std::string> region;
    std::optional<std::int64_t> vcpus;
    std::optional<std::int64_t> session_ms;
    bool persistent = true;
    std::int64_t snapshot_expiration_ms = 0;
    std::vector<std::int64_t> ports;
};

[[nodiscard]] Settings read_settings(const berth::Host& host, const berth::Settings& from);

// "node22" is a runtime, "snap_..." a snapshot, anything with a slash or colon an image.
[[nodiscard]] Origin origin_of(const std::string& text);

// What a template stands for. Throws berth::Error (template_not_found) that lists what exists.
[[nodiscard]] Origin origin_of_template(const Settings& settings, const std::string& name);

// Vercel sells 2,048 MiB with each CPU, and CPUs by one or in pairs.
[[nodiscard]] std::int64_t vcpus_for_memory(std::int64_t mib);

}  // namespace berth_vercel

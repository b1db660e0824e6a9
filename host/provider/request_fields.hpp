// Which field of a request belongs to which feature: the one table from which the host refuses, before a plugin is
// entered, what the plugin could only ignore (rule V4). Knows no provider.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "values.hpp"

namespace berth::inline host_v1 {

/// One field that restricts or promises. A limit of 0 means "none" and needs no feature.
template <typename Request>
struct FieldFeature {
    std::string_view member;   ///< of the contract's struct
    std::string_view field;    ///< as people write it
    std::string_view feature;  ///< of the feature table (plugin/method_table.hpp)
    bool (*given)(const Request&);
};

namespace request_fields_detail {

template <typename Number>
constexpr bool limits(const std::optional<Number>& limit) {
    return limit && *limit != Number{};
}

template <NetworkMode mode>
constexpr bool network_is(const SandboxConfig& config) {
    return config.network == mode;
}

using S = const SandboxConfig&;
using P = const ProcessConfig&;

}  // namespace request_fields_detail

inline constexpr std::array<FieldFeature<SandboxConfig>, 12> sandbox_features = [] {
    using namespace request_fields_detail;
    return std::array<FieldFeature<SandboxConfig>, 12>{{
        {"flags", "persistent", "persistent", [](S config) { return config.persistent; }},
        {"environment", "memory_limit", "memory_limit",
         [](S config) { return limits(config.environment.memory_limit_mib); }},
        {"environment", "cpu_limit", "cpu_limit", [](S config) { return limits(config.environment.cpu_limit); }},
        {"template_name", "template", "template", [](S config) { return config.template_name.has_value(); }},
        {"ttl_ms", "ttl", "ttl", [](S config) { return limits(config.ttl); }},
        {"idle_ttl_ms", "idle_ttl", "idle_ttl", [](S config) { return limits(config.idle_ttl); }},
        {"disk_limit_mib", "disk_limit", "disk_limit", [](S config) { return limits(config.disk_limit_mib); }},
        {"pids_limit", "pids_limit", "pids_limit", [](S config) { return limits(config.pids_limit); }},
        {"network", "network", "network_none", network_is<NetworkMode::none>},
        {"network", "network", "network_host", network_is<NetworkMode::host>},
        {"network", "network", "network_outbound", network_is<NetworkMode::outbound>},
        {"network", "network", "network_allow_list", network_is<NetworkMode::allow_list>},
    }};
}();

inline constexpr std::array<FieldFeature<ProcessConfig>, 4> process_features = [] {
    using namespace request_fields_detail;
    return std::array<FieldFeature<ProcessConfig>, 4>{{
        {"flags", "interactive", "stdin", [](P process) { return process.interactive; }},
        {"flags", "tty", "tty", [](P process) { return process.terminal.has_value(); }},
        {"environment", "memory_limit", "process_limits",
         [](P process) { return limits(process.environment.memory_limit_mib); }},
        {"environment", "cpu_limit", "process_limits", [](P process) { return limits(process.environment.cpu_limit); }},
    }};
}();

/// What a request cannot do without, in the order of the tables. Empty network_allow with `allow_list` allows nothing
/// and still needs its feature.
struct NeededFeature {
    std::string_view field;
    std::string_view feature;
};
[[nodiscard]] std::vector<NeededFeature> needed_features(const SandboxConfig& config);
[[nodiscard]] std::vector<NeededFeature> needed_features(const ProcessConfig& process);

}  // namespace berth::inline host_v1

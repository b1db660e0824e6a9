// What berth.yaml says, typed: pure data, filled with defaults. Knows neither YAML nor plugins; whoever embeds Berth
// may build one by hand. docs/configuration.md explains every key to people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/duration.hpp"
#include "config_tree.hpp"
#include "plugin_pins.hpp"

namespace berth::inline host_v1 {

using Labels = std::map<std::string, std::string>;

/// Where a provider's plugin lives. `automatic`: in this process when it came with the install, else in a worker.
enum class RunMode { automatic, in_process, worker };

/// What a worker may use.
struct WorkerConfiguration {
    std::optional<std::uint64_t> memory_bytes = std::uint64_t{512} << 20U;  ///< absent: no limit
    std::optional<std::uint32_t> cpus;                                      ///< absent: all
};

/// What happens to a memory or cpu limit that a provider cannot enforce; never anything else than these two limits.
enum class OnUnsupported { refuse, warn };

/// Whether a call on a stopped sandbox starts it first.
enum class Autostart { off, on };

/// Whether `restart` may be used on a provider that loses the files over it.
enum class RestartLoss { refuse, allow };

/// A method or feature that must be there. The name is not checked here: only who knows the plugins can.
struct Requirement {
    std::string name;
    Place place;
};

struct ProviderConfiguration {
    std::string name;
    std::string plugin;
    Place place;         ///< of the name
    Place plugin_place;  ///< of the plugin's name
    RunMode run = RunMode::automatic;
    WorkerConfiguration worker;
    std::vector<Requirement> requires_;  ///< in the order of the file
    Labels labels;
    std::uint32_t max_concurrency = 16;  ///< short calls at once
    std::uint32_t max_streams = 256;     ///< open streams at once
    /// Method (such as "create") -> its deadline; an empty value: none. What is not in here has the method's default.
    std::map<std::string, std::optional<Milliseconds>> deadlines;
    RestartLoss restart_loss = RestartLoss::refuse;
    ConfigTree config;
};

/// Limits that stop an archive bomb while files are downloaded.
struct DownloadLimits {
    std::uint64_t max_files = 1'000'000;
    std::uint64_t max_bytes = std::uint64_t{100} << 30U;
};

struct Defaults {
    std::optional<Milliseconds> timeout;  ///< of each process; absent: none
    Labels labels;                        ///< of each new sandbox; a provider's and a request's own win
    Milliseconds kill_grace{2000};        ///< from TERM to KILL
    Milliseconds drain_grace{200};        ///< how long to read on after the main process ended
    std::uint64_t max_output_bytes = std::uint64_t{16} << 20U;
    Autostart autostart = Autostart::off;
    OnUnsupported on_unsupported = OnUnsupported::refuse;
    DownloadLimits download;
};

/// How requests to backends leave the host.
struct HttpConfiguration {
    /// "http://proxy.example.org:3128"; empty: straight. Absent: what the environment says.
    std::optional<std::string> proxy;
    std::vector<std::string> no_proxy;             ///< hosts and domains that `proxy` is not for
    std::optional<std::filesystem::path> ca_file;  ///< absolute; absent: SSL_CERT_FILE, else the system's
    Milliseconds connect_timeout{10'000};
};

/// The whole. Plain value; any thread may read it.
struct Configuration {
    std::optional<std::filesystem::path> file;        ///< absent: built-in defaults
    std::vector<std::filesystem::path> plugin_paths;  ///< absolute, in the order of the file
    PluginPins plugin_pins;
    std::vector<ProviderConfiguration> providers;     ///< in the order of the file, at least one
    /// `select.default`; the only provider when there is just one; else absent, and a request has to name one.
    std::optional<std::string> default_provider;
    Place default_place;
    Defaults defaults;
    HttpConfiguration http;

    /// "/etc/berth/berth.yaml" or "the built-in defaults".
    [[nodiscard]] std::string source() const;
    /// "file:line:column" for errors; just source() when the place is not known.
    [[nodiscard]] std::string location(Place place) const;
    /// The provider of that name, or nullptr. Valid as long as this is.
    [[nodiscard]] const ProviderConfiguration* find(std::string_view name) const noexcept;
};

/// With no file at all: the provider `local` with the plugin `local`.
[[nodiscard]] Configuration built_in_configuration();

}  // namespace berth::inline host_v1

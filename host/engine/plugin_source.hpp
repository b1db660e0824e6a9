// Providers out of plugin files: finds the file, settles and checks the configuration, loads it when first needed.
// Knows no call of a running provider.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "../config/environment.hpp"
#include "../config/settings.hpp"
#include "../plugin/catalog.hpp"
#include "../service/http_access.hpp"
#include "../service/log.hpp"
#include "../service/service_places.hpp"
#include "plugin_memory.hpp"
#include "provider_source.hpp"

namespace berth::inline host_v1 {

/// Where this program or library keeps its own plugins, such as /usr/lib/berth/plugins; empty when there is nothing.
[[nodiscard]] std::string installed_plugin_directory();

class PluginSource final : public ProviderSource {
public:
    /// Reads the catalog; loads nothing.
    /// `worker_program`: berth-worker; empty: where the install has it.
    PluginSource(SearchInput search, EnvironmentVariables environment, std::shared_ptr<Log> log, ServicePlaces places,
                 HttpConfiguration http, Pins pins = {}, std::string worker_program = {});

    [[nodiscard]] std::shared_ptr<FoundProvider> find(const ProviderConfiguration& provider) override;
    /// Reads the plugin directories again.
    void refresh() override;

private:
    /// What every provider of this source is made with; lives as long as one of them.
    struct Common {
        std::string install_directory;
        std::string worker_program;
        TrustRules rules;
        EnvironmentVariables environment;
        std::shared_ptr<Log> log;
        ServicePlaces places;
        std::shared_ptr<HttpAccess> http;  ///< lives until the last provider that it made has closed
        std::shared_ptr<PluginMemory> memory;
    };
    class Found;

    void read_catalog();

    const SearchInput search_;
    const Pins pins_;
    const std::shared_ptr<const Common> common_;
    std::mutex mutex_;  ///< guards what follows
    std::shared_ptr<const Catalog> catalog_;
};

}  // namespace berth::inline host_v1

// Providers out of plugin files: finds the file, settles and checks the configuration, loads it when first needed.
// Knows no call of a running provider.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../config/environment.hpp"
#include "../config/settings.hpp"
#include "../plugin/catalog.hpp"
#include "../service/http_access.hpp"
#include "../service/log.hpp"
#include "../service/service_places.hpp"
#include "provider_source.hpp"

namespace berth::inline host_v1 {

/// Where this program or library keeps its own plugins, such as /usr/lib/berth/plugins; empty when there is nothing.
[[nodiscard]] std::string installed_plugin_directory();

class PluginSource final : public ProviderSource {
public:
    /// Reads the catalog; loads nothing.
    /// `worker_program`: berth-worker; empty: where the install has it.
    PluginSource(const SearchInput& search, EnvironmentVariables environment, std::shared_ptr<Log> log,
                 ServicePlaces places, HttpConfiguration http, const Pins& pins = {}, std::string worker_program = {});

    [[nodiscard]] ProviderFacts inspect(const ProviderConfiguration& provider) override;
    [[nodiscard]] std::unique_ptr<Provider> open(const ProviderConfiguration& provider, Call& call) override;

private:
    [[nodiscard]] bool runs_in_worker(const ProviderConfiguration& provider, const PluginFile& file) const;

    struct Inspected {
        const PluginFile* file;
        Settings settings;
    };
    const std::string install_directory_;
    const std::string worker_program_;
    TrustRules rules_;
    Catalog catalog_;
    EnvironmentVariables environment_;
    std::shared_ptr<Log> log_;
    ServicePlaces places_;
    std::shared_ptr<HttpAccess> http_;            ///< lives until the last provider that it made has closed
    std::map<std::string, Inspected> inspected_;  ///< by provider; written by inspect() only, before calls begin
};

}  // namespace berth::inline host_v1

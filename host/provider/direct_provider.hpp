// A provider whose plugin runs in this process: C++ values in, the C table of the plugin behind, C++ values out.
// Knows no routing and no admission.
#pragma once

#include <memory>
#include <string>

#include "../config/settings.hpp"
#include "../plugin/loader.hpp"
#include "../service/http_access.hpp"
#include "../service/log.hpp"
#include "../service/service_places.hpp"
#include "provider.hpp"

namespace berth::inline host_v1 {

/// What one provider of berth.yaml runs with.
struct DirectProviderOptions {
    std::string name;                    ///< as in berth.yaml
    Settings settings;                   ///< settled and checked against the plugin's schema
    EnvironmentVariables environment;    ///< where secrets are read, each time they are asked for
    std::shared_ptr<Log> log;            ///< never null
    ServicePlaces places;                ///< of the services that have modules and data
    std::shared_ptr<HttpAccess> http{};  ///< shared with the other providers of this host; null: not offered
    /// What `open` of the plugin finds in *self: where a table of the host's own stands for a plugin elsewhere, the way
    /// there. A plugin's own table finds NULL.
    void* instance = nullptr;
};

/// Opens an instance of the plugin and asks what it offers; `call` bounds both (method "open"). `plugin` must outlive
/// the provider, as what load_plugin() gives does. Throws Error with provider and operation when the plugin cannot be
/// opened; nothing is left of it then.
///
/// A program that ignores SIGPIPE by now goes on doing so: then nothing has to keep it from the plugin in each call.
///
/// The provider's destructor waits for methods that still run on other threads, then closes the instance, once.
[[nodiscard]] std::unique_ptr<Provider> open_direct_provider(Call& call, const LoadedPlugin& plugin,
                                                             DirectProviderOptions options);

}  // namespace berth::inline host_v1

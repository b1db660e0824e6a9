// Where the running providers of a Host come from. Usually plugin files (plugin_source.hpp); a test or an embedding
// program may bring its own. Public. Knows neither calls nor routing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../config/configuration.hpp"
#include "../provider/provider.hpp"

namespace berth::inline host_v1 {

/// What can be said of a provider before anything of it runs.
struct ProviderFacts {
    std::string plugin_file;  ///< empty when there is none
    std::string plugin_version;
    std::vector<std::string> methods;   ///< and ids of extensions
    std::vector<std::string> features;  ///< the most it can offer
    std::vector<std::string> warnings;
};

/// Used by one Host. Any thread.
class ProviderSource {
public:
    virtual ~ProviderSource() = default;
    /// Finds it and checks its configuration, and runs nothing of it. Throws Error when it cannot be used.
    [[nodiscard]] virtual ProviderFacts inspect(const ProviderConfiguration& provider) = 0;
    /// Opens an instance; `call` (method "open") bounds that. Called for inspected providers, one call at a time each.
    [[nodiscard]] virtual std::unique_ptr<Provider> open(const ProviderConfiguration& provider, Call& call) = 0;
};

}  // namespace berth::inline host_v1

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

/// What an instance offers at the most.
[[nodiscard]] Offer most_of(const ProviderFacts& facts);

/// A provider that was found, and whose configuration fits it; nothing of it runs yet. Any thread.
class FoundProvider {
public:
    virtual ~FoundProvider() = default;
    [[nodiscard]] virtual const ProviderFacts& facts() const noexcept = 0;
    /// Opens an instance; `call` (method "open") bounds that. One call at a time.
    [[nodiscard]] virtual std::unique_ptr<Provider> open(Call& call) = 0;
};

/// Used by one Host. Any thread.
class ProviderSource {
public:
    virtual ~ProviderSource() = default;
    /// Finds it and checks its configuration, and runs nothing of it. Throws Error when it cannot be used. `provider` lives
    /// as long as the Host.
    [[nodiscard]] virtual std::shared_ptr<FoundProvider> find(const ProviderConfiguration& provider) = 0;
    /// Looks anew at what there is: what is found from now on is found there. What was found before stays what it is.
    virtual void refresh() {}
};

}  // namespace berth::inline host_v1

#include "configuration.hpp"

#include <algorithm>

namespace berth::inline host_v1 {

std::string Configuration::source() const {
    return file ? file->string() : "the built-in defaults";
}

std::string Configuration::location(Place place) const {
    return file ? location_text(file->string(), place) : source();
}

const ProviderConfiguration* Configuration::find(std::string_view name) const noexcept {
    const auto found = std::find_if(providers.begin(), providers.end(),
                                    [name](const auto& provider) { return provider.name == name; });
    return found == providers.end() ? nullptr : &*found;
}

Configuration built_in_configuration() {
    Configuration configuration;
    ProviderConfiguration local;
    local.name = "local";
    local.plugin = "local";
    configuration.providers.push_back(std::move(local));
    configuration.default_provider = "local";
    return configuration;
}

}  // namespace berth::inline host_v1

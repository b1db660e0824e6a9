// Names: which provider one means, and what a full name consists of.
#include "router.hpp"

#include <string>
#include <utility>
#include <vector>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "host.hpp"

namespace berth::inline host_v1 {

const ProviderConfiguration& route(const Configuration& configuration, std::string_view name) {
    std::vector<std::string> known;
    for (const auto& provider : configuration.providers)
        known.push_back(provider.name);
    if (name.empty()) {
        if (!configuration.default_provider) {
            throw Error(engine_diagnostics::no_provider,
                        "no provider was named, and " + configuration.source() + " selects none",
                        "Name one of " + listed(known) + ", or set `select.default`");
        }
        name = *configuration.default_provider;
    }
    if (const auto* found = configuration.find(name)) return *found;
    const auto nearest = nearest_name(name, known);
    throw Error(engine_diagnostics::unknown_provider,
                "there is no provider " + quoted(name.substr(0, 64)) + " in " + configuration.source(),
                nearest ? "Did you mean " + *nearest + "?" : "Configured: " + listed(known));
}

SandboxName SandboxName::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto provider = text.substr(0, slash);
    const auto id = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
    if (!is_name(provider) || id.empty() || id.size() > 256 || printable(id) != id) {
        throw Error(engine_diagnostics::bad_name, quoted(text.substr(0, 300)) + " is no full name",
                    "Expected PROVIDER/ID, such as local/k3x9, as `list` shows it");
    }
    return {std::string(provider), std::string(id)};
}

}  // namespace berth::inline host_v1

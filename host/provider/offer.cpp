// Questions to an Offer.
#include <algorithm>

#include "provider.hpp"

namespace berth::inline host_v1 {

bool Offer::has_method(std::string_view name) const noexcept {
    return std::find(methods.begin(), methods.end(), name) != methods.end();
}

const FeatureState* Offer::feature(std::string_view name) const noexcept {
    const auto found = std::find_if(features.begin(), features.end(),
                                    [name](const FeatureState& state) { return state.name == name; });
    return found == features.end() ? nullptr : &*found;
}

bool Offer::has_feature(std::string_view name) const noexcept {
    const auto* const state = feature(name);
    return state != nullptr && state->offered;
}

}  // namespace berth::inline host_v1

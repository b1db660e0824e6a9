// Which features of the manifest this machine and this user cannot have, each with the reason and what would enable it.
#pragma once

#include <string>
#include <vector>

#include "sandboxes.hpp"

namespace berth_local {

struct WithdrawnFeature {
    std::string name;
    std::string reason;
};

// Looked at anew with each call: a machine may be set right while a host runs.
[[nodiscard]] std::vector<WithdrawnFeature> withdrawn_features(const Settings& settings);

}  // namespace berth_local

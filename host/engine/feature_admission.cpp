#include "feature_admission.hpp"

#include <algorithm>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

/// Why a provider does not offer a feature, in its own words where it has some.
std::string reason_of(const Offer& offer, std::string_view feature) {
    const auto* state = offer.feature(feature);
    return state == nullptr ? std::string{} : state->reason;
}

void strip(Environment& environment, std::string_view field) {
    if (field == "memory_limit") environment.memory_limit_mib.reset();
    if (field == "cpu_limit") environment.cpu_limit.reset();
}

void admit_each(const Offer& offer, OnUnsupported policy, std::span<const NeededFeature> needed,
                Environment& environment, const Warn& warn) {
    for (const auto& [field, feature] : needed) {
        const auto missing = missing_feature(offer, feature, "`" + std::string(field) + "`");
        if (!missing) continue;
        const bool may_go = field == "memory_limit" || field == "cpu_limit";
        if (policy != OnUnsupported::warn || !may_go) throw *missing;
        strip(environment, field);
        warn("`" + std::string(field) + "` is left out, as on_unsupported: warn allows: " + missing->fields().message);
    }
}

/// A name nobody knows is more likely a slip of the pen than a missing ability.
std::string suggestion(const std::string& name) {
    if (find_method(name) != nullptr || find_feature(name) != nullptr) return {};
    auto known = method_names();
    const auto& extensions = extension_ids();
    const auto& features = feature_names();
    known.insert(known.end(), extensions.begin(), extensions.end());
    known.insert(known.end(), features.begin(), features.end());
    if (std::find(known.begin(), known.end(), name) != known.end()) return {};
    const auto nearest = nearest_name(name, known);
    return nearest ? "did you mean " + *nearest + "?" : "no method, extension or feature has this name";
}

}  // namespace

std::optional<Error> missing_feature(const Offer& offer, std::string_view feature, std::string_view wanted_for) {
    if (offer.has_feature(feature)) return std::nullopt;
    auto reason = reason_of(offer, feature);
    auto message =
        std::string(wanted_for) + " needs the feature " + std::string(feature) + ", which this provider does not offer";
    if (!reason.empty()) message += " here: " + reason;
    return Error(engine_diagnostics::feature_missing, std::move(message),
                 "Leave it out, or choose a provider that offers it: `berth provider ls`");
}

void admit_method(const Offer& offer, Method method) {
    const auto& row = row_of(method);
    if (offer.has_method(row.extension.empty() ? row.name : row.extension)) return;
    throw Error(engine_diagnostics::method_missing,
                "this provider does not have " + std::string(row.name) +
                    (row.extension.empty() ? "" : " (" + std::string(row.extension) + ")"),
                "Choose a provider that has it: `berth provider ls`");
}

void admit_features(const Offer& offer, OnUnsupported policy, SandboxConfig& config, const Warn& warn) {
    admit_each(offer, policy, needed_features(config), config.environment, warn);
}

void admit_features(const Offer& offer, OnUnsupported policy, ProcessConfig& process, const Warn& warn) {
    admit_each(offer, policy, needed_features(process), process.environment, warn);
}

std::vector<std::string> unmet(const Offer& offer, std::span<const std::string> required) {
    std::vector<std::string> missing;
    for (const auto& name : required) {
        const auto* row = find_method(name);
        const std::string method{row != nullptr && !row->extension.empty() ? row->extension : std::string_view(name)};
        if (offer.has_method(method) || offer.has_feature(name)) continue;
        auto reason = reason_of(offer, name);
        if (reason.empty()) reason = suggestion(name);
        missing.push_back(reason.empty() ? name : name + " (" + reason + ")");
    }
    return missing;
}

void admit_requirements(const Offer& offer, std::span<const std::string> required) {
    const auto missing = unmet(offer, required);
    if (missing.empty()) return;
    throw Error(engine_diagnostics::request_unmet, "this provider lacks what is required: " + listed(missing),
                "Choose another provider, or require less");
}

}  // namespace berth::inline host_v1

// Which features and methods a request needs, and whether a provider offers them. A field that restricts or promises
// something is never handed to a provider that cannot honour it. Knows no form of fields: see admission.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../config/configuration.hpp"
#include "../plugin/method_table.hpp"
#include "../provider/provider.hpp"
#include "../provider/request_fields.hpp"

namespace berth::inline host_v1 {

/// BERTH-E-08 for a feature that is not offered, with the provider's own reason; absent when it is.
[[nodiscard]] std::optional<Error> missing_feature(const Offer& offer, std::string_view feature,
                                                   std::string_view wanted_for);

/// Throws BERTH-E-07 when the method is not there: the plugin is not entered.
void admit_method(const Offer& offer, Method method);

/// Throws BERTH-E-08 for the first field whose feature is missing. With on_unsupported: warn, `memory_limit` and
/// `cpu_limit` (never anything else) are taken out instead, and `warn` hears a sentence about each.
using Warn = std::function<void(const std::string& sentence)>;
void admit_features(const Offer& offer, OnUnsupported policy, SandboxConfig& config, const Warn& warn);
void admit_features(const Offer& offer, OnUnsupported policy, ProcessConfig& process, const Warn& warn);

/// Names of methods, extensions and features; those that are not offered, each with the reason where there is one.
[[nodiscard]] std::vector<std::string> unmet(const Offer& offer, std::span<const std::string> required);
/// Throws BERTH-E-09 naming all that is missing.
void admit_requirements(const Offer& offer, std::span<const std::string> required);

}  // namespace berth::inline host_v1

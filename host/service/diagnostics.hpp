// The numbered failures of the services that the host offers to plugins.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include <array>

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::service_diagnostics {

/// The plugin asked for a service that this host does not have.
inline constexpr Diagnostic no_such_service{"BERTH-S-01", Code::unsupported};
/// A plugin called a service in a way the contract forbids.
inline constexpr Diagnostic misused_service{"BERTH-S-02", Code::protocol_error};
/// A plugin did not take the secret it asked for.
inline constexpr Diagnostic secret_not_taken{"BERTH-S-03", Code::internal};

inline constexpr std::array all{no_such_service, misused_service, secret_not_taken};

}  // namespace berth::inline host_v1::service_diagnostics

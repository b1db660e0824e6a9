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
/// A plugin did not take the secret or the stored value it asked for.
inline constexpr Diagnostic not_taken{"BERTH-S-03", Code::internal};

/// What the state service keeps cannot be read or written; the error's own code says in which way.
inline constexpr Diagnostic state_unusable{"BERTH-S-04", Code::internal};
/// A key or value is larger than the state service takes.
inline constexpr Diagnostic state_too_large{"BERTH-S-05", Code::resource_exhausted};
/// Somebody else stored another revision meanwhile.
inline constexpr Diagnostic state_conflict{"BERTH-S-06", Code::conflict};

inline constexpr std::array all{no_such_service, misused_service, not_taken,
                                state_unusable,  state_too_large, state_conflict};

}  // namespace berth::inline host_v1::service_diagnostics

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

/// No connection to a backend came about; nothing was sent.
inline constexpr Diagnostic backend_unreachable{"BERTH-S-07", Code::unavailable};
/// Whoever answered in a backend's place could not prove who it is; nothing was sent.
inline constexpr Diagnostic backend_not_trusted{"BERTH-S-08", Code::unavailable};
/// The connection to a backend ended before its answer did.
inline constexpr Diagnostic connection_broken{"BERTH-S-09", Code::unavailable};
/// Nothing came from a backend for longer than the request allows.
inline constexpr Diagnostic backend_silent{"BERTH-S-10", Code::unavailable};
/// A backend's answer is no HTTP, or more of it than anybody needs.
inline constexpr Diagnostic malformed_answer{"BERTH-S-11", Code::protocol_error};
/// Requests cannot leave at all: certificates, proxy, memory.
inline constexpr Diagnostic http_unusable{"BERTH-S-12", Code::internal};
/// A backend answered a wish for a WebSocket with something else; the error's code says which.
inline constexpr Diagnostic websocket_refused{"BERTH-S-13", Code::protocol_error};

inline constexpr std::array all{no_such_service,   misused_service, not_taken,           state_unusable,
                                state_too_large,   state_conflict,  backend_unreachable, backend_not_trusted,
                                connection_broken, backend_silent,  malformed_answer,    http_unusable,
                                websocket_refused};

}  // namespace berth::inline host_v1::service_diagnostics

// The services that the contract names and this host does not have: each function says so, typed, in the call.
#pragma once

#include <berth/plugin.h>

namespace berth::inline host_v1 {

/// Tables whose functions answer BERTH_UNSUPPORTED and record which service was asked for. Live for ever; any thread.
[[nodiscard]] const berth_state& unavailable_state() noexcept;
[[nodiscard]] const berth_http& unavailable_http() noexcept;
[[nodiscard]] const berth_websocket& unavailable_websocket() noexcept;

}  // namespace berth::inline host_v1

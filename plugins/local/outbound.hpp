// The network `outbound`: a namespace of the sandbox's own, and slirp4netns beside it, which turns what leaves it into
// ordinary connections of the host.
//
// The helper runs as the sandbox's account in the sandbox's user namespace, shut into a root of its own with no
// capability that counts on the host, and counts to the sandbox's limits: it works for nobody else. It ends by itself when
// the sandbox's first process does, because it holds a connection to it; so nothing of it can be left behind, whatever is
// killed. Nothing of the caller stays open in it. What keeps targets out of reach are routes; so no process of a sandbox
// may ever hold CAP_NET_ADMIN, CAP_NET_RAW or CAP_SYS_ADMIN over its network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caller.hpp"
#include "descriptor.hpp"
#include "process_id.hpp"

namespace berth_local {

inline constexpr std::uint32_t outbound_network = 0x0A000200;  // 10.0.2.0, slirp4netns' own choice
inline constexpr std::uint32_t outbound_mask = 0xFFFFFF00;
// The helper's alias for the host's resolver; only port 53 leads there.
inline constexpr std::string_view outbound_resolver = "nameserver 10.0.2.3\n";

// Why there can be no such network here and what enables it; empty: nothing seen. `helper`: slirp4netns' path.
[[nodiscard]] std::string outbound_obstacle(const std::string& helper);

// Gives the network to a sandbox whose first process has just come up. Returns when it works. `groups`: control groups
// to join, their cgroup.procs, open for writing. Throws UNSUPPORTED, UNAVAILABLE with the helper's reason, TIMEOUT,
// CANCELLED.
void start_outbound(const Descriptor& sandbox, const std::string& helper, const std::vector<Descriptor>& groups,
                    Caller& caller);

// The helper; absent when it is gone.
[[nodiscard]] std::optional<ProcessId> outbound_helper(const Descriptor& sandbox);

// Ends it, if there is one, and returns when it is gone.
void stop_outbound(const Descriptor& sandbox);

}  // namespace berth_local

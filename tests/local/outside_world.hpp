// A world for network tests: this process moves into a network namespace of its own that has one neighbour, "the
// outside host", at the other end of a virtual cable. Nothing of the real network is seen or touched.
//
//   host     192.0.2.1      this process; a service answers "host" on every address of it, loopback included
//   outside  192.0.2.2      answers "outside", and is the host's resolver: every name is at 192.0.2.2
//            169.254.169.254, fe80::1   where a cloud would keep its secrets; answers "outside" as well
#pragma once

#include <string>

namespace world {

inline constexpr int port = 7777;       // of the outside host, TCP and UDP
inline constexpr int host_port = 7779;  // of the host, TCP and UDP

enum class Device { as_it_is, open_to_all };

// Why it cannot be made here; empty: it can.
[[nodiscard]] std::string obstacle();

// For good, and before there is any thread. Exits with a message when something fails.
void enter(Device device);

}  // namespace world

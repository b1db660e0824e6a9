// What a sandbox's own network namespace may never reach: routes that end in it, set before anything leads out of it.
//
// Processes of the sandbox hold no capability over the namespace, so these stay. Knows nothing of sandboxes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {

struct Block {
    std::uint32_t address = 0;  // in network byte order
    std::uint8_t bits = 32;
};

// Link-local addresses, where clouds keep their metadata services, and every address that this machine has now.
[[nodiscard]] std::vector<Block> blocks_of_this_machine();

// Makes `blocks` unreachable in the namespace, and has no IPv6 on interfaces that come later. Throws.
void close_routes(const Descriptor& user_namespace, const Descriptor& network_namespace,
                  const std::vector<Block>& blocks);

}  // namespace berth_local

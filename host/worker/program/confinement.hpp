// What a worker gives up before a line of the plugin runs. Knows no plugin and no socket.
#pragma once

#include <cstdint>
#include <string>

namespace berth::inline host_v1::worker {

/// As the host wrote it on the command line.
struct Confinement {
    int host_process = 0;
    std::uint64_t memory_bytes = 0;  ///< 0: no limit
    std::uint32_t cpus = 0;          ///< 0: all
};

/// Dies with the host, gains no privileges, keeps no descriptor above `last_descriptor`, leaves no core behind, and stays
/// within its limits. Says what failed; empty: nothing did.
[[nodiscard]] std::string confine(const Confinement& confinement, int last_descriptor);

}  // namespace berth::inline host_v1::worker

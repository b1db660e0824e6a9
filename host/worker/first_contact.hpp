// A plugin that has never run here and is to run in this process: first it is loaded in a worker of its own, which tells what
// loading it does to a process, and ends. Knows neither what is remembered of it nor a provider.
#pragma once

#include <optional>

#include "../plugin/prepared_plugin.hpp"
#include "worker_connection.hpp"

namespace berth::inline host_v1 {

/// How long loading may take.
inline constexpr Milliseconds first_contact_patience{10'000};
/// What a plugin may write to while it is loaded, where the configuration does not say.
inline constexpr std::uint64_t first_contact_memory = std::uint64_t{1} << 30U;

/// How the plugin ended the process that loaded it: the plugin's own doing, whenever it is tried. Nothing: it has an entry and
/// a table as its manifest says, and loading it did nothing else. Throws Error: BERTH-W-05 when it took longer than `patience`
/// or than `call` lasts, BERTH-W-09 when somebody else ended the process, BERTH-W-10 when loading prints or starts something,
/// BERTH-W-04, BERTH-W-08, and what load_plugin() throws.
[[nodiscard]] std::optional<WorkerDeath> first_contact(Call& call, const PreparedPlugin& plugin, WorkerStarter start,
                                                       WorkerConnection::LineHandler on_line,
                                                       Milliseconds patience = first_contact_patience);

}  // namespace berth::inline host_v1

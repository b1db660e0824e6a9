// Snapshots, which at Daytona are images for new sandboxes: a restore makes a new generation of the sandbox.
#pragma once

#include "backend.hpp"

namespace berth_daytona {

[[nodiscard]] std::string create_snapshot(const Backend& backend, berth::Call& call, std::string_view id,
                                          std::string_view name);
void restore_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view snapshot);
[[nodiscard]] std::vector<berth::SnapshotInfo> list_snapshots(const Backend& backend, berth::Call& call);
void delete_snapshot(const Backend& backend, berth::Call& call, std::string_view snapshot);

}  // namespace berth_daytona

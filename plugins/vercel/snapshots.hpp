// Snapshots: taken, put back in place with the old files safe until the new ones run, listed and deleted.
#pragma once

#include "backend.hpp"

namespace berth_vercel {

[[nodiscard]] std::string create_snapshot(const Backend& backend, berth::Call& call, std::string_view id,
                                          std::string_view name);
void restore_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view snapshot);
[[nodiscard]] std::vector<berth::SnapshotInfo> list_snapshots(const Backend& backend, berth::Call& call);
void delete_snapshot(const Backend& backend, berth::Call& call, std::string_view snapshot);

}  // namespace berth_vercel

// The root of a sandbox made from a template: an overlay of the template, read-only, and of the sandbox's own upper
// directory, at `merged_place` in a mount namespace of the caller's own.
//
// Trees come as descriptors: the ids of a sandbox may have no way to their places. Knows nothing of bubblewrap.
#pragma once

#include <cstdint>

#include "id_namespace.hpp"

namespace berth_root {

inline constexpr const char* merged_place = "/tmp/root";

struct Layers {
    int lower = -1;                  // the template
    int changes = -1;                // holds `upper`, what the sandbox changed, and `work`, overlayfs' own
    std::uint32_t ids = 0;           // the first id of the sandbox
    std::uint32_t template_ids = 0;  // what the template's files begin with
};

// Enters a user namespace with the sandbox's ids and mounts its root there. Root maps the template's ids by the mount;
// to anybody else the template must already belong to the sandbox's.
void enter_merged_root(const Layers& layers);

// What bubblewrap mounts on must be directories of this root: what runs in the sandbox may have put links there.
void prepare_mount_points();

// Puts a copy of this file over one of the root's, read-only, following no link.
void cover_file(int file, const char* place);

}  // namespace berth_root

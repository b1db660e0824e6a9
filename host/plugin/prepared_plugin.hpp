// The bytes of a plugin as they were verified, held so that they stay what they are: what is handed to the system's loader,
// in this process or in a worker, however often and whatever happens to the file meanwhile. Knows no loader.
#pragma once

#include <string>

#include "../base/file_descriptor.hpp"
#include "plugin_file.hpp"

namespace berth::inline host_v1 {

struct PreparedPlugin {
    std::string path;         ///< the file, as people know it
    Manifest manifest;        ///< as it was read from these bytes
    std::string mapped_path;  ///< the private copy, or the file itself
    FileIdentity identity;    ///< of `mapped_path`; of a copy only what stays: device, inode and size
    std::string hash;         ///< "sha256:…" of a copy; empty for the file itself, which was not read whole
    FileDescriptor copy;      ///< with a shared lock, so that nobody removes the copy; empty for the file itself
};

/// Which bytes: what came with Berth lies with the files it belongs to and may be mapped where it is.
enum class Copying { unless_installed, always };

/// Opens a usable file of the catalog anew, trusts it anew, sees that it still is what was read, and takes its private copy
/// in `copies` (empty: usual_copies_directory() of this process). A pinned file is always copied. Throws Error: BERTH-P-04 to
/// BERTH-P-07, BERTH-P-27, BERTH-P-28, BERTH-P-30, or the file's own when it is not usable; with the path. Any thread.
[[nodiscard]] PreparedPlugin prepare_plugin(const PluginFile& file, const TrustRules& rules, const std::string& copies,
                                            Copying copying);

/// The same for what another process of this user has prepared: opens `mapped_path`, which must still be `identity`, and
/// reads the manifest from it. Throws Error BERTH-P-07, with `path`. Any thread.
[[nodiscard]] PreparedPlugin reopen_prepared(const std::string& path, const std::string& mapped_path,
                                             const FileIdentity& identity);

}  // namespace berth::inline host_v1

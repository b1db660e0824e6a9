// Whether a file or directory may be used as code: it, every directory above it and every link on the way belong to root
// or to the user who runs Berth, and are changed by nobody else. What is checked is the opened descriptor, and what is read
// later comes from that same descriptor.
#pragma once

#include <cstdint>
#include <string>

#include "../base/error.hpp"
#include "../base/file_descriptor.hpp"
#include "ownership.hpp"
#include "trusted_walk.hpp"

namespace berth::inline host_v1 {

/// Tells one state of a file from another: a changed or replaced file has another one.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;  ///< of the inode: unlike the other time, nobody can set it
    bool operator==(const FileIdentity&) const = default;
    /// The same file on disk, whatever it holds now.
    [[nodiscard]] bool same_file(const FileIdentity& other) const noexcept {
        return device == other.device && inode == other.inode;
    }
    [[nodiscard]] static FileIdentity of(const struct stat& status) noexcept;
};

struct TrustedDirectory {
    FileDescriptor descriptor;
    FileIdentity identity;
    std::string path;
};

struct TrustedFile {
    FileDescriptor descriptor;
    FileIdentity identity;
    uid_t owner;
};

/// Opens and checks a directory and all above it. `path` is absolute. Throws Error: BERTH-P-02 when it cannot be opened
/// (code FILE_NOT_FOUND when it is not there), BERTH-P-04, BERTH-P-05.
[[nodiscard]] TrustedDirectory open_trusted_directory(const std::string& path, const TrustRules& rules);

/// What a directory itself says about an entry, which saves a question when it says "a regular file".
enum class EntryHint { unknown, regular_file };

/// Opens and checks a file of that directory; a symbolic link is followed, and then everything on the way it leads is
/// checked as well. Opens nothing but regular files. Throws Error: BERTH-P-04, BERTH-P-05, BERTH-P-06.
[[nodiscard]] TrustedFile open_trusted_file(const TrustedDirectory& directory, const std::string& name,
                                            const TrustRules& rules, EntryHint hint = EntryHint::unknown);

/// Opens the regular file to which a walk led, trusted or not. Throws Error BERTH-P-06.
[[nodiscard]] TrustedFile open_end(const Walk& walk);

}  // namespace berth::inline host_v1

// Whether a file or directory may be used as code: owned by root or the user who runs Berth, and changed by nobody
// else. What is checked is the opened descriptor, and what is read later comes from that same descriptor.
//
// Group-writable is refused too, with two exceptions: the group of root, and a private group (its number is that of
// the owner), which distributions with umask 002 give every file of a user. Access lists show up in the group bits and
// so are refused with them. The parents of a directory are not looked at here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "../base/error.hpp"
#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

/// Whom to trust besides root.
struct TrustRules {
    uid_t self;
    /// The effective user of this process.
    [[nodiscard]] static TrustRules of_this_process() noexcept;
};

/// Tells one state of a file from another: a changed or replaced file has another one.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const FileIdentity&) const = default;
    /// The same file on disk, whatever it holds now.
    [[nodiscard]] bool same_file(const FileIdentity& other) const noexcept {
        return device == other.device && inode == other.inode;
    }
};

struct TrustedDirectory {
    FileDescriptor descriptor;
    FileIdentity identity;
    std::string path;
};

struct TrustedFile {
    FileDescriptor descriptor;
    FileIdentity identity;
};

/// Opens and checks a directory. Throws Error: BERTH-P-02 when it cannot be opened (code FILE_NOT_FOUND when it is not
/// there), BERTH-P-04, BERTH-P-05.
[[nodiscard]] TrustedDirectory open_trusted_directory(const std::string& path, const TrustRules& rules);

/// Opens and checks a file of that directory; a symbolic link is followed, and then the directory it leads to is
/// checked as well. Never blocks on a fifo. Throws Error: BERTH-P-04, BERTH-P-05, BERTH-P-06.
[[nodiscard]] TrustedFile open_trusted_file(const TrustedDirectory& directory, const std::string& name,
                                            const TrustRules& rules);

}  // namespace berth::inline host_v1

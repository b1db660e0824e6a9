// Reading a directory through a descriptor. Opens nothing by its path and follows nothing.
#pragma once

#include <dirent.h>

#include <memory>

#include "file_descriptor.hpp"

namespace berth::inline host_v1 {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// A directory that one thread reads.
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

/// A stream over the directory behind `directory`, which stays the caller's; they share a position. Empty, with errno,
/// when that fails.
[[nodiscard]] DirectoryStream read_directory(const FileDescriptor& directory) noexcept;

/// The next entry, "." and ".." left out; it lives until the next call. None at the end, and then errno is 0, or what
/// kept the rest from being read.
[[nodiscard]] const dirent* read_entry(const DirectoryStream& stream) noexcept;

}  // namespace berth::inline host_v1

// Opens directories below a root without ever following a link or leaving it, whatever the path says.
// Knows no copy; paths have been checked for form by download.cpp.
#pragma once

#include <string>
#include <string_view>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

/// "a/b/c": no empty step, no `.`, no `..`, no NUL, no leading or trailing slash. Whatever else is hostile.
[[nodiscard]] bool is_plain_path(std::string_view path) noexcept;

/// What opening gave: a descriptor, or an errno value. ELOOP: a link stands in the way.
struct Opened {
    FileDescriptor descriptor;
    int error_number = 0;
};

/// The directory `path` (plain, or "" for the root itself) below `root`, for use as the parent of others.
[[nodiscard]] Opened open_directory_beneath(int root, const std::string& path);

/// The same, step by step, for kernels and sandboxes without openat2.
[[nodiscard]] Opened open_directory_stepwise(int root, const std::string& path);

}  // namespace berth::inline host_v1

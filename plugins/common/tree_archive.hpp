// Whole trees from and to tar archives. The only file that knows libarchive is the source of this header.
//
// What is read is hostile: nothing is written outside the target, no device is made, and there are limits.
#pragma once

#include <cstdint>
#include <functional>

namespace berth_common {

struct UnpackLimits {
    std::uint64_t entries = 4'000'000;
    std::uint64_t bytes = 100ULL << 30;
};

struct UnpackProgress {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

// Into the working directory, with owners, modes and times, from a tar file or stream: plain, or compressed by gzip,
// xz, zstd or bzip2. Devices and sockets are left out, and so are extended attributes. Throws std::runtime_error with
// the entry's path.
void unpack_tree(int archive, const UnpackLimits& limits, const std::function<void(const UnpackProgress&)>& progress);

// The working directory as a plain tar stream. `owner_of` says what number an owner gets in it. Throws
// std::runtime_error for anything that cannot be read, with its path.
void pack_tree(int archive, const std::function<std::int64_t(std::int64_t)>& owner_of);

}  // namespace berth_common

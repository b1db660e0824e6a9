#include "byte_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

bool within(std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
    return offset <= size && count <= size - offset;
}

/// How many bytes were there to fill `target` with.
std::size_t read_at(int descriptor, std::uint64_t offset, std::span<std::byte> target) {
    std::size_t done = 0;
    while (done < target.size()) {
        const auto rest = target.subspan(done);
        const auto got = ::pread(descriptor, rest.data(), rest.size(), static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            throw Error(plugin_diagnostics::unreadable, "cannot be read: " + system_message(errno),
                        "Check the file system it lies on");
        }
        if (got == 0) break;  // it became shorter since it was examined
        done += static_cast<std::size_t>(got);
    }
    return done;
}

}  // namespace

FileBytes::FileBytes(int descriptor, std::uint64_t size)
    : descriptor_(descriptor),
      size_(size),
      page_size_(read_at(descriptor, 0, std::span(page_).first(std::min<std::uint64_t>(size, page_.size())))) {}

bool FileBytes::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (!within(offset, target.size(), size_)) return false;
    if (!within(offset, target.size(), page_size_)) return read_at(descriptor_, offset, target) == target.size();
    if (!target.empty()) std::memcpy(target.data(), page_.data() + offset, target.size());
    return true;
}

bool MemoryBytes::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (!within(offset, target.size(), bytes_.size())) return false;
    if (!target.empty()) std::memcpy(target.data(), bytes_.data() + offset, target.size());
    return true;
}

}  // namespace berth::inline host_v1

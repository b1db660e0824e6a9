// Memory that both ends of a link see, for bytes in bulk: they are copied into it once and read where they lie. The host
// makes it and fixes its size, so that a worker cannot pull it away from under the host. What lies in it may change while
// it is read: lengths come over the link, and nothing is decided by the bytes. Knows no link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>

#include "../../base/file_descriptor.hpp"

namespace berth::inline host_v1::wire {

class SharedBytes {
public:
    static constexpr std::size_t size = std::size_t{4} << 20U;

    /// The host's end. Throws std::system_error.
    [[nodiscard]] static SharedBytes make();
    /// The worker's end, of what make() made elsewhere. Throws std::system_error.
    [[nodiscard]] static SharedBytes adopt(FileDescriptor memory);
    SharedBytes() = default;
    SharedBytes(SharedBytes&& other) noexcept;
    SharedBytes& operator=(SharedBytes&& other) noexcept;
    ~SharedBytes();

    [[nodiscard]] int descriptor() const noexcept { return memory_.get(); }
    [[nodiscard]] std::span<char> all() const noexcept { return {data_, size}; }
    /// Absent when it does not lie inside.
    [[nodiscard]] std::optional<std::string_view> part(std::uint64_t offset, std::uint64_t length) const noexcept;
    /// The descriptor is of no use once the other end has it.
    void close_descriptor() noexcept { memory_.reset(); }

private:
    void map();
    FileDescriptor memory_;
    char* data_ = nullptr;
};

/// Which parts of a SharedBytes are taken, in the order in which they will be released. One thread.
///
/// Whoever releases may keep back up to `slack` for as long as it likes; the longest part still finds room then.
class SharedRing {
public:
    /// The longest part.
    static constexpr std::size_t longest = std::size_t{1} << 20U;
    /// So much may stay unreleased while nobody is in need of it: a release is a message, too.
    static constexpr std::size_t slack = std::size_t{64} * 1024;

    /// The offset of `length` bytes; absent while too much is taken.
    [[nodiscard]] std::optional<std::size_t> take(std::size_t length);
    /// The oldest `bytes` that were taken are free again. False: so much was never taken.
    [[nodiscard]] bool release(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

private:
    static constexpr std::size_t window = longest + slack;
    /// Of the memory; the rest is never touched.
    static constexpr std::size_t used = 2 * window + longest / 4;
    static_assert(used <= SharedBytes::size);
    struct Part {
        std::size_t offset;
        std::size_t length;
    };
    std::deque<Part> parts_;
    std::uint64_t taken_ = 0;
};

}  // namespace berth::inline host_v1::wire

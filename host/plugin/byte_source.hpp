// Bytes that can be read at any place: a file, or memory in tests. Knows no format.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace berth::inline host_v1 {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// Fills `target` from `offset` on; false when not all of it is there. Throws Error when reading fails.
    [[nodiscard]] virtual bool read(std::uint64_t offset, std::span<std::byte> target) const = 0;
};

/// Reads with pread from a descriptor that must outlive it. `size` is what fstat said when the file was checked. The
/// first page is read at once: in nearly every file it holds all that is asked for.
class FileBytes final : public ByteSource {
public:
    /// Throws Error BERTH-P-06 when the file cannot be read.
    FileBytes(int descriptor, std::uint64_t size);
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> target) const override;

private:
    int descriptor_;
    std::uint64_t size_;
    std::array<std::byte, 4096> page_;  ///< filled as far as `page_size_`
    std::size_t page_size_ = 0;
};

class MemoryBytes final : public ByteSource {
public:
    explicit MemoryBytes(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> target) const override;

private:
    std::span<const std::byte> bytes_;
};

}  // namespace berth::inline host_v1

#include "shared_bytes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace berth::inline host_v1::wire {

namespace {

[[noreturn]] void failed(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SharedBytes SharedBytes::make() {
    SharedBytes bytes;
    bytes.memory_.reset(::memfd_create("berth", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!bytes.memory_ || ::ftruncate(bytes.memory_.get(), static_cast<off_t>(size)) != 0) failed("memfd_create");
    if (::fcntl(bytes.memory_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        failed("F_ADD_SEALS");
    bytes.map();
    return bytes;
}

SharedBytes SharedBytes::adopt(FileDescriptor memory) {
    SharedBytes bytes;
    bytes.memory_ = std::move(memory);
    bytes.map();
    return bytes;
}

void SharedBytes::map() {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
    if (at == MAP_FAILED) failed("mmap");
    data_ = static_cast<char*>(at);
}

SharedBytes::SharedBytes(SharedBytes&& other) noexcept
    : memory_(std::move(other.memory_)), data_(std::exchange(other.data_, nullptr)) {}

SharedBytes& SharedBytes::operator=(SharedBytes&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    return *this;
}

SharedBytes::~SharedBytes() {
    if (data_ != nullptr) ::munmap(data_, size);
}

std::optional<std::string_view> SharedBytes::part(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (offset > size || length > size - offset) return std::nullopt;
    return std::string_view(data_ + offset, static_cast<std::size_t>(length));
}

std::optional<std::size_t> SharedRing::take(std::size_t length) {
    if (!parts_.empty() && taken_ + length > window) return std::nullopt;
    std::size_t offset = 0;
    if (!parts_.empty()) {
        const auto first = parts_.front().offset;
        const auto end = parts_.back().offset + parts_.back().length;
        // Taken parts lie from `first` to `end`, or wrap around: then the room is what lies between. Wrapping only where
        // the top is full leaves enough room there for the longest part, whatever slack is not released yet.
        if (end > first) {
            if (length <= used - end) {
                offset = end;
            } else if (length > first) {
                return std::nullopt;
            }
        } else {
            if (length > first - end) return std::nullopt;
            offset = end;
        }
    }
    parts_.push_back({offset, length});
    taken_ += length;
    return offset;
}

bool SharedRing::release(std::uint64_t bytes) {
    while (bytes > 0) {
        if (parts_.empty() || parts_.front().length > bytes) return false;
        bytes -= parts_.front().length;
        taken_ -= parts_.front().length;
        parts_.pop_front();
    }
    return true;
}

}  // namespace berth::inline host_v1::wire

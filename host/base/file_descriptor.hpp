// Owned file descriptors and the few kinds the host makes itself; all close-on-exec. Knows no protocol.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace berth::inline host_v1 {

/// Owns one descriptor; -1 is none. Move-only.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        if (this != &other) reset(std::exchange(other.descriptor_, -1));
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (descriptor_ >= 0) reset();
    }

    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
    void reset(int descriptor = -1) noexcept;

private:
    int descriptor_ = -1;
};

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

/// A pipe, both ends close-on-exec. Throws std::system_error.
[[nodiscard]] Pipe make_pipe();

/// An eventfd with value 0, non-blocking. Throws std::system_error.
[[nodiscard]] FileDescriptor make_event();
/// Makes an eventfd readable; async-signal-safe, any thread.
void raise_event(const FileDescriptor& event) noexcept;
/// Makes it unreadable again.
void clear_event(const FileDescriptor& event) noexcept;

/// Writes everything, in blocking mode and through signals. Returns 0 or an errno value.
[[nodiscard]] int write_all(int descriptor, std::string_view bytes) noexcept;

}  // namespace berth::inline host_v1

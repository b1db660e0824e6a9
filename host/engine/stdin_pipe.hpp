// The caller's end of a live stdin: a pipe whose writer wakes when the process ends. Knows no process.
#pragma once

#include <atomic>
#include <mutex>
#include <string_view>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

/// A process that no longer reads is EPIPE here, never SIGPIPE:
/// write() keeps the signal from its thread (base/broken_pipe).
class StdinPipe {
public:
    /// Throws std::system_error when there are no descriptors left.
    StdinPipe();

    /// The read end, for the call; once.
    [[nodiscard]] FileDescriptor take_read_end() noexcept { return std::move(read_end_); }

    enum class Written { all, reader_gone, closed };
    /// Writes everything, waiting while the reader is behind. `reader_gone` after end_of_process() or when nobody has
    /// the other end any more. One writer at a time; others wait.
    [[nodiscard]] Written write(std::string_view bytes);
    /// The reader sees the end. Twice is fine; a write under way returns `closed`.
    void close() noexcept;
    /// Wakes a write that waits for a process that is no more.
    void end_of_process() noexcept;
    /// -1 after close.
    [[nodiscard]] int descriptor() const noexcept { return number_.load(); }

private:
    FileDescriptor read_end_;
    FileDescriptor write_end_;
    FileDescriptor over_;          ///< readable once nobody should wait any more
    std::mutex writing_;           ///< held while write_end_ is used
    std::atomic<int> number_{-1};  ///< of write_end_, -1 once close was asked for
    std::atomic<bool> ended_{false};
};

}  // namespace berth::inline host_v1

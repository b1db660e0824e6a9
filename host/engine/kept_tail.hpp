// The newest part of one stream of output, for the result of a process. Knows no process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

/// Keeps at most `limit` bytes; memory grows with what comes and never beyond the limit.
class KeptTail {
public:
    explicit KeptTail(std::uint64_t limit) noexcept : limit_(limit) {}

    void add(std::string_view bytes);

    struct Kept {
        std::string bytes;
        std::uint64_t dropped = 0;  ///< bytes before them that were not kept
    };
    /// What is kept, in order; when something was dropped, it begins with a whole UTF-8 character. Empties this.
    [[nodiscard]] Kept take();
    /// A copy of the newest bytes, at most that many; for errors.
    [[nodiscard]] std::string newest(std::size_t count) const;

private:
    std::uint64_t limit_;
    std::uint64_t dropped_ = 0;
    std::string bytes_;      ///< a ring once it is full
    std::size_t begin_ = 0;  ///< where the oldest byte is
};

}  // namespace berth::inline host_v1

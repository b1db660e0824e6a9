// Between the files of TreeCopy: a directory on the way, and how a closed one is opened. For nobody else.
#pragma once

#include <fcntl.h>

#include "tree_copy.hpp"

namespace berth_local {

// Never waits, whatever lies there, and follows nothing.
inline constexpr int reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Between two changes that are no further apart both may have the same time.
inline constexpr std::int64_t clock_step_ns = 20'000'000;

[[nodiscard]] inline std::int64_t nanoseconds(const struct timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A directory that waits for its turn.
struct TreeCopy::Below {
    std::string name;
    ino_t number = 0;  // 0: whatever has that name
};

struct TreeCopy::Frame {
    std::string name;
    struct stat info {};
    Descriptor source;
    Descriptor target;
    std::optional<mode_t> lent;  // the source's own mode, while it is wider
    std::vector<Below> below;

    Frame() = default;
    Frame(Frame&&) = default;
    Frame& operator=(Frame&&) = default;
    ~Frame() {
        if (lent && source) {
            ::fchmod(source.get(), *lent);
        }
    }
};

// A file or directory of ours whose mode keeps even us out, as an ordinary user may have it: opened by lending ourselves
// the right. `lent`: takes the mode to give back later; absent: it is given back at once.
[[nodiscard]] Descriptor open_closed(int parent, const char* name, int flags, mode_t right,
                                     std::optional<mode_t>* lent);

}  // namespace berth_local

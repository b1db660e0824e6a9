// The content of one file into another, new one: cloned where the file system shares blocks, else copied, holes kept.
// Knows nothing of names, owners or modes.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>

namespace berth_local {

class FileContent {
public:
    enum class Way { unknown, clone, copy };

    // `info`: the source's, which says how much there is. Less is no failure: it shrank. Calls `on_step` between
    // pieces. 0, or the errno of what failed.
    [[nodiscard]] int copy(int from, int to, const struct stat& info, const std::function<void()>& on_step);
    // Whether a copy made with this `info` is still what the source holds.
    [[nodiscard]] bool same(int from, int to, const struct stat& info, const std::function<void()>& on_step);
    // What has worked so far.
    [[nodiscard]] Way way() const { return way_; }

private:
    [[nodiscard]] bool clone(int from, int to);
    [[nodiscard]] int copy_range(int from, int to, off_t begin, off_t end, const std::function<void()>& on_step);
    [[nodiscard]] int copy_through_memory(int from, int to, off_t begin, off_t end,
                                          const std::function<void()>& on_step);

    Way way_ = Way::unknown;
    bool ranges_work_ = true;
    std::unique_ptr<char[]> buffer_;
};

// Whether files below this directory of ours can be cloned: tried out, where the file system may know it.
[[nodiscard]] bool clones_files(int directory);

}  // namespace berth_local

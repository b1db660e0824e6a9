// Which state a tree is in, as a short text: another one as soon as anything in it was added, removed, written or given
// another owner or mode. What is in the files is not read; their sizes and times tell. It names a state and proves
// nothing against whoever sets times by hand. The order of entries and the number of the device do not count: they may
// change with a reboot.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace berth_local {

class Fingerprint {
public:
    void add(std::string_view bytes);
    void add(std::int64_t number);
    void add(const struct stat& info);
    [[nodiscard]] std::uint64_t value() const { return value_; }
    [[nodiscard]] std::string text() const;

private:
    std::uint64_t value_ = 14'695'981'039'346'656'037ULL;
};

// Told of each entry, with its directory, name and shown path; throws to refuse the tree.
using EntryLook = std::function<void(int parent, const char* name, const struct stat& info, const std::string& shown)>;

// Of the directory `top` with all below it; `shown` is its path in failures. A directory that we may not list counts
// without what is in it.
[[nodiscard]] std::string tree_state(int top, const std::string& shown, const EntryLook& look = {});

}  // namespace berth_local

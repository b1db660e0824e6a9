// Templates that had to be unpacked, once for all sandboxes of a provider: tar files, and for an ordinary user also
// directories, which are copied so that their files belong to the user's range.
//
//   STATE/PROVIDER/templates/KEY/   lock, ids (the first id of its files), source (for people), tree/
//
// KEY tells one state of one source. An entry is whole when `tree` is there: it gets that name last. It is made under
// its lock, used for a new sandbox under its shared lock, and removed when its source has changed and no sandbox has it
// any more. Several processes may do all of this at once, and any of them may die.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "caller.hpp"
#include "descriptor.hpp"
#include "trees.hpp"
#include "uid_range.hpp"

namespace berth_local {

struct CachePrograms {
    std::string root;  // berth-root
    std::string tar;   // berth-tar
};

struct TemplateSource {
    std::string name;
    std::string path;
    Descriptor opened;  // the tar file or directory
    bool is_directory = false;
    std::string key;
};

// Opens it and finds out its state. A directory that an ordinary user will copy is looked through, unless it belongs to
// `range` and need not be copied. Throws TEMPLATE_NOT_FOUND, PERMISSION_DENIED.
[[nodiscard]] TemplateSource open_source(const std::string& name, const std::string& path,
                                         std::optional<std::uint32_t> range);

class TemplateCache {
public:
    struct Entry {
        Descriptor lock;  // while it is open nobody removes the entry
        std::string tree;
        std::uint32_t ids = 0;
        bool made = false;  // by this call
    };

    // `directory`: STATE/PROVIDER/templates, made when it is needed.
    TemplateCache(std::string directory, CachePrograms programs, const Trees& trees)
        : directory_(std::move(directory)), programs_(std::move(programs)), trees_(trees) {}

    // The entry of that source, unpacked now when there is none. `claim` gives ids to a new entry, by its directory.
    [[nodiscard]] Entry get(const TemplateSource& source, Caller& caller,
                            const std::function<std::uint32_t(const std::string&)>& claim) const;
    // Removes what is neither one of `wanted` (keys) nor in use by somebody: `in_use` says so of a tree's path.
    void remove_others(const std::set<std::string>& wanted, const std::function<bool(const std::string&)>& in_use,
                       const std::function<void(std::uint32_t, const std::string&)>& release) const;

    // The key of the entry that this tree is; absent: it is none of ours.
    [[nodiscard]] std::optional<std::string> key_of(const std::string& tree) const;

private:
    void unpack(const Descriptor& entry, const TemplateSource& source, std::uint32_t ids, Caller& caller) const;

    std::string directory_;
    CachePrograms programs_;
    const Trees& trees_;
};

}  // namespace berth_local

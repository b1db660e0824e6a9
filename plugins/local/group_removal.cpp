#include "group_removal.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

// A group in a group that is not one of `kept`; everything else in a group is a file of the kernel's.
std::optional<std::string> any_below(const Descriptor& group, const std::set<std::string>& kept) {
    Descriptor again = open_directory(group.get(), ".");
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
    if (!listing) {
        return std::nullopt;
    }
    (void)again.release();  // the listing's now
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != ".." && !kept.contains(entry->d_name)) {
            return std::string(name);
        }
    }
    return std::nullopt;
}

struct Level {
    std::string name;
    std::set<std::string> kept;  // groups in it that something lives in
};

}  // namespace

bool remove_groups(const std::string& path) {
    Descriptor here = open_directory(AT_FDCWD, path);
    std::vector<Level> way(1);
    while (here) {
        if (const std::optional<std::string> next = any_below(here, way.back().kept)) {
            if (::unlinkat(here.get(), next->c_str(), AT_REMOVEDIR) == 0) {
                continue;
            }
            if (Descriptor below = open_directory(here.get(), *next)) {
                here = std::move(below);
                way.push_back({*next, {}});
            } else {
                way.back().kept.insert(*next);
            }
            continue;
        }
        if (way.size() == 1) {
            break;
        }
        here = open_directory(here.get(), "..");
        const std::string name = std::move(way.back().name);
        way.pop_back();
        if (here && ::unlinkat(here.get(), name.c_str(), AT_REMOVEDIR) != 0) {
            way.back().kept.insert(name);
        }
    }
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR;
}

}  // namespace berth_local

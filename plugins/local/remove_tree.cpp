#include "remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptor.hpp"
#include "directory_entry.hpp"
#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Listing = std::unique_ptr<DIR, CloseDirectory>;

Listing list(Descriptor directory) {
    Listing listing(::fdopendir(directory.get()));
    if (listing) {
        (void)directory.release();  // the listing's now
    }
    return listing;
}

bool is_directory(int parent, const char* name) {
    struct stat there {};
    return ::fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode);
}

// Opens a directory and makes it ours to change, whatever its mode was.
Descriptor open_for_removal(int parent, const char* name) {
    Descriptor directory = open_directory(parent, name);
    if (!directory && (errno == EACCES || errno == EPERM) && is_directory(parent, name)) {
        // By a handle: the name may be a link to somewhere else by now.
        const Descriptor handle(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        ::chmod(("/proc/self/fd/" + std::to_string(handle.get())).c_str(), 0700);
        directory = open_directory(parent, name);
    }
    struct stat mode {};
    if (directory && ::fstat(directory.get(), &mode) == 0 && (mode.st_mode & 0700) != 0700) {
        ::fchmod(directory.get(), 0700);
    }
    return directory;
}

class Removal {
public:
    explicit Removal(int parent) : parent_(parent), prefix_(".removed-" + random_name(12) + "-") {}

    // However many directories there are: those that wait are known by their names in the parent, not by us.
    void run(const std::string& name) {
        empty(name);
        while (moved_ > 0) {
            moved_ = 0;
            empty_moved();
        }
    }

private:
    void empty_moved() {
        Listing listing = list(open_directory(parent_, "."));
        if (!listing) {
            throw system_failure("cannot list a directory", errno);
        }
        bool missed = false;
        while (const dirent* entry = next_entry(listing.get())) {
            if (std::string_view(entry->d_name).starts_with(prefix_)) {
                empty(entry->d_name);
                missed = true;  // what was moved meanwhile this listing may not show
            }
        }
        moved_ += missed ? 1 : 0;
    }

    // Everything that is not a filled directory goes at once; those move up and wait for their turn.
    void empty(const std::string& name) {
        Descriptor directory = open_for_removal(parent_, name.c_str());
        const int number = directory.get();
        if (!directory) {
            if (errno != ENOENT && ::unlinkat(parent_, name.c_str(), 0) != 0 && errno != ENOENT) {
                throw system_failure("cannot delete " + name, errno);
            }
            return;
        }
        Listing listing = list(std::move(directory));
        if (!listing) {
            throw system_failure("cannot list " + name, errno);
        }
        for (bool found = true; found;) {
            found = false;
            ::rewinddir(listing.get());
            while (const dirent* entry = next_entry(listing.get())) {
                remove_entry(number, entry->d_name);
                found = true;
            }
        }
        listing.reset();
        if (::unlinkat(parent_, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
            throw system_failure("cannot delete the directory " + name, errno);
        }
    }

    void remove_entry(int directory, const char* name) {
        if (::unlinkat(directory, name, 0) == 0 || errno == ENOENT) {
            return;
        }
        int error = errno;
        if (!is_directory(directory, name)) {
            throw system_failure("cannot delete a file of the sandbox", error);
        }
        if (::unlinkat(directory, name, AT_REMOVEDIR) == 0) {
            return;
        }
        // To move a directory its own `..` changes: it must be writable for that.
        [[maybe_unused]] const Descriptor opened = open_for_removal(directory, name);
        const std::string place = prefix_ + std::to_string(++count_);
        if (::renameat(directory, name, parent_, place.c_str()) != 0) {
            error = errno;
            throw system_failure("cannot move a directory of the sandbox", error);
        }
        ++moved_;
    }

    int parent_;
    std::string prefix_;
    std::uint64_t count_ = 0;
    std::uint64_t moved_ = 0;  // since the last listing of the parent
};

}  // namespace

void remove_tree(int parent, const std::string& name) {
    Removal(parent).run(name);
}

long long tree_bytes(int parent, const std::string& name, const std::function<bool()>& stop) {
    // Beyond these the answer is "not known": a measurement must not cost more than what it measures.
    constexpr std::size_t deepest = 512;
    constexpr std::size_t most_entries = 4'000'000;
    constexpr std::size_t most_linked = 200'000;
    constexpr std::size_t entries_between_looks = 256;
    std::size_t entries = 0;
    std::size_t looks = 0;
    std::vector<Listing> open;
    std::set<std::pair<dev_t, ino_t>> linked;
    long long total = 0;
    Listing top = list(open_directory(parent, name));
    if (!top) {
        return -1;
    }
    open.push_back(std::move(top));
    while (!open.empty()) {
        if (looks++ % entries_between_looks == 0 && stop()) {
            return -1;
        }
        const dirent* entry = next_entry(open.back().get());
        if (entry == nullptr) {
            if (errno != 0) {
                return -1;
            }
            open.pop_back();
            continue;
        }
        struct stat info {};
        if (::fstatat(::dirfd(open.back().get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !linked.emplace(info.st_dev, info.st_ino).second) {
            continue;
        }
        if (++entries > most_entries || linked.size() > most_linked) {
            return -1;
        }
        total += static_cast<long long>(info.st_blocks) * 512;
        if (S_ISDIR(info.st_mode)) {
            Listing below =
                open.size() < deepest ? list(open_directory(::dirfd(open.back().get()), entry->d_name)) : nullptr;
            if (!below) {
                return -1;  // unknown is not the same as what could be counted
            }
            open.push_back(std::move(below));
        }
    }
    return total;
}

}  // namespace berth_local

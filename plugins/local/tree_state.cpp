#include "tree_state.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "directory_entry.hpp"
#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr int deepest = 200;

class Walk {
public:
    explicit Walk(const EntryLook& look) : look_(look) {}

    // Adds up what tells of each entry, in whatever order they come.
    void enter(int parent, const char* name, const std::string& shown, std::uint64_t above, int depth) {
        struct stat info {};
        if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            throw system_failure("cannot look at " + shown, errno);
        }
        if (look_) {
            look_(parent, name, info, shown);
        }
        Fingerprint print;
        print.add(static_cast<std::int64_t>(above));
        print.add(name);
        print.add(info);
        sum_ += print.value();
        if (S_ISDIR(info.st_mode)) {
            list(parent, name, shown, print.value(), depth);
        }
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

private:
    void list(int parent, const char* name, const std::string& shown, std::uint64_t above, int depth) {
        if (depth > deepest) {
            throw failure(BERTH_RESOURCE_EXHAUSTED, "directories lie more than 200 deep in one another at " + shown);
        }
        Descriptor directory = open_directory(parent, name);
        if (!directory && errno == EACCES) {
            return;
        }
        const std::unique_ptr<DIR, int (*)(DIR*)> listing(directory ? ::fdopendir(directory.get()) : nullptr,
                                                          ::closedir);
        if (!listing) {
            throw system_failure("cannot list " + shown, errno);
        }
        const int number = directory.release();  // the listing's now
        while (const dirent* entry = next_entry(listing.get())) {
            enter(number, entry->d_name, shown + "/" + entry->d_name, above, depth + 1);
        }
        if (errno != 0) {
            throw system_failure("cannot list " + shown, errno);
        }
    }

    const EntryLook& look_;
    std::uint64_t sum_ = 0;
};

}  // namespace

// FNV-1a.
void Fingerprint::add(std::string_view bytes) {
    for (const char byte : bytes) {
        value_ = (value_ ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211ULL;
    }
}

void Fingerprint::add(std::int64_t number) {
    add(std::string_view(reinterpret_cast<const char*>(&number), sizeof number));
}

void Fingerprint::add(const struct stat& info) {
    for (const std::int64_t number :
         {std::int64_t{info.st_size}, std::int64_t{info.st_mtim.tv_sec}, std::int64_t{info.st_mtim.tv_nsec},
          static_cast<std::int64_t>(info.st_ino), std::int64_t{info.st_mode}, std::int64_t{info.st_uid},
          std::int64_t{info.st_gid}}) {
        add(number);
    }
}

std::string Fingerprint::text() const {
    char hex[20];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(value_));
    return hex;
}

std::string tree_state(int top, const std::string& shown, const EntryLook& look) {
    Walk walk(look);
    walk.enter(top, ".", shown, 0, 0);
    Fingerprint all;
    all.add(static_cast<std::int64_t>(walk.sum()));
    return all.text();
}

}  // namespace berth_local

// A directory of a test that goes away with it. It is locked while its test lives, so that the next run finds what a
// killed one left behind. Knows nothing of sandboxes.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "local/descriptor.hpp"
#include "local/remove_tree.hpp"
#include "local/subordinate_ids.hpp"
#include "local/system_files.hpp"
#include "local/trees.hpp"

namespace room {

namespace rooms = berth_local;

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        // Whoever clears away may be faster than we with the lock: then the next name is ours.
        do {
            std::string path = std::filesystem::temp_directory_path() / (std::string(prefix) + "XXXXXX");
            REQUIRE(::mkdtemp(path.data()) != nullptr);
            path_ = path;
        } while (!take());
        // As root, sandboxes have accounts of their own, which must find their way through here.
        REQUIRE(::chmod(path_.c_str(), 0711) == 0);
    }
    ~TemporaryDirectory() {
        if (!kept_) {
            remove();
        }
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    void keep() { kept_ = true; }

    // Those of this user whose tests are dead. They are the caller's now, and go with it.
    static std::vector<std::unique_ptr<TemporaryDirectory>> left_behind() {
        std::vector<std::unique_ptr<TemporaryDirectory>> found;
        for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
            struct stat status {};
            if (entry.path().filename().string().starts_with(prefix) && ::lstat(entry.path().c_str(), &status) == 0 &&
                S_ISDIR(status.st_mode) && status.st_uid == ::geteuid()) {
                std::unique_ptr<TemporaryDirectory> one(new TemporaryDirectory(entry.path()));
                if (one->take()) {
                    found.push_back(std::move(one));
                } else {
                    one->keep();
                }
            }
        }
        return found;
    }

private:
    static constexpr const char* prefix = "berth-rooms-";

    explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
    // Whether it is there and belongs to no living test.
    bool take() {
        lock_ = rooms::open_directory(AT_FDCWD, path_);
        struct stat status {};
        return lock_ && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(lock_.get(), &status) == 0 &&
               status.st_nlink > 0;
    }
    void remove() const {
        const rooms::Descriptor parent = rooms::open_directory(AT_FDCWD, path_.parent_path());
        const rooms::SubordinateIds range = rooms::subordinate_ids();
        if (::geteuid() != 0 && range.first) {  // what templates left there may belong to it
            rooms::Trees(BERTH_ROOT_PROGRAM).act(*range.first, parent.get(), {"remove", path_.filename()});
        } else {
            rooms::remove_tree(parent.get(), path_.filename());
        }
    }

    std::filesystem::path path_;
    rooms::Descriptor lock_;
    bool kept_ = false;
};

}  // namespace room

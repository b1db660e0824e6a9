#include "placed_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace berth_init {

const char* PlacedFile::next_temporary() {
    std::snprintf(temporary_, sizeof temporary_, ".berth-%d-%u", getpid(), counter_++);
    return temporary_;
}

int PlacedFile::begin(int parent, mode_t mode) {
    parent_ = parent;
    if (can_be_nameless_) {
        file_ = openat(parent_, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
        nameless_ = file_ >= 0;
        can_be_nameless_ = nameless_ || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT);
    }
    for (int attempt = 0; file_ < 0; ++attempt) {
        file_ = openat(parent_, next_temporary(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        nameless_ = false;
        if (file_ < 0 && (errno != EEXIST || attempt == 100)) {
            return errno;
        }
    }
    return 0;
}

void PlacedFile::expect(std::uint64_t length) const {
    constexpr std::uint64_t least = 1U << 20;
    constexpr std::uint64_t most = std::uint64_t{1} << 62;
    if (length >= least && length <= most) {
        // Its size grows with what is written: should less come, it is no longer than that.
        fallocate(file_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(length));
    }
}

int PlacedFile::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t size = write(file_, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 ? ENOSPC : errno;
        }
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return 0;
}

int PlacedFile::finish(const char* name) {
    int error = nameless_ ? give_name(name) : 0;
    if (error == EEXIST) {
        error = give_name(next_temporary());
        nameless_ = error != 0;
    }
    if (error != 0) {
        abandon();
        return error;
    }
    const int closed = close(file_);
    file_ = -1;
    if (nameless_) {
        return closed == 0 ? 0 : errno;
    }
    if (closed != 0 || renameat(parent_, temporary_, parent_, name) != 0) {
        error = errno;
        unlinkat(parent_, temporary_, 0);
    }
    return error;
}

int PlacedFile::give_name(const char* name) const {
    // Its own file by its descriptor is what Linux allows since 6.10; before that it is found through /proc.
    if (linkat(file_, "", parent_, name, AT_EMPTY_PATH) == 0) {
        return 0;
    }
    if (errno != ENOENT) {
        return errno;
    }
    char path[40];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", file_);
    return linkat(AT_FDCWD, path, parent_, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

void PlacedFile::abandon() {
    if (file_ >= 0) {
        close(file_);
        file_ = -1;
        if (!nameless_) {
            unlinkat(parent_, temporary_, 0);
        }
    }
}

}  // namespace berth_init

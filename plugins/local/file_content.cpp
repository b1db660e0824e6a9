#include "file_content.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {
namespace {

constexpr std::size_t buffer_size = std::size_t{256} << 10;
constexpr off_t small_file = off_t{128} << 10;
constexpr off_t piece = off_t{16} << 20;

}  // namespace

// Holes of the source are holes of its copy.
bool FileContent::same(int from, int to, const struct stat& info, const std::function<void()>& on_step) {
    std::vector<char> one(buffer_size);
    std::vector<char> other(buffer_size);
    for (off_t end = 0; end < info.st_size;) {
        off_t at = ::lseek(from, end, SEEK_DATA);
        if (at < 0) {
            return errno == ENXIO;
        }
        end = std::min(::lseek(from, at, SEEK_HOLE), info.st_size);
        while (at < end) {
            on_step();
            const auto wanted = static_cast<std::size_t>(std::min(end - at, static_cast<off_t>(buffer_size)));
            const ssize_t size = ::pread(from, one.data(), wanted, at);
            if (size <= 0 || ::pread(to, other.data(), static_cast<std::size_t>(size), at) != size ||
                std::memcmp(one.data(), other.data(), static_cast<std::size_t>(size)) != 0) {
                return false;
            }
            at += size;
        }
        if (end < 0) {
            return false;
        }
    }
    return true;
}

bool FileContent::clone(int from, int to) {
    if (way_ == Way::copy) {
        return false;
    }
    if (::ioctl(to, FICLONE, from) == 0) {
        way_ = Way::clone;
        return true;
    }
    // Some files may not be cloned where others were; the first refusal of all speaks for the file system.
    if (way_ == Way::unknown) {
        way_ = Way::copy;
    }
    return false;
}

int FileContent::copy(int from, int to, const struct stat& info, const std::function<void()>& on_step) {
    if (info.st_size == 0 || clone(from, to)) {
        return 0;
    }
    const bool dense = off_t{info.st_blocks} * 512 >= info.st_size;
    if (info.st_size <= small_file && dense) {
        return copy_through_memory(from, to, 0, info.st_size, on_step);
    }
    for (off_t end = 0; end < info.st_size;) {
        const off_t begin = ::lseek(from, end, SEEK_DATA);
        if (begin < 0 && errno == ENXIO) {
            break;  // a hole to the end
        }
        if (begin < 0 || begin >= info.st_size) {
            if (begin < 0) {
                return errno;
            }
            break;
        }
        end = ::lseek(from, begin, SEEK_HOLE);
        if (end < 0) {
            return errno;
        }
        end = std::min(end, info.st_size);
        if (const int error = copy_range(from, to, begin, end, on_step); error != 0) {
            return error;
        }
    }
    return ::ftruncate(to, info.st_size) == 0 ? 0 : errno;
}

int FileContent::copy_range(int from, int to, off_t begin, off_t end, const std::function<void()>& on_step) {
    off_t in = begin;
    off_t out = begin;
    while (ranges_work_ && in < end) {
        on_step();
        const ssize_t size =
            ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(std::min(end - in, piece)), 0);
        if (size == 0) {
            return 0;  // it shrank
        }
        if (size < 0 && errno != EINTR) {
            if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
                return errno;
            }
            ranges_work_ = false;
        }
    }
    return in < end ? copy_through_memory(from, to, in, end, on_step) : 0;
}

int FileContent::copy_through_memory(int from, int to, off_t begin, off_t end, const std::function<void()>& on_step) {
    if (!buffer_) {
        buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    }
    while (begin < end) {
        const ssize_t size =
            ::pread(from, buffer_.get(),
                    static_cast<std::size_t>(std::min(end - begin, static_cast<off_t>(buffer_size))), begin);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 ? 0 : errno;
        }
        for (ssize_t written = 0; written < size;) {
            const ssize_t part =
                ::pwrite(to, buffer_.get() + written, static_cast<std::size_t>(size - written), begin + written);
            if (part < 0 && errno != EINTR) {
                return errno;
            }
            written += std::max<ssize_t>(part, 0);
        }
        begin += size;
        if (begin < end) {
            on_step();
        }
    }
    return 0;
}

bool clones_files(int directory) {
    constexpr std::array<unsigned long, 3> never{0xEF53, 0x01021994, 0x794c7630};  // ext2 to ext4, tmpfs, overlayfs
    struct statfs info {};
    if (::fstatfs(directory, &info) != 0 ||
        std::find(never.begin(), never.end(), static_cast<unsigned long>(info.f_type)) != never.end()) {
        return false;
    }
    const Descriptor from(::openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    const Descriptor to(::openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    return from && to && ::write(from.get(), "x", 1) == 1 && ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

}  // namespace berth_local

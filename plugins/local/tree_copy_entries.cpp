// See tree_copy.hpp: files, links, fifos and marks, and what each of them looks like.
#include <fcntl.h>
#include <poll.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

#include "extended_attributes.hpp"
#include "failure.hpp"
#include "tree_copy_frame.hpp"

namespace berth_local {
namespace {

constexpr int most_tries = 40;  // for a file that changes under our hands

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool unwritten(const struct stat& before, const struct stat& after) {
    return before.st_size == after.st_size && same_time(before.st_mtim, after.st_mtim);
}

bool unchanged(const struct stat& before, const struct stat& after) {
    return unwritten(before, after) && same_time(before.st_ctim, after.st_ctim);
}

}  // namespace

Descriptor open_closed(int parent, const char* name, int flags, mode_t right, std::optional<mode_t>* lent) {
    const Descriptor handle(::openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!handle || ::fstat(handle.get(), &info) != 0 || info.st_uid != ::geteuid() || S_ISLNK(info.st_mode)) {
        errno = EACCES;
        return {};
    }
    const std::string path = "/proc/self/fd/" + std::to_string(handle.get());
    const mode_t mode = info.st_mode & 07777;
    if (::chmod(path.c_str(), mode | right) != 0) {
        return {};
    }
    Descriptor file(::open(path.c_str(), flags & ~O_NOFOLLOW));
    const int error = errno;
    if (file && lent != nullptr) {
        *lent = mode;
    } else {
        ::chmod(path.c_str(), mode);
    }
    errno = error;
    return file;
}

TreeCopy::Made TreeCopy::entry(const char* name, const struct stat& info) {
    const Made linked = info.st_nlink > 1 ? link_again(name, info) : Made::no;
    if (linked != Made::no) {
        return linked;
    }
    const Made made = S_ISREG(info.st_mode)   ? file(name, info)
                      : S_ISLNK(info.st_mode) ? symlink(name, info)
                                              : special(name, info);
    if (made == Made::yes && info.st_nlink > 1) {
        remember_link(name, info);
    }
    return made;
}

TreeCopy::Made TreeCopy::link_again(const char* name, const struct stat& info) {
    const auto found = linked_.find({info.st_dev, info.st_ino});
    if (found == linked_.end()) {
        return Made::no;
    }
    Linked& linked = found->second;
    // The number of a file that went may be another one's by now.
    if (!same_time(linked.changed, info.st_mtim) || linked.size != info.st_size) {
        return Made::no;
    }
    const int target = frames_.back().target.get();
    // The last name is the one that was kept: then no file has more names than it had.
    const bool last = linked.missing == 1;
    const int result = last ? ::renameat(links_, linked.place.c_str(), target, name)
                            : ::linkat(links_, linked.place.c_str(), target, name, 0);
    if (result != 0) {
        if (errno == EMLINK || (changing() && errno == EEXIST)) {
            return errno == EEXIST ? Made::collides : Made::no;
        }
        fail("cannot make a link", errno, name);
    }
    --linked.missing;
    if (last) {
        linked_.erase(found);
    }
    return Made::yes;
}

void TreeCopy::remember_link(const char* name, const struct stat& info) {
    Linked linked;
    linked.place = std::to_string(++link_count_);
    linked.missing = info.st_nlink - 1;
    linked.changed = info.st_mtim;
    linked.size = info.st_size;
    if (::linkat(frames_.back().target.get(), name, links_, linked.place.c_str(), 0) == 0) {
        linked_[{info.st_dev, info.st_ino}] = std::move(linked);
    } else if (errno != EMLINK) {
        fail("cannot make a link", errno, name);
    }
}

TreeCopy::Made TreeCopy::file(const char* name, const struct stat& info) {
    const int parent = frames_.back().source.get();
    Descriptor target;
    for (int tries = 0; tries < most_tries; ++tries) {
        settings_.on_step();
        // Reading must not change what is read.
        Descriptor source(::openat(parent, name, reading | O_NOATIME));
        if (!source && errno == EPERM) {
            source = Descriptor(::openat(parent, name, reading));
        }
        if (!source && errno == EACCES) {
            source = open_closed(parent, name, reading, 0400, nullptr);
        }
        if (!source && changing() && errno == EWOULDBLOCK) {
            ::poll(nullptr, 0, 50);  // a lease of the owner's: it is given back, or broken by the kernel
            continue;
        }
        struct stat before {};
        if (!source || ::fstat(source.get(), &before) != 0 || !S_ISREG(before.st_mode) ||
            (changing() && before.st_ino != info.st_ino)) {
            if (changing() && (source || errno == ENOENT || errno == ELOOP || errno == ENXIO)) {
                if (target) {
                    ::unlinkat(frames_.back().target.get(), name, 0);
                }
                return Made::vanished;  // it is gone, or something else has its name by now
            }
            fail("cannot open a file", errno, name);
        }
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const std::int64_t age = nanoseconds(now) - nanoseconds(before.st_mtim);
        if (changing() && age >= 0 && age < clock_step_ns) {
            // Another write could get the same time, and nobody would see that it came.
            const timespec pause{0, clock_step_ns - age};
            ::nanosleep(&pause, nullptr);
            continue;
        }
        if (!target) {
            target = Descriptor(
                ::openat(frames_.back().target.get(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
            if (!target) {
                if (changing() && errno == EEXIST) {
                    return Made::collides;
                }
                fail("cannot make a file", errno, name);
            }
        } else if (::ftruncate(target.get(), 0) != 0) {
            fail("cannot write a file", errno, name);
        }
        if (const int error = content_.copy(source.get(), target.get(), before, settings_.on_step); error != 0) {
            fail("cannot copy a file", error, name);
        }
        struct stat after {};
        if (changing() && (::fstat(source.get(), &after) != 0 || !unchanged(before, after)) &&
            !(unwritten(before, after) && content_.same(source.get(), target.get(), before, settings_.on_step))) {
            // Not only renamed, or given another mode, owner or name more.
            ::poll(nullptr, 0, tries);
            continue;
        }
        take_over(source.get(), target.get(), before);
        copied_.bytes += static_cast<std::uint64_t>(before.st_blocks) * 512;
        return Made::yes;
    }
    Failure failed =
        failure(BERTH_CONFLICT, "a file changes faster than it can be copied", "stop what writes it, and try again");
    failed.path = path_of(name);
    throw failed;
}

TreeCopy::Made TreeCopy::symlink(const char* name, const struct stat& info) {
    std::array<char, PATH_MAX + 1> to{};
    const Descriptor link(::openat(frames_.back().source.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat opened {};
    if (changing() && (!link || ::fstat(link.get(), &opened) != 0 || opened.st_ino != info.st_ino)) {
        return Made::vanished;
    }
    const ssize_t size = ::readlinkat(link.get(), "", to.data(), to.size() - 1);
    if (size < 0) {
        fail("cannot read a link", errno, name);
    }
    to[static_cast<std::size_t>(size)] = 0;
    const int target = frames_.back().target.get();
    if (::symlinkat(to.data(), target, name) != 0) {
        if (changing() && errno == EEXIST) {
            return Made::collides;
        }
        fail("cannot make a link", errno, name);
    }
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if ((settings_.owners && ::fchownat(target, name, settings_.owners->shifted(info.st_uid),
                                        settings_.owners->shifted(info.st_gid), AT_SYMLINK_NOFOLLOW) != 0) ||
        ::utimensat(target, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
        fail("cannot give a link its owner", errno, name);
    }
    return Made::yes;
}

// Fifos, and overlayfs' mark for what was deleted: a character device 0/0, which anybody may make.
TreeCopy::Made TreeCopy::special(const char* name, const struct stat& info) {
    const bool mark = S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(0, 0);
    if (!S_ISFIFO(info.st_mode) && !mark) {
        ++copied_.skipped;
        return Made::no;
    }
    const int target = frames_.back().target.get();
    if (::mknodat(target, name, (info.st_mode & S_IFMT) | 0600, 0) != 0) {
        if (changing() && errno == EEXIST) {
            return Made::collides;
        }
        fail("cannot make a fifo", errno, name);
    }
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if ((settings_.owners && ::fchownat(target, name, settings_.owners->shifted(info.st_uid),
                                        settings_.owners->shifted(info.st_gid), AT_SYMLINK_NOFOLLOW) != 0) ||
        ::fchmodat(target, name, info.st_mode & 0777, 0) != 0 ||
        ::utimensat(target, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
        fail("cannot give a fifo its owner", errno, name);
    }
    return Made::yes;
}

// Owner first, for a change of owner takes bits of the mode away; attributes while we may still write.
void TreeCopy::take_over(int source, int target, const struct stat& info) const {
    mode_t mode = info.st_mode & 07777;
    if (settings_.owners) {
        const IdShift& owners = *settings_.owners;
        if (::fchown(target, owners.shifted(info.st_uid), owners.shifted(info.st_gid)) != 0) {
            fail("cannot give a file its owner", errno);
        }
        mode = owners.knows(info.st_uid) && owners.knows(info.st_gid) ? mode : mode & 01777;
    }
    if (const int error = copy_extended_attributes(source, target, settings_.owners); error != 0) {
        fail("cannot copy a file's attributes", error);
    }
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (::fchmod(target, mode) != 0 || ::futimens(target, times) != 0) {
        fail("cannot give a file its mode", errno);
    }
}

}  // namespace berth_local

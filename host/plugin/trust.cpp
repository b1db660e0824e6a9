#include "trust.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

std::int64_t nanoseconds(const struct timespec& time) {
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

struct stat status_of(int descriptor, const std::string& path) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) throw unreachable(WalkGoal::file, path, errno);
    return status;
}

Error no_regular_file(const std::string& path) {
    ErrorFields fields;
    fields.message = "is not a regular file, so it is no plugin";
    fields.hint = "Remove it, or give it another name than *.so";
    fields.location = printable(path);
    return {plugin_diagnostics::unreadable, Code::invalid_argument, std::move(fields)};
}

struct Opened {
    FileDescriptor descriptor;
    struct stat status;
};

/// Never a link. O_NONBLOCK: should a fifo be there by now, nobody waits.
Opened open_entry(int directory, const std::string& name, const std::string& path) {
    FileDescriptor descriptor{
        ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)};
    if (!descriptor) throw unreachable(WalkGoal::file, path, errno);
    const auto status = status_of(descriptor.get(), path);
    if (!S_ISREG(status.st_mode)) throw no_regular_file(path);
    return {std::move(descriptor), status};
}

/// Opens a name that was looked at and found to be a regular file; and it has to be that one still.
Opened open_seen(int directory, const std::string& name, const struct stat& seen, const std::string& path) {
    // Looked at first: to open a device can be to do something.
    if (!S_ISREG(seen.st_mode)) throw no_regular_file(path);
    auto opened = open_entry(directory, name, path);
    if (opened.status.st_dev != seen.st_dev || opened.status.st_ino != seen.st_ino) {
        throw Error(plugin_diagnostics::changed, "the file was replaced while it was opened",
                    "Run the command again; nothing has been loaded")
            .with_location(printable(path));
    }
    return opened;
}

TrustedFile as_file(Opened opened) {
    return {std::move(opened.descriptor), FileIdentity::of(opened.status), opened.status.st_uid};
}

}  // namespace

FileIdentity FileIdentity::of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
            nanoseconds(status.st_ctim)};
}

TrustedDirectory open_trusted_directory(const std::string& path, const TrustRules& rules) {
    const auto walk = walk_to(path, WalkGoal::directory, rules);
    FileDescriptor descriptor{::openat(walk.end.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!descriptor) throw unreachable(WalkGoal::directory, path, errno);
    return {std::move(descriptor), FileIdentity::of(walk.last().status), path};
}

TrustedFile open_trusted_file(const TrustedDirectory& directory, const std::string& name, const TrustRules& rules,
                              EntryHint hint) {
    const auto path = (directory.path == "/" ? "" : directory.path) + "/" + name;
    const int in = directory.descriptor.get();
    Opened opened;
    if (hint == EntryHint::regular_file) {
        opened = open_entry(in, name, path);
    } else {
        struct stat entry {};
        if (::fstatat(in, name.c_str(), &entry, AT_SYMLINK_NOFOLLOW) != 0) {
            throw unreachable(WalkGoal::file, path, errno);
        }
        if (S_ISLNK(entry.st_mode)) return open_end(walk_to(path, WalkGoal::file, rules));
        opened = open_seen(in, name, entry, path);
    }
    const auto refusal =
        distrust(opened.descriptor.get(), opened.status, {TrustedKind::plugin_file, path, path}, rules);
    if (refusal) throw *refusal;
    return as_file(std::move(opened));
}

TrustedFile open_end(const Walk& walk) {
    const auto& last = walk.last();
    if (!walk.directory) throw no_regular_file(last.path);
    return as_file(open_seen(walk.directory.get(), walk.name, last.status, last.path));
}

}  // namespace berth::inline host_v1

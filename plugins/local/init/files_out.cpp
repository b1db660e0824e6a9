// Downloads, the inner side: what lies at each path, directories with everything below, links as links.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../directory_entry.hpp"
#include "files.hpp"

namespace berth_init {
namespace {

constexpr int max_depth = 2048;

class Download {
public:
    explicit Download(FileStream& stream) : stream_(stream) {}
    bool give(std::uint32_t operation, std::string_view path);

private:
    bool give_entry(int parent, const char* name, const struct stat& info, int depth);
    bool give_file(int file, const struct stat& before);
    bool give_content(int file, const struct stat& before);
    bool give_directory(int directory, const struct stat& info, int depth);
    bool give_link(int parent, const char* name, const struct stat& info);
    bool skip(const struct stat& info);
    void entry(protocol::Kind kind, const struct stat& info, std::string_view target, std::string_view content,
               std::uint32_t flags);
    bool fail(int error) { return stream_.fail(protocol::Stage::file, error, operation_, shown()); }
    bool changed() { return stream_.fail(protocol::Stage::changed, ESTALE, operation_, shown()); }
    // The path for messages: what was named, and where below it.
    std::string_view shown() {
        shown_.clear();
        shown_.append(named_.data(), named_.size());
        if (below_.size() > 0) {
            shown_.append("/", 1);
            shown_.append(below_.data(), below_.size());
        }
        return {shown_.data(), shown_.size()};
    }

    FileStream& stream_;
    std::uint32_t operation_ = 0;
    std::string_view named_;
    Buffer below_;  // path below what was named
    Buffer shown_;
    Buffer content_;
};

bool same(const struct stat& a, const struct stat& b) {
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

bool Download::give(std::uint32_t operation, std::string_view path) {
    operation_ = operation;
    named_ = path;
    below_.clear();
    struct stat info {};
    // The text ends in its NUL (see Reader::text). A link at the named path itself is followed.
    if (stat(path.data(), &info) != 0) {
        return fail(errno);
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        return stream_.fail(protocol::Stage::unsupported, EINVAL, operation_, path);
    }
    const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int opened = open(path.data(), flags);
    if (opened < 0) {
        return fail(errno);
    }
    if (fstat(opened, &info) != 0 || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
        close(opened);
        return changed();
    }
    return S_ISREG(info.st_mode) ? give_file(opened, info) : give_directory(opened, info, 0);
}

bool Download::give_entry(int parent, const char* name, const struct stat& info, int depth) {
    if (S_ISLNK(info.st_mode)) {
        return give_link(parent, name, info);
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        return skip(info);
    }
    const int opened = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened < 0) {
        return errno == ENOENT ? true : fail(errno);  // gone meanwhile
    }
    struct stat now {};
    if (fstat(opened, &now) != 0 || (now.st_mode & S_IFMT) != (info.st_mode & S_IFMT)) {
        close(opened);
        return changed();
    }
    return S_ISREG(now.st_mode) ? give_file(opened, now) : give_directory(opened, now, depth);
}

bool Download::give_file(int file, const struct stat& before) {
    const bool result = give_content(file, before);
    close(file);
    return result;
}

bool Download::give_content(int file, const struct stat& before) {
    if (!content_.reserve(protocol::data_chunk)) {
        return fail(ENOMEM);
    }
    bool begun = false;
    for (;;) {
        const std::size_t wanted = begun ? protocol::data_chunk : protocol::inline_content;
        std::size_t got = 0;
        bool end = false;
        while (got < wanted && !end) {
            const ssize_t size = read(file, content_.data() + got, wanted - got);
            if (size < 0 && errno == EINTR) {
                continue;
            }
            if (size < 0) {
                return fail(errno);
            }
            end = size == 0;
            got += static_cast<std::size_t>(size);
        }
        struct stat after {};
        if (end && (fstat(file, &after) != 0 || !same(before, after))) {
            return changed();
        }
        const std::string_view bytes{content_.data(), got};
        if (!begun) {
            entry(protocol::Kind::file, before, {}, bytes, end ? protocol::entry_complete : 0);
            begun = true;
        } else if (got > 0) {
            protocol::Writer(stream_.output(), protocol::Type::data).raw(bytes.data(), bytes.size()).finish();
        }
        if (!stream_.flush_when_full()) {
            return false;
        }
        if (end) {
            protocol::Writer(stream_.output(), protocol::Type::file_end).finish();
            return true;
        }
    }
}

bool Download::give_directory(int directory, const struct stat& info, int depth) {
    if (depth == max_depth) {
        close(directory);
        return fail(ENAMETOOLONG);
    }
    entry(protocol::Kind::directory, info, {}, {}, protocol::entry_complete);
    DIR* listing = fdopendir(directory);
    if (listing == nullptr) {
        const int error = errno;
        close(directory);
        return fail(error);
    }
    bool good = true;
    const std::size_t before = below_.size();
    while (good) {
        const dirent* found = next_entry(listing);
        if (found == nullptr) {
            good = errno == 0 || fail(errno);
            break;
        }
        const std::string_view name = found->d_name;
        if (before > 0) {
            below_.append("/", 1);
        }
        below_.append(name.data(), name.size());
        struct stat there {};
        if (fstatat(dirfd(listing), found->d_name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
            good = give_entry(dirfd(listing), found->d_name, there, depth + 1) && stream_.flush_when_full();
        } else if (errno != ENOENT) {
            good = fail(errno);
        }
        below_.resize(before);
    }
    closedir(listing);
    return good;
}

bool Download::give_link(int parent, const char* name, const struct stat& info) {
    char target[4096];
    const ssize_t size = readlinkat(parent, name, target, sizeof target);
    if (size < 0) {
        return errno == ENOENT || fail(errno);
    }
    if (static_cast<std::size_t>(size) == sizeof target) {
        return fail(ENAMETOOLONG);
    }
    entry(protocol::Kind::symlink, info, {target, static_cast<std::size_t>(size)}, {}, protocol::entry_complete);
    return true;
}

bool Download::skip(const struct stat& info) {
    const char* reason = S_ISFIFO(info.st_mode) ? "a fifo" : S_ISSOCK(info.st_mode) ? "a socket" : "a device";
    protocol::Writer frame(stream_.output(), protocol::Type::skipped);
    frame.u32(operation_).text({below_.data(), below_.size()}).text(reason).finish();
    return true;
}

void Download::entry(protocol::Kind kind, const struct stat& info, std::string_view target, std::string_view content,
                     std::uint32_t flags) {
    flags |= protocol::entry_mode_known;
    if (below_.size() == 0) {
        flags |= protocol::entry_top;
    }
    // A size of 0 may be a lie: files of /proc have one and content all the same.
    if (kind == protocol::Kind::file && (info.st_size > 0 || (flags & protocol::entry_complete) != 0)) {
        flags |= protocol::entry_length_known;
    }
    const auto length =
        (flags & protocol::entry_complete) != 0 ? content.size() : static_cast<std::uint64_t>(info.st_size);
    protocol::Writer frame(stream_.output(), protocol::Type::entry);
    frame.u32(operation_)
        .u32(static_cast<std::uint32_t>(kind))
        .u32(flags)
        .u32(info.st_mode & 0777)
        .u64(length)
        .text({below_.data(), below_.size()})
        .text(target)
        .bytes(content)
        .finish();
}

}  // namespace

void give_files(FileStream& stream, protocol::Reader& paths) {
    Download download(stream);
    const std::uint32_t count = paths.u32();
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string_view path = paths.text(protocol::max_path);
        if (!paths.good() || path.empty() || path[0] != '/') {
            stream.fail(protocol::Stage::request, EPROTO, i, {});
            return;
        }
        if (!download.give(i, path)) {
            return;
        }
        protocol::Writer frame(stream.output(), protocol::Type::operation_end);
        frame.u32(i).finish();
    }
    stream.finish();
}

}  // namespace berth_init

// Uploads, the inner side: each file appears whole or not at all (placed_file.hpp).
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "files.hpp"
#include "placed_file.hpp"

namespace berth_init {
namespace {

struct Entry {
    std::uint32_t operation;
    protocol::Kind kind;
    std::uint32_t flags;
    mode_t mode;
    std::uint64_t length;  // 0 where it is not known
    std::string_view path;
    std::string_view target;
    std::string_view content;
};

struct DirectoryMode {
    std::uint32_t path_size;
    mode_t mode;
};

class Upload {
public:
    explicit Upload(FileStream& stream) : stream_(stream) {}
    ~Upload() {
        file_.abandon();
        apply_directory_modes();
        close_parent();
    }
    void run();

private:
    bool take(protocol::Type type, std::string_view payload);
    bool take_entry(const Entry& entry);
    bool begin_file(const Entry& entry);
    bool write_content(std::string_view bytes);
    bool finish_file();
    bool make_directory(const Entry& entry);
    bool make_link(const Entry& entry);
    int open_parent(std::string_view path);
    int make_parents(const char* path);
    void close_parent();
    int follow(Buffer& path);
    void remember_mode(std::string_view path, mode_t mode);
    void apply_directory_modes();
    bool fail(int error);

    FileStream& stream_;
    Buffer path_;            // of the current entry, NUL-terminated, links at its end followed
    const char* name_ = "";  // its last part
    std::uint32_t operation_ = 0;
    Buffer parent_path_;
    int parent_ = -1;
    PlacedFile file_;
    Buffer directory_modes_;  // a path with its NUL, then a DirectoryMode, again and again
};

void set_text(Buffer& buffer, std::string_view text) {
    buffer.clear();
    buffer.append(text.data(), text.size());
    buffer.append("", 1);
}

std::string_view text_of(const Buffer& buffer) {
    return buffer.size() == 0 ? std::string_view{} : std::string_view{buffer.data(), buffer.size() - 1};
}

// --- the conversation

void Upload::run() {
    protocol::Type type{};
    std::string_view payload;
    while (stream_.next(type, payload) && take(type, payload)) {
    }
}

bool Upload::take(protocol::Type type, std::string_view payload) {
    protocol::Reader reader(payload);
    switch (type) {
        case protocol::Type::entry: {
            Entry entry{};
            entry.operation = reader.u32();
            entry.kind = static_cast<protocol::Kind>(reader.u32());
            entry.flags = reader.u32();
            entry.mode = static_cast<mode_t>(reader.u32() & 0777);
            entry.length = reader.u64();
            entry.path = reader.text(protocol::max_path);
            entry.target = reader.text(protocol::max_path);
            entry.content = reader.bytes(protocol::max_frame);
            operation_ = entry.operation;
            if (!reader.finished() || entry.path.empty() || entry.path[0] != '/' || file_.begun()) {
                return stream_.fail(protocol::Stage::request, EPROTO, operation_, entry.path);
            }
            return take_entry(entry);
        }
        case protocol::Type::data:
            return write_content(payload);
        case protocol::Type::file_end:
            return finish_file();
        case protocol::Type::file_abort:
            file_.abandon();
            return true;
        case protocol::Type::operation_end: {
            apply_directory_modes();
            protocol::Writer frame(stream_.output(), protocol::Type::acknowledged);
            frame.u32(reader.u32()).finish();
            return reader.finished() && stream_.flush();
        }
        case protocol::Type::end:
            apply_directory_modes();
            stream_.finish();
            return false;
        default:
            return stream_.fail(protocol::Stage::request, EPROTO, operation_, {});
    }
}

bool Upload::take_entry(const Entry& entry) {
    set_text(path_, entry.path);
    const bool follows = (entry.flags & protocol::entry_top) != 0 && entry.kind == protocol::Kind::file;
    if (const int error = follows ? follow(path_) : 0; error != 0) {
        return fail(error);
    }
    if (path_.failed()) {
        return fail(ENOMEM);
    }
    const std::string_view path = text_of(path_);
    const std::size_t slash = path.rfind('/');
    name_ = path_.data() + slash + 1;
    if (*name_ == 0) {
        return entry.kind == protocol::Kind::directory || fail(EISDIR);
    }
    if (const int error = open_parent(path.substr(0, slash == 0 ? 1 : slash)); error != 0) {
        return fail(error);
    }
    switch (entry.kind) {
        case protocol::Kind::file:
            return begin_file(entry);
        case protocol::Kind::directory:
            return make_directory(entry);
        case protocol::Kind::symlink:
            return make_link(entry);
    }
    return stream_.fail(protocol::Stage::request, EPROTO, operation_, entry.path);
}

bool Upload::fail(int error) {
    const std::string_view path = text_of(path_);
    file_.abandon();
    return stream_.fail(protocol::Stage::file, error, operation_, path);
}

// --- files

bool Upload::begin_file(const Entry& entry) {
    const bool complete = (entry.flags & protocol::entry_complete) != 0;
    struct stat there {};
    // What comes in one piece learns the same from the rename.
    if (!complete && fstatat(parent_, name_, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode)) {
        return fail(EISDIR);
    }
    if (const int error = file_.begin(parent_, (entry.flags & protocol::entry_mode_known) != 0 ? entry.mode : 0644);
        error != 0) {
        return fail(error);
    }
    if (!complete) {
        file_.expect(entry.length);
    }
    return write_content(entry.content) && (!complete || finish_file());
}

bool Upload::write_content(std::string_view bytes) {
    if (!file_.begun()) {
        return stream_.fail(protocol::Stage::request, EPROTO, operation_, {});
    }
    const int error = file_.write_all(bytes);
    return error == 0 || fail(error);
}

bool Upload::finish_file() {
    if (!file_.begun()) {
        return stream_.fail(protocol::Stage::request, EPROTO, operation_, {});
    }
    const int error = file_.finish(name_);
    return error == 0 || fail(error);
}

// --- directories and links

bool Upload::make_directory(const Entry& entry) {
    const mode_t mode = (entry.flags & protocol::entry_mode_known) != 0 ? entry.mode : 0755;
    // Its own content must still go in, so the owner's rights are taken away only at the end.
    if (mkdirat(parent_, name_, mode | 0700) == 0) {
        if ((mode & 0700) != 0700) {
            remember_mode(text_of(path_), mode);
        }
        return true;
    }
    if (errno != EEXIST) {
        return fail(errno);
    }
    struct stat there {};
    if (fstatat(parent_, name_, &there, 0) != 0 || !S_ISDIR(there.st_mode)) {
        return fail(ENOTDIR);
    }
    return true;
}

bool Upload::make_link(const Entry& entry) {
    Buffer target;
    set_text(target, entry.target);
    if (target.failed()) {
        return fail(ENOMEM);
    }
    if (symlinkat(target.data(), parent_, name_) == 0) {
        return true;
    }
    if (errno != EEXIST) {
        return fail(errno);
    }
    const char* const temporary = file_.next_temporary();
    if (symlinkat(target.data(), parent_, temporary) != 0) {
        return fail(errno);
    }
    if (renameat(parent_, temporary, parent_, name_) != 0) {
        const int error = errno;
        unlinkat(parent_, temporary, 0);
        return fail(error);
    }
    return true;
}

void Upload::remember_mode(std::string_view path, mode_t mode) {
    const DirectoryMode last{static_cast<std::uint32_t>(path.size() + 1), mode};
    directory_modes_.append(path.data(), path.size());
    directory_modes_.append("", 1);
    directory_modes_.append(reinterpret_cast<const char*>(&last), sizeof last);
}

// Parents came before children, and a parent may keep us from its children: so from the last to the first.
void Upload::apply_directory_modes() {
    std::size_t end = directory_modes_.size();
    while (end > sizeof(DirectoryMode)) {
        DirectoryMode last{};
        end -= sizeof last;
        std::memcpy(&last, directory_modes_.data() + end, sizeof last);
        end -= last.path_size;
        chmod(directory_modes_.data() + end, last.mode);
    }
    directory_modes_.clear();
}

// --- where

// The directory `path`, made when missing, as parent_. Returns 0 or an errno.
int Upload::open_parent(std::string_view path) {
    if (parent_ >= 0 && text_of(parent_path_) == path) {
        return 0;
    }
    close_parent();
    set_text(parent_path_, path);
    if (parent_path_.failed()) {
        return ENOMEM;
    }
    parent_ = open(parent_path_.data(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent_ < 0 && errno == ENOENT) {
        if (const int error = make_parents(parent_path_.data()); error != 0) {
            return error;
        }
        parent_ = open(parent_path_.data(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return parent_ < 0 ? errno : 0;
}

int Upload::make_parents(const char* path) {
    Buffer part;
    const std::size_t size = std::strlen(path);
    for (std::size_t end = 1; end <= size; ++end) {
        if (path[end] != '/' && path[end] != 0) {
            continue;
        }
        set_text(part, {path, end});
        if (part.failed()) {
            return ENOMEM;
        }
        if (mkdir(part.data(), 0755) != 0 && errno != EEXIST) {
            // A directory that may not be written to is no obstacle when what is asked of it is there.
            const int error = errno;
            struct stat there {};
            if (stat(part.data(), &there) != 0 || !S_ISDIR(there.st_mode)) {
                return error;
            }
        }
    }
    return 0;
}

void Upload::close_parent() {
    if (parent_ >= 0) {
        close(parent_);
        parent_ = -1;
    }
}

// A link at the end of a path that the caller named is followed, here inside the sandbox; it may point to nothing yet.
int Upload::follow(Buffer& path) {
    char target[4096];
    for (int depth = 0; depth < 40; ++depth) {
        struct stat there {};
        if (lstat(path.data(), &there) != 0 || !S_ISLNK(there.st_mode)) {
            return !S_ISDIR(there.st_mode) ? 0 : EISDIR;
        }
        const ssize_t size = readlink(path.data(), target, sizeof target);
        if (size <= 0 || static_cast<std::size_t>(size) == sizeof target) {
            return size < 0 ? errno : ENAMETOOLONG;
        }
        const std::string_view text{target, static_cast<std::size_t>(size)};
        if (text[0] == '/') {
            set_text(path, text);
        } else {
            path.resize(text_of(path).rfind('/') + 1);
            path.append(text.data(), text.size());
            path.append("", 1);
        }
        if (path.failed()) {
            return ENOMEM;
        }
    }
    return ELOOP;
}

}  // namespace

void take_files(FileStream& stream) {
    Upload upload(stream);
    upload.run();
}

}  // namespace berth_init

#include "upload.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "../base/directory.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

// O_NONBLOCK: a fifo that took a file's place must not hold us up.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr unsigned permission_bits = 0777;
constexpr unsigned mode_of_content = 0644;
/// Files of /proc and /sys say length 0 and have content all the same; beyond this they are no such files.
constexpr std::size_t most_of_sizeless = std::size_t{16} << 20U;

/// Directories can be entered by whoever may read them.
unsigned directory_mode(unsigned permissions) {
    return permissions | ((permissions & 0444U) >> 2U);
}

ssize_t read_some(int descriptor, std::byte* target, std::size_t size) {
    ssize_t got = 0;
    do {
        got = ::read(descriptor, target, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

bool same_moment(const timespec& one, const timespec& other) {
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

}  // namespace

struct HostFileSource::Current {
    FileDescriptor descriptor;  ///< none: `content`
    struct stat status {};
    std::string_view content;
    std::string sizeless;  ///< what `content` is of a file that does not tell its size
    std::uint64_t position = 0;
    std::uint64_t size = 0;
};

std::uint64_t known_size(std::span<const FileOperation> operations) {
    std::uint64_t total = 0;
    for (const auto& operation : operations) {
        struct stat status {};
        if (operation.content) {
            total += operation.content->size();
        } else if (::stat(operation.local_path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
            total += static_cast<std::uint64_t>(status.st_size);
        } else {
            return 0;
        }
    }
    return total;
}

HostFileSource::HostFileSource(std::span<const FileOperation> operations, Transfer& transfer)
    : operations_(operations), transfer_(transfer) {}

HostFileSource::~HostFileSource() = default;

std::optional<FileEntry> HostFileSource::next() {
    auto found = next_entry();
    if (found) given_ = true;
    return found;
}

std::optional<FileEntry> HostFileSource::next_entry() {
    current_.reset();
    while (!directories_.empty()) {
        auto& directory = directories_.back();
        if (!directory.names.empty()) {
            const auto name = std::move(directory.names.back());
            directory.names.pop_back();
            host_path_.resize(directory.host_length);
            sandbox_path_.resize(directory.sandbox_length);
            return child(name);
        }
        directories_.pop_back();
    }
    if (begun_ == operations_.size()) return std::nullopt;
    operation_ = begun_++;
    return begin_operation();
}

FileEntry HostFileSource::begin_operation() {
    host_path_ = operation().local_path;
    sandbox_path_ = operation().sandbox_path;
    transfer_.moved(sandbox_path_, 0);
    if (operation().content) {
        current_ = std::make_unique<Current>();
        current_->content = *operation().content;
        current_->size = current_->content.size();
        auto result = entry(FileEntry::Kind::file, true);
        result.length = current_->size;
        result.mode = operation().permissions.value_or(mode_of_content);
        return result;
    }
    // Looked at before it is opened: opening a device can set it going.
    struct stat status {};
    if (::stat(host_path_.c_str(), &status) != 0) throw failure("read this file", errno);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) throw special();
    FileDescriptor descriptor{::open(host_path_.c_str(), open_flags)};
    if (!descriptor) throw failure("open this file", errno);
    return S_ISDIR(status.st_mode) ? directory(std::move(descriptor), true) : file(std::move(descriptor), true);
}

void HostFileSource::enter(const std::string& name) {
    if (!host_path_.ends_with('/')) host_path_ += '/';
    host_path_ += name;
    if (!sandbox_path_.ends_with('/')) sandbox_path_ += '/';
    sandbox_path_ += name;
}

FileEntry HostFileSource::child(const Name& name) {
    const int parent = directories_.back().descriptor.get();
    enter(name.text);
    transfer_.moved(sandbox_path_, 0);
    auto type = name.type;
    if (type == DT_UNKNOWN) {
        struct stat status {};
        if (::fstatat(parent, name.text.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            throw errno == ENOENT ? changed() : failure("look at this file", errno);
        type = static_cast<unsigned char>(IFTODT(status.st_mode));
    }
    if (type == DT_LNK) return link(parent, name.text);
    if (type != DT_REG && type != DT_DIR) throw special();
    const int kind_flag = type == DT_DIR ? O_DIRECTORY : 0;
    FileDescriptor descriptor{::openat(parent, name.text.c_str(), open_flags | O_NOFOLLOW | kind_flag)};
    if (!descriptor) {
        // It was there a moment ago, and of this kind.
        if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR) throw changed();
        throw failure("open this file", errno);
    }
    return type == DT_DIR ? directory(std::move(descriptor), false) : file(std::move(descriptor), false);
}

FileEntry HostFileSource::entry(FileEntry::Kind kind, bool top) const {
    FileEntry result;
    result.kind = kind;
    result.operation = operation_;
    result.top = top;
    result.path = sandbox_path_;
    return result;
}

FileEntry HostFileSource::file(FileDescriptor descriptor, bool top) {
    auto current = std::make_unique<Current>();
    if (::fstat(descriptor.get(), &current->status) != 0) throw failure("look at this file", errno);
    if (!S_ISREG(current->status.st_mode)) throw special();
    current->size = static_cast<std::uint64_t>(current->status.st_size);
    current->descriptor = std::move(descriptor);
    if (current->size == 0) {
        std::array<std::byte, 65536> buffer{};
        while (const auto got = read_some(current->descriptor.get(), buffer.data(), buffer.size())) {
            if (got < 0) throw failure("read this file", errno);
            const auto* bytes = static_cast<const char*>(static_cast<const void*>(buffer.data()));
            current->sizeless.append(bytes, static_cast<std::size_t>(got));
            if (current->sizeless.size() > most_of_sizeless) throw changed();
        }
        current->descriptor.reset();
        current->content = current->sizeless;
        current->size = current->content.size();
    }
    auto result = entry(FileEntry::Kind::file, top);
    result.length = current->size;
    result.mode = operation().permissions.value_or(current->status.st_mode & permission_bits);
    current_ = std::move(current);
    return result;
}

FileEntry HostFileSource::directory(FileDescriptor descriptor, bool top) {
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) throw failure("look at this directory", errno);
    Directory opened{std::move(descriptor), {}, host_path_.size(), sandbox_path_.size()};
    const auto stream = read_directory(opened.descriptor);
    if (!stream) throw failure("read this directory", errno);
    while (const auto* item = read_entry(stream)) {
        opened.names.push_back({item->d_name, item->d_type});
    }
    if (errno != 0) throw failure("read this directory", errno);
    std::sort(opened.names.begin(), opened.names.end(),
              [](const Name& one, const Name& other) { return one.text > other.text; });
    directories_.push_back(std::move(opened));
    auto result = entry(FileEntry::Kind::directory, top);
    const auto& permissions = operation().permissions;
    result.mode = permissions ? directory_mode(*permissions) : status.st_mode & permission_bits;
    return result;
}

FileEntry HostFileSource::link(int parent, const std::string& name) {
    std::array<char, 4096> buffer{};
    const auto size = ::readlinkat(parent, name.c_str(), buffer.data(), buffer.size());
    if (size < 0) throw errno == EINVAL || errno == ENOENT ? changed() : failure("read this link", errno);
    link_target_.assign(buffer.data(), static_cast<std::size_t>(size));
    auto result = entry(FileEntry::Kind::symlink, false);
    result.link_target = link_target_;
    return result;
}

std::size_t HostFileSource::read(std::span<std::byte> buffer) {
    if (!current_ || buffer.empty() || current_->position == current_->size) return 0;
    auto& current = *current_;
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), current.size - current.position));
    std::size_t count = wanted;
    if (current.descriptor) {
        const auto got = read_some(current.descriptor.get(), buffer.data(), wanted);
        if (got < 0) throw failure("read this file", errno);
        if (got == 0) throw changed();
        count = static_cast<std::size_t>(got);
    } else {
        std::memcpy(buffer.data(), current.content.data() + current.position, wanted);
    }
    current.position += count;
    // With the last bytes, not after them: a plugin that knows the length never asks for the end.
    if (current.position == current.size && current.descriptor) check_unchanged();
    transfer_.moved(sandbox_path_, count);
    return count;
}

void HostFileSource::check_unchanged() const {
    struct stat status {};
    if (::fstat(current_->descriptor.get(), &status) != 0) throw failure("look at this file", errno);
    const auto& before = current_->status;
    if (status.st_size != before.st_size || !same_moment(status.st_mtim, before.st_mtim)) throw changed();
}

bool HostFileSource::rewind() {
    if (!current_) return false;
    if (current_->descriptor && ::lseek(current_->descriptor.get(), 0, SEEK_SET) != 0) return false;
    current_->position = 0;
    return true;
}

void HostFileSource::done(std::uint64_t operation) {
    if (operation < operations_.size()) operations_done_ = std::max(operations_done_, operation + 1);
}

Error HostFileSource::failure(std::string_view act, int error_number) const {
    return file_system_error(engine_diagnostics::cannot_read, act, error_number, host_path_, operation_);
}

Error HostFileSource::changed() const {
    return file_error(engine_diagnostics::changed_meanwhile, Code::conflict, "this file changed while it was copied",
                      host_path_, operation_, "Copy again when nobody writes it");
}

Error HostFileSource::special() const {
    return file_error(engine_diagnostics::special_file, Code::unsupported,
                      "this is neither a file nor a directory nor a link", host_path_, operation_,
                      "Leave fifos, sockets and devices out of what is copied");
}

}  // namespace berth::inline host_v1

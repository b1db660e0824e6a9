#include "claim_holder.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <sstream>

#include "descriptor.hpp"
#include "failure.hpp"
#include "process_id.hpp"

namespace berth_local {
namespace {

constexpr std::string_view first_word = "berth-claim-1";
constexpr std::string_view nothing = "-";

// The same after a reboot and wherever it is mounted, as far as the file system has such a number.
std::string name_of_file_system(int directory) {
    struct statfs info {};
    struct stat status {};
    if (::fstatfs(directory, &info) != 0 || ::fstat(directory, &status) != 0) {
        return "";
    }
    int number[2];
    static_assert(sizeof number == sizeof info.f_fsid);
    std::memcpy(number, &info.f_fsid, sizeof number);
    char text[80];
    const bool unnumbered = number[0] == 0 && number[1] == 0;
    std::snprintf(text, sizeof text, "%lx:%x:%x:%llx", static_cast<unsigned long>(info.f_type),
                  static_cast<unsigned>(number[0]), static_cast<unsigned>(number[1]),
                  unnumbered ? static_cast<unsigned long long>(status.st_dev) : 0ULL);
    return text;
}

bool is_in_memory(int directory) {
    struct statfs info {};
    return ::fstatfs(directory, &info) == 0 && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

// A file handle of the kernel's, with room for the largest.
class Handle {
public:
    Handle() : bytes_(new char[sizeof(file_handle) + MAX_HANDLE_SZ]()), handle_(new (bytes_.get()) file_handle{}) {
        handle_->handle_bytes = MAX_HANDLE_SZ;
    }
    [[nodiscard]] file_handle* get() const { return handle_; }
    // "TYPE:HEX", and back.
    [[nodiscard]] std::string text() const {
        std::string text = std::to_string(handle_->handle_type) + ":";
        for (unsigned i = 0; i < handle_->handle_bytes; ++i) {
            char hex[3];
            std::snprintf(hex, sizeof hex, "%02x", handle_->f_handle[i]);
            text += hex;
        }
        return text;
    }
    [[nodiscard]] bool parse(const std::string& text) const {
        const std::size_t colon = text.find(':');
        const std::size_t digits = colon == std::string::npos ? 0 : text.size() - colon - 1;
        if (digits == 0 || digits % 2 != 0 || digits / 2 > MAX_HANDLE_SZ ||
            std::sscanf(text.c_str(), "%d", &handle_->handle_type) != 1) {
            return false;
        }
        handle_->handle_bytes = static_cast<unsigned>(digits / 2);
        for (unsigned i = 0; i < handle_->handle_bytes; ++i) {
            unsigned byte = 0;
            if (std::sscanf(text.c_str() + colon + 1 + std::size_t{2} * i, "%2x", &byte) != 1) {
                return false;
            }
            handle_->f_handle[i] = static_cast<unsigned char>(byte);
        }
        return true;
    }

private:
    std::unique_ptr<char[]> bytes_;
    file_handle* handle_;
};

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

struct Above {
    Descriptor directory;
    std::string path;
};

// The nearest directory above that there is.
Above nearest_above(const std::string& path) {
    std::string above = parent_of(path);
    for (;;) {
        Descriptor directory(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory || above == "/" || (errno != ENOENT && errno != ENOTDIR)) {
            return {std::move(directory), above};
        }
        above = parent_of(above);
    }
}

enum class Sought { found, gone, cannot_tell };

Sought seek(int on_file_system, const std::string& handle_text) {
    const Handle handle;
    if (handle_text.empty() || !handle.parse(handle_text)) {
        return Sought::cannot_tell;
    }
    const Descriptor found(::open_by_handle_at(on_file_system, handle.get(), O_PATH | O_CLOEXEC));
    if (!found) {
        return errno == ESTALE ? Sought::gone : Sought::cannot_tell;
    }
    struct stat status {};
    return ::fstat(found.get(), &status) == 0 && status.st_nlink == 0 ? Sought::gone : Sought::found;
}

const std::string& or_nothing(const std::string& word) {
    static const std::string none(nothing);
    return word.empty() ? none : word;
}

}  // namespace

ClaimHolder claim_holder(const std::string& path, std::uint32_t ids) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        throw system_failure("cannot open " + path, errno);
    }
    ClaimHolder holder{path, ids, name_of_file_system(directory.get()), {}, {}};
    if (is_in_memory(directory.get())) {
        holder.memory_boot = this_boot();
    }
    const Handle handle;
    int mount = 0;
    if (::name_to_handle_at(directory.get(), "", handle.get(), &mount, AT_EMPTY_PATH) == 0) {
        holder.handle = handle.text();
    }
    return holder;
}

std::string to_text(const ClaimHolder& holder) {
    std::string text(first_word);
    text += " " + std::to_string(holder.ids) + " " + or_nothing(holder.file_system) + " " +
            or_nothing(holder.memory_boot) + " " + or_nothing(holder.handle) + " " + holder.path;
    return text;
}

ClaimHolder parse_claim_holder(std::string_view text) {
    ClaimHolder holder;
    std::istringstream words{std::string(text)};
    std::string first;
    if (!(words >> first >> holder.ids >> holder.file_system >> holder.memory_boot >> holder.handle) ||
        first != first_word || words.get() != ' ') {
        return {std::string(text), 1, {}, {}, {}};
    }
    for (std::string* word : {&holder.file_system, &holder.memory_boot, &holder.handle}) {
        *word = *word == nothing ? "" : *word;
    }
    holder.path = text.substr(static_cast<std::size_t>(words.tellg()));
    return holder;
}

bool may_be_there(const ClaimHolder& holder) {
    struct stat status {};
    if (::lstat(holder.path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
        return true;
    }
    if (!holder.memory_boot.empty() && holder.memory_boot != this_boot()) {
        return false;
    }
    const Above above = nearest_above(holder.path);
    const bool beside = above.path == parent_of(holder.path);
    if (!above.directory) {
        return true;
    }
    if (holder.file_system.empty()) {
        return !beside;
    }
    if (name_of_file_system(above.directory.get()) != holder.file_system) {
        return true;  // its own is not mounted there now
    }
    switch (seek(above.directory.get(), holder.handle)) {
        case Sought::found:
            return true;
        case Sought::gone:
            return false;
        case Sought::cannot_tell:
            break;
    }
    return !beside;  // when the directories above are gone, too, they may have been moved
}

}  // namespace berth_local

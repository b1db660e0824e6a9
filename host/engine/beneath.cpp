#include "beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace berth::inline host_v1 {

bool is_plain_path(std::string_view path) noexcept {
    if (path.empty() || path.find('\0') != std::string_view::npos) return false;
    while (true) {
        const auto slash = path.find('/');
        const auto step = path.substr(0, slash);
        if (step.empty() || step == "." || step == "..") return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

Opened open_directory_stepwise(int root, const std::string& path) {
    FileDescriptor here{::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!here) return {{}, errno};
    for (std::string_view left = path; !left.empty();) {
        const auto slash = left.find('/');
        const std::string step{left.substr(0, slash)};
        left.remove_prefix(slash == std::string_view::npos ? left.size() : slash + 1);
        FileDescriptor next{::openat(here.get(), step.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!next) return {{}, errno};
        struct stat status {};
        if (::fstat(next.get(), &status) != 0) return {{}, errno};
        if (S_ISLNK(status.st_mode)) return {{}, ELOOP};
        if (!S_ISDIR(status.st_mode)) return {{}, ENOTDIR};
        here = std::move(next);
    }
    return {std::move(here), 0};
}

Opened open_directory_beneath(int root, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const auto descriptor = ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (descriptor >= 0) return {FileDescriptor{static_cast<int>(descriptor)}, 0};
    // ENOSYS: an old kernel; EPERM: a filter that does not know the call. A refusal of the path itself is final.
    if (errno != ENOSYS && errno != EPERM) return {{}, errno};
    return open_directory_stepwise(root, path);
}

}  // namespace berth::inline host_v1

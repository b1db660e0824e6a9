#include "trust.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <optional>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

Error error_at(const Diagnostic& diagnostic, Code code, const std::string& path, std::string message,
               std::string hint) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    fields.location = printable(path);
    return {diagnostic, code, std::move(fields)};
}

Error error_at(const Diagnostic& diagnostic, const std::string& path, std::string message, std::string hint) {
    return error_at(diagnostic, diagnostic.code, path, std::move(message), std::move(hint));
}

FileIdentity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

std::string mode_text(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
    return text.data();
}

/// A private group has the number of its only member: what user-private-group systems make.
bool group_is_harmless(const struct stat& status) {
    return status.st_gid == 0 || status.st_gid == status.st_uid;
}

void check_trust(const struct stat& status, const std::string& path, std::string_view kind, const TrustRules& rules) {
    if (status.st_uid != 0 && status.st_uid != rules.self) {
        throw error_at(plugin_diagnostics::foreign_owner, path,
                       "this plugin " + std::string(kind) + " belongs to user " + std::to_string(status.st_uid) +
                           ", expected root or user " + std::to_string(rules.self) + " who runs Berth",
                       "If you trust it: chown " + std::to_string(rules.self) + " " + quoted(path));
    }
    const bool by_all = (status.st_mode & S_IWOTH) != 0;
    const bool by_group = (status.st_mode & S_IWGRP) != 0 && !group_is_harmless(status);
    if (by_all || by_group) {
        throw error_at(plugin_diagnostics::writable_by_others, path,
                       "this plugin " + std::string(kind) + " can be changed by " +
                           (by_all ? std::string("everybody") : "group " + std::to_string(status.st_gid)) + " (mode " +
                           mode_text(status.st_mode) + "), expected to be writable by its owner only",
                       "If you trust what is in it now: chmod go-w " + quoted(path));
    }
}

struct stat status_of(int descriptor, const std::string& path) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        throw error_at(plugin_diagnostics::unreadable, path, "cannot be examined: " + system_message(errno),
                       "Check the file system it lies on");
    }
    return status;
}

/// The directory in which an opened file really lies, when a symbolic link led to it.
std::string directory_behind(int descriptor, const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const auto link = "/proc/self/fd/" + std::to_string(descriptor);
    const auto length = ::readlink(link.c_str(), target.data(), target.size());
    if (length <= 0 || static_cast<std::size_t>(length) >= target.size() || target[0] != '/') {
        throw error_at(plugin_diagnostics::unreadable, path, "the file behind this symbolic link has no known place",
                       "Put the file itself into the plugin directory");
    }
    std::string real(target.data(), static_cast<std::size_t>(length));
    real.resize(std::max<std::size_t>(1, real.rfind('/')));
    return real;
}

}  // namespace

TrustRules TrustRules::of_this_process() noexcept {
    return {::geteuid()};
}

TrustedDirectory open_trusted_directory(const std::string& path, const TrustRules& rules) {
    FileDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!descriptor) {
        const int reason = errno;
        throw error_at(plugin_diagnostics::bad_directory, code_of_errno(reason), path,
                       "this plugin directory cannot be read: " + system_message(reason),
                       reason == ENOENT ? "Make it, or take it off the search path" : "Check the path and its mode");
    }
    const auto status = status_of(descriptor.get(), path);
    check_trust(status, path, "directory", rules);
    return {std::move(descriptor), identity_of(status), path};
}

TrustedFile open_trusted_file(const TrustedDirectory& directory, const std::string& name, const TrustRules& rules) {
    const auto path = directory.path + "/" + name;
    struct stat entry {};
    const bool is_link =
        ::fstatat(directory.descriptor.get(), name.c_str(), &entry, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(entry.st_mode);
    // O_NONBLOCK: a fifo named x.so must not make everybody wait for a writer.
    FileDescriptor descriptor{
        ::openat(directory.descriptor.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!descriptor) {
        const int reason = errno;
        throw error_at(plugin_diagnostics::unreadable, code_of_errno(reason), path,
                       "cannot be opened: " + system_message(reason), "Check that it is there and may be read");
    }
    const auto status = status_of(descriptor.get(), path);
    if (!S_ISREG(status.st_mode)) {
        throw error_at(plugin_diagnostics::unreadable, Code::invalid_argument, path,
                       "is not a regular file, so it is no plugin", "Remove it, or give it another name than *.so");
    }
    check_trust(status, path, "file", rules);
    if (is_link) {
        // Whoever may rename files where the link leads can put another file there.
        const auto real = directory_behind(descriptor.get(), path);
        const auto checked = open_trusted_directory(real, rules);
    }
    return {std::move(descriptor), identity_of(status)};
}

}  // namespace berth::inline host_v1

#include "ownership.hpp"

#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "private_group.hpp"

namespace berth::inline host_v1 {

namespace {

std::string words_for(const Judged& judged) {
    switch (judged.kind) {
        case TrustedKind::plugin_file:
            return "this plugin file";
        case TrustedKind::plugin_directory:
            return "this plugin directory";
        case TrustedKind::directory_above:
            return "this directory on the way to " + quoted(judged.target);
        case TrustedKind::link:
            return "this link on the way to " + quoted(judged.target);
    }
    return "this";
}

/// An access list can let in more than the group whose bits it borrows.
bool has_access_list(int descriptor) {
    // Through /proc, because a descriptor that was opened with O_PATH is asked nothing.
    const auto path = "/proc/self/fd/" + std::to_string(descriptor);
    return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

/// Who else may write, and the command that ends it.
struct Writers {
    std::string words;
    std::string remedy;
};

Writers other_writers(int descriptor, const struct stat& status) {
    if ((status.st_mode & S_IWOTH) != 0) return {"everybody", "chmod go-w"};
    if ((status.st_mode & S_IWGRP) == 0) return {};
    if (status.st_gid != 0 && !is_private_group(status.st_uid, status.st_gid)) {
        return {"group " + std::to_string(status.st_gid) + ", which is not the owner's private one", "chmod g-w"};
    }
    if (has_access_list(descriptor)) return {"those whom its access list names", "setfacl -b"};
    return {};
}

Error error_at(const Diagnostic& diagnostic, std::string_view path, std::string message, std::string hint) {
    return Error(diagnostic, std::move(message), std::move(hint)).with_location(printable(path));
}

}  // namespace

TrustRules TrustRules::of_this_process() {
    std::array<char, PATH_MAX> program{};
    const auto length = ::readlink("/proc/self/exe", program.data(), program.size());
    const bool known = length > 0 && static_cast<std::size_t>(length) < program.size();
    const std::string path(program.data(), known ? static_cast<std::size_t>(length) : 0);
    return {::geteuid(), path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/'))};
}

bool TrustRules::is_above_program(const std::string& directory) const {
    if (!program_directory.starts_with(directory)) return false;
    return directory == "/" || directory.size() == program_directory.size() ||
           program_directory[directory.size()] == '/';
}

std::string mode_text(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
    return text.data();
}

std::optional<Error> distrust(int descriptor, const struct stat& status, const Judged& judged,
                              const TrustRules& rules) {
    const bool link = S_ISLNK(status.st_mode);
    if (status.st_uid != 0 && status.st_uid != rules.self) {
        return error_at(plugin_diagnostics::foreign_owner, judged.path,
                        words_for(judged) + " belongs to user " + std::to_string(status.st_uid) +
                            ", expected root or user " + std::to_string(rules.self) + " who runs Berth",
                        std::string("If you trust it: chown ") + (link ? "-h " : "") + std::to_string(rules.self) +
                            " " + quoted(judged.path));
    }
    if (link) return std::nullopt;  // its mode means nothing
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return std::nullopt;
    const auto writers = other_writers(descriptor, status);
    if (writers.words.empty()) return std::nullopt;
    return error_at(plugin_diagnostics::writable_by_others, judged.path,
                    words_for(judged) + " can be changed by " + writers.words + " (mode " + mode_text(status.st_mode) +
                        "), expected to be writable by its owner only",
                    "If you trust what is in it now: " + writers.remedy + " " + quoted(judged.path));
}

}  // namespace berth::inline host_v1

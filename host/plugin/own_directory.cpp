#include "own_directory.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "../base/text.hpp"

namespace berth::inline host_v1 {

namespace {

[[noreturn]] void cannot(const OwnDirectoryWords& words, const std::string& what, const std::string& where,
                         int reason) {
    ErrorFields fields;
    fields.message = std::string(words.failed) + ": " + what + " " + quoted(where) +
                     (reason == 0 ? std::string() : ": " + system_message(reason));
    fields.hint = "Set " + std::string(words.variable) + " to a directory of your own with room in it";
    throw Error(words.diagnostic, reason == 0 ? Code::permission_denied : code_of_errno(reason), std::move(fields));
}

TrustedDirectory open_or_explain(const std::string& path, const TrustRules& rules, const OwnDirectoryWords& words) {
    try {
        return open_trusted_directory(path, rules);
    } catch (const Error& problem) {
        const auto& fields = problem.fields();
        throw Error(
            words.diagnostic, std::string(words.failed) + ": " + fields.location + ": " + fields.message,
            "Set " + std::string(words.variable) + " to a directory of your own, or mend this one. " + fields.hint);
    }
}

/// A new directory is there for good only when the one above it is on the disk, too.
void make_durable(const std::string& made) {
    const FileDescriptor above{
        ::open(std::filesystem::path(made).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (above) (void)::fsync(above.get());
}

}  // namespace

TrustedDirectory open_own_directory(const std::string& path, const TrustRules& rules, const OwnDirectoryWords& words) {
    if (!path.starts_with('/')) {
        throw Error(words.diagnostic,
                    std::string(words.failed) + ": neither " + std::string(words.variable) + " nor HOME says where",
                    "Set one of them to a directory of your own");
    }
    std::string made;
    for (const auto& part : std::filesystem::path(path).relative_path()) {
        made += "/" + part.string();
        if (::mkdir(made.c_str(), 0700) == 0) {
            make_durable(made);
        } else if (errno != EEXIST) {
            cannot(words, "cannot make the directory", made, errno);
        }
    }
    auto directory = open_or_explain(path, rules, words);
    struct stat status {};
    if (::fstat(directory.descriptor.get(), &status) != 0) cannot(words, "cannot examine", path, errno);
    if (status.st_uid != rules.self) cannot(words, "somebody else owns the directory", path, 0);
    if ((status.st_mode & 07777U) != 0700 && ::fchmod(directory.descriptor.get(), 0700) != 0) {
        cannot(words, "cannot shut others out of", path, errno);
    }
    return directory;
}

std::string unused_name() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number))
        number = static_cast<std::uint64_t>(::getpid());
    return "." + std::to_string(number) + ".new";
}

}  // namespace berth::inline host_v1

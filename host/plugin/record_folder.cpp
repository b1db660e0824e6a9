#include "record_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "../base/directory.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "own_directory.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::string_view prefix = "sha256:";
constexpr std::string_view suffix = ".json";
/// A directory with more of them is none of ours, and reading it must end.
constexpr std::size_t most_names = 10'000;

std::string file_name(const std::string& hash) {
    return hash.substr(prefix.size()) + std::string(suffix);
}

/// The hash of a record's name, or nothing for another name.
std::optional<std::string> hash_of(std::string_view name) {
    if (!name.ends_with(suffix)) return std::nullopt;
    auto hash = std::string(prefix) + std::string(name.substr(0, name.size() - suffix.size()));
    return is_content_hash(hash) ? std::optional(std::move(hash)) : std::nullopt;
}

[[noreturn]] void cannot(const std::string& what, const std::string& where, int reason) {
    ErrorFields fields;
    fields.message = what + ": " + system_message(reason);
    fields.hint = "See to the file's owner and mode, and that its disk has room";
    fields.location = printable(where);
    throw Error(plugin_diagnostics::records_unusable, code_of_errno(reason), std::move(fields));
}

/// What processes that ended in the middle have left. Only with the directory locked: nobody is writing then.
void remove_unfinished(const TrustedDirectory& directory) {
    const FileDescriptor again{
        ::openat(directory.descriptor.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    const auto stream = again ? read_directory(again) : nullptr;
    while (const auto* entry = stream ? read_entry(stream) : nullptr) {
        const std::string_view name = entry->d_name;
        if (name.starts_with('.') && name.ends_with(".new"))
            (void)::unlinkat(directory.descriptor.get(), entry->d_name, 0);
    }
}

void replace(const TrustedDirectory& directory, const std::string& name, std::string_view text) {
    const int folder = directory.descriptor.get();
    const auto unfinished = unused_name();
    const auto failed = [&](int reason) {
        (void)::unlinkat(folder, unfinished.c_str(), 0);
        cannot("what is remembered of a plugin cannot be written", directory.path + "/" + name, reason);
    };
    const FileDescriptor file{
        ::openat(folder, unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file) failed(errno);
    if (const int reason = write_all(file.get(), text); reason != 0) failed(reason);
    if (::fsync(file.get()) != 0) failed(errno);
    if (::renameat(folder, unfinished.c_str(), folder, name.c_str()) != 0) failed(errno);
    if (::fsync(folder) != 0) failed(errno);
}

std::vector<std::string> names_in(const TrustedDirectory& directory) {
    const auto stream = read_directory(directory.descriptor);
    if (!stream) cannot("what is remembered of plugins cannot be read", directory.path, errno);
    std::vector<std::string> names;
    while (const auto* entry = read_entry(stream)) {
        if (!hash_of(entry->d_name)) continue;
        names.emplace_back(entry->d_name);
        if (names.size() > most_names) cannot("what is remembered of plugins cannot be read", directory.path, E2BIG);
    }
    if (errno != 0) cannot("what is remembered of plugins cannot be read", directory.path, errno);
    return names;
}

void remove_oldest(const TrustedDirectory& directory, std::size_t most) {
    const int folder = directory.descriptor.get();
    std::vector<std::pair<std::int64_t, std::string>> ages;
    for (auto& name : names_in(directory)) {
        struct stat status {};
        const bool there = ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
        const auto age = there ? status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec : 0;
        ages.emplace_back(age, std::move(name));
    }
    if (ages.size() <= most) return;
    std::sort(ages.begin(), ages.end());
    ages.resize(ages.size() - most);
    for (const auto& [age, name] : ages)
        (void)::unlinkat(folder, name.c_str(), 0);
}

}  // namespace

std::string usual_records_directory(const EnvironmentVariables& environment) {
    const auto absolute = [&](std::string_view name) {
        auto value = environment.get_filled(name).value_or("");
        return value.starts_with('/') ? value : std::string();
    };
    if (const auto state = absolute("XDG_STATE_HOME"); !state.empty()) return state + "/berth";
    if (::geteuid() == 0) return "/var/lib/berth";
    if (const auto home = absolute("HOME"); !home.empty()) return home + "/.local/state/berth";
    return {};
}

RecordFolder::RecordFolder(std::string directory, TrustRules rules)
    : directory_(std::move(directory)), rules_(std::move(rules)) {}

/// Nothing at all is the usual case, and costs one question.
std::optional<TrustedDirectory> RecordFolder::open_if_there() const {
    struct stat status {};
    if (directory_.empty()) return std::nullopt;
    if (::lstat(directory_.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    try {
        return open_trusted_directory(directory_, rules_);
    } catch (const Error& problem) {
        const auto& fields = problem.fields();
        throw Error(plugin_diagnostics::records_unusable,
                    "what is remembered of plugins is not read: " + fields.message, fields.hint)
            .with_location(fields.location);
    }
}

std::vector<std::string> RecordFolder::hashes() const {
    std::vector<std::string> hashes;
    const auto directory = open_if_there();
    if (!directory) return hashes;
    for (const auto& name : names_in(*directory))
        hashes.push_back(hash_of(name).value());
    std::sort(hashes.begin(), hashes.end());
    return hashes;
}

bool RecordFolder::has(const std::string& hash) const {
    const auto directory = open_if_there();
    if (!directory) return false;
    const auto name = file_name(hash);
    struct stat status {};
    if (::fstatat(directory->descriptor.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (errno != ENOENT) cannot("what is remembered of a plugin cannot be read", directory_ + "/" + name, errno);
    return false;
}

std::optional<std::string> RecordFolder::read(const std::string& hash) const {
    const auto directory = open_if_there();
    if (!directory) return std::nullopt;
    const auto path = directory_ + "/" + file_name(hash);
    // O_NONBLOCK: should a fifo be there, nobody waits.
    const FileDescriptor file{::openat(directory->descriptor.get(), file_name(hash).c_str(),
                                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) cannot("what is remembered of a plugin cannot be read", path, errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        cannot("what is remembered of a plugin is no regular file", path, EINVAL);
    std::string text(largest + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) cannot("what is remembered of a plugin cannot be read", path, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > largest) cannot("what is remembered of a plugin cannot be read", path, EFBIG);
    text.resize(size);
    return text;
}

void RecordFolder::write(const std::string& hash, std::string_view text, std::size_t most) const {
    const auto directory = open_own_directory(
        directory_, rules_,
        {plugin_diagnostics::records_unusable, "nothing can be remembered of plugins", "XDG_STATE_HOME"});
    int failure = 0;
    while ((failure = ::flock(directory.descriptor.get(), LOCK_EX)) != 0 && errno == EINTR) {
    }
    // Some network file systems know no locks: then what is unfinished stays.
    if (failure == 0) remove_unfinished(directory);
    replace(directory, file_name(hash), text);
    remove_oldest(directory, most);
}

bool RecordFolder::remove(const std::string& hash) const {
    const auto directory = open_if_there();
    if (!directory) return false;
    const auto name = file_name(hash);
    if (::unlinkat(directory->descriptor.get(), name.c_str(), 0) != 0) {
        const int reason = errno;
        if (reason == ENOENT) return false;
        // A directory in the place of a record, as nobody makes one by accident.
        if (reason != EISDIR || ::unlinkat(directory->descriptor.get(), name.c_str(), AT_REMOVEDIR) != 0)
            cannot("what is remembered of a plugin cannot be removed", directory_ + "/" + name, reason);
    }
    if (::fsync(directory->descriptor.get()) != 0)
        cannot("what is remembered of a plugin cannot be removed", directory_ + "/" + name, errno);
    return true;
}

}  // namespace berth::inline host_v1

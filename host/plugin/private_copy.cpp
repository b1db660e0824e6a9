#include "private_copy.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "../base/directory.hpp"
#include "../base/text.hpp"
#include "content_hash.hpp"
#include "diagnostics.hpp"
#include "own_directory.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t bytes_at_once = std::size_t{256} * 1024;
constexpr std::size_t digits_of_origin = 16;

[[noreturn]] void cannot(const std::string& what, const std::string& where, int reason) {
    ErrorFields fields;
    fields.message = "no private copy of the plugin can be made: " + what + " " + quoted(where) +
                     (reason == 0 ? std::string() : ": " + system_message(reason));
    fields.hint = "Set XDG_CACHE_HOME to a directory of your own with room in it";
    throw Error(plugin_diagnostics::no_private_copy, reason == 0 ? Code::permission_denied : code_of_errno(reason),
                std::move(fields));
}

std::string digits_of(const std::string& hash) {
    return hash.substr(hash.find(':') + 1);
}

/// The directory of all copies: of our own, and for nobody else.
TrustedDirectory open_copies(const std::string& path, const TrustRules& rules) {
    return open_own_directory(
        path, rules,
        {plugin_diagnostics::no_private_copy, "no private copy of the plugin can be made", "XDG_CACHE_HOME"});
}

/// One of the directories in which a copy lies.
struct Home {
    std::string name;
    std::string file;
    std::string origin;
};

Home home_of(const std::string& hash, const std::string& origin) {
    const auto place = content_hash(MemoryBytes(std::as_bytes(std::span(origin)))).value();
    return {digits_of(hash) + "-" + digits_of(place).substr(0, digits_of_origin), digits_of(hash) + ".so", origin};
}

void lock(const FileDescriptor& file, int kind) {
    // Where locks are unknown (some network file systems) a copy may be removed while it is used, which does no harm to
    // what is mapped already.
    while (::flock(file.get(), kind) != 0 && errno == EINTR) {
    }
}

/// The copy that is there, if it is one: ours, for nobody to write, and holding what its name says.
std::optional<PrivateCopy> existing(const TrustedDirectory& copies, const Home& home, const std::string& hash,
                                    const TrustRules& rules) {
    const auto inside = home.name + "/" + home.file;
    FileDescriptor file{
        ::openat(copies.descriptor.get(), inside.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    if (!file) return std::nullopt;
    lock(file, LOCK_SH);
    struct stat status {};
    const bool ours = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == rules.self &&
                      (status.st_mode & 07777U) == 0500;
    if (!ours) return std::nullopt;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (content_hash(FileBytes(file.get(), size)) != hash) return std::nullopt;
    (void)::futimens(file.get(), nullptr);  // the one used longest ago goes first
    return PrivateCopy{copies.path + "/" + inside, hash, std::move(file), size};
}

void remove_home(int copies, const std::string& name) {
    FileDescriptor home{::openat(copies, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (home) {
        const auto stream = read_directory(home);
        while (const auto* entry = stream ? read_entry(stream) : nullptr)
            (void)::unlinkat(home.get(), entry->d_name, 0);
    }
    (void)::unlinkat(copies, name.c_str(), home ? AT_REMOVEDIR : 0);
}

/// Writes all of the source, and gives the hash of what was written.
std::string copy_bytes(const TrustedFile& source, int target, const std::string& where) {
    const FileBytes bytes(source.descriptor.get(), source.identity.size);
    ContentHash hash;
    std::vector<std::byte> part(std::min<std::uint64_t>(bytes.size(), bytes_at_once));
    for (std::uint64_t done = 0; done < bytes.size();) {
        const auto now = std::span(part).first(std::min<std::uint64_t>(part.size(), bytes.size() - done));
        if (!bytes.read(done, now)) {
            throw Error(plugin_diagnostics::changed, "the file became shorter while it was read",
                        "Run the command again");
        }
        hash.add(now);
        const int failure = write_all(target, {reinterpret_cast<const char*>(now.data()), now.size()});
        if (failure != 0) cannot("cannot write in", where, failure);
        done += now.size();
    }
    return hash.finish();
}

/// Makes a new home beside the others and moves it to its place when it is whole. No fsync: what a crash leaves half
/// written does not hold what its name says, and is made anew.
void make_home(const TrustedDirectory& copies, const TrustedFile& source, const std::string& origin) {
    const int all = copies.descriptor.get();
    const auto fresh = unused_name();
    if (::mkdirat(all, fresh.c_str(), 0700) != 0) cannot("cannot make a directory in", copies.path, errno);
    try {
        FileDescriptor file{::openat(all, (fresh + "/new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500)};
        if (!file || ::fchmod(file.get(), 0500) != 0) cannot("cannot make a file in", copies.path, errno);
        const auto home = home_of(copy_bytes(source, file.get(), copies.path), origin);
        if (::renameat(all, (fresh + "/new").c_str(), all, (fresh + "/" + home.file).c_str()) != 0 ||
            ::symlinkat(origin.c_str(), all, (fresh + "/origin").c_str()) != 0) {
            cannot("cannot make a file in", copies.path, errno);
        }
        if (::renameat(all, fresh.c_str(), all, home.name.c_str()) != 0) {
            cannot("cannot move a copy to its place in", copies.path, errno);
        }
    } catch (...) {
        remove_home(all, fresh);
        throw;
    }
}

struct Age {
    std::string name;
    std::int64_t used;
};

/// Whether a copy can be removed: nobody holds a lock on it.
bool is_unused(int copies, const std::string& home) {
    const auto file_name = home.substr(0, home.find('-')) + ".so";
    const FileDescriptor file{
        ::openat(copies, (home + "/" + file_name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    return !file || ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

std::vector<Age> ages_in(const TrustedDirectory& copies) {
    std::vector<Age> ages;
    const auto stream = read_directory(copies.descriptor);
    while (const auto* entry = stream ? read_entry(stream) : nullptr) {
        const std::string name = entry->d_name;
        const auto file = name + "/" + name.substr(0, name.find('-')) + ".so";
        struct stat status {};
        const auto* looked_at = name.starts_with('.') ? name.c_str() : file.c_str();
        const bool there = ::fstatat(copies.descriptor.get(), looked_at, &status, AT_SYMLINK_NOFOLLOW) == 0;
        ages.push_back({name, there ? status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec : 0});
    }
    return ages;
}

/// Those used longest ago, as far as they are too many. What a process that died has left half made counts as any other.
void remove_superfluous(const TrustedDirectory& copies) {
    auto ages = ages_in(copies);
    if (ages.size() <= max_private_copies) return;
    std::sort(ages.begin(), ages.end(), [](const Age& left, const Age& right) { return left.used < right.used; });
    ages.resize(ages.size() - max_private_copies);
    for (const auto& age : ages) {
        if (is_unused(copies.descriptor.get(), age.name)) remove_home(copies.descriptor.get(), age.name);
    }
}

}  // namespace

std::string usual_copies_directory(const EnvironmentVariables& environment) {
    const auto absolute = [&](std::string_view name) {
        auto value = environment.get_filled(name).value_or("");
        return value.starts_with('/') ? value : std::string();
    };
    if (const auto cache = absolute("XDG_CACHE_HOME"); !cache.empty()) return cache + "/berth/plugins";
    if (::geteuid() == 0) return "/var/cache/berth/plugins";
    if (const auto home = absolute("HOME"); !home.empty()) return home + "/.cache/berth/plugins";
    return {};
}

PrivateCopy make_private_copy(const TrustedFile& file, const std::string& origin, const std::string& directory,
                              const TrustRules& rules) {
    const auto hash = content_hash(FileBytes(file.descriptor.get(), file.identity.size));
    if (!hash) {
        throw Error(plugin_diagnostics::changed, "the file became shorter while it was read", "Run the command again");
    }
    const auto copies = open_copies(directory, rules);
    const auto home = home_of(*hash, origin);
    // Until the end: of two processes one makes the copy, and none removes the other's.
    lock(copies.descriptor, LOCK_EX);
    if (auto copy = existing(copies, home, *hash, rules)) return *std::move(copy);
    remove_home(copies.descriptor.get(), home.name);
    make_home(copies, file, origin);
    if (auto copy = existing(copies, home, *hash, rules)) {
        remove_superfluous(copies);
        return *std::move(copy);
    }
    throw Error(plugin_diagnostics::changed, "the file changes while it is read", "Wait until nobody writes it");
}

}  // namespace berth::inline host_v1

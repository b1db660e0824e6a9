#include "uid_range.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>

#include "claim_holder.hpp"
#include "descriptor.hpp"
#include "failure.hpp"
#include "subordinate_ids.hpp"
#include "system_files.hpp"

namespace berth_local {

namespace {

constexpr std::size_t longest_claim = 16384;

ClaimHolder read_claim(int directory, const std::string& name) {
    return parse_claim_holder(read_file(directory, name, longest_claim).value_or(""));
}

std::optional<std::uint32_t> number_of(const std::string& name) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    return error == std::errc() && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

// Locked, and still the file of that name: then nobody else can be judging this claim. Empty when somebody is.
Descriptor try_lock_claim(int directory, const std::string& name, int flags) {
    Descriptor file(::openat(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
    struct stat ours {};
    struct stat there {};
    const bool held = file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file.get(), &ours) == 0 &&
                      ::fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                      ours.st_ino == there.st_ino;
    return held ? std::move(file) : Descriptor();
}

}  // namespace

bool is_mapped(const UidRange& range) {
    std::istringstream lines(read_file(AT_FDCWD, "/proc/self/uid_map", 4096).value_or(""));
    for (std::uint64_t inside = 0, outside = 0, size = 0; lines >> inside >> outside >> size;) {
        if (range.first >= inside && std::uint64_t{range.first} + range.count <= inside + size) {
            return true;
        }
    }
    return false;
}

UidRange default_uid_range() {
    const UidRange usual;
    // Below the dynamic users of systemd (61184) and above the accounts of people.
    const UidRange small{50'000, 10'000};
    return is_mapped(usual) || !is_mapped(small) ? usual : small;
}

UidRange default_template_uid_range() {
    return {30'720 * ids_of_a_template, 1024 * ids_of_a_template};
}

UidClaims::UidClaims(std::string claims, UidRange range, std::uint32_t size)
    : claims_(std::move(claims)), range_(range), size_(size) {
    const std::uint64_t first = (std::uint64_t{range.first} + size - 1) / size * size;
    const std::uint64_t end = std::uint64_t{range.first} + range.count;
    first_ = static_cast<std::uint32_t>(first);
    count_ = end > first ? static_cast<std::uint32_t>((end - first) / size) : 0;
}

std::uint32_t UidClaims::claim(const std::string& owner) const {
    make_directories(claims_, 0700);
    const Descriptor directory(::open(claims_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        throw system_failure("cannot open " + claims_, errno);
    }
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) {
        throw system_failure("no random bytes", errno);
    }
    // From a random place on, so that two who look at once rarely meet.
    for (std::uint32_t i = 0; i < count_; ++i) {
        const auto offset = static_cast<std::uint32_t>((std::uint64_t{random} + i) % count_);
        const std::uint32_t uid = first_ + offset * size_;
        if (try_claim(directory.get(), uid, owner)) {
            try {
                refuse_ids_of_others(directory.get(), uid);
            } catch (...) {
                release(uid, owner);
                throw;
            }
            return uid;
        }
    }
    throw refusal(BERTH_RESOURCE_EXHAUSTED, "every uid of the range for sandboxes is in use",
                  std::string("destroy sandboxes, or set a larger ") + setting() +
                      "; those of a state directory that is not mounted count, too: see " + claims_);
}

void UidClaims::refuse_subordinate_ids() const {
    for (const char* file : {"/etc/subuid", "/etc/subgid"}) {
        const std::optional<std::string> owner =
            subordinate_owner(read_file(AT_FDCWD, file, 1U << 20).value_or(""), range_);
        if (owner) {
            throw refusal(BERTH_INVALID_ARGUMENT,
                          std::string(setting()) + " (" + std::to_string(range_.first) + " to " +
                              std::to_string(std::uint64_t{range_.first} + range_.count - 1) +
                              ") has ids in common with a range that " + file + " gives to " + *owner,
                          std::string("no sandbox may have another's: set ") + setting() +
                              " in the provider's config apart from it");
        }
    }
}

// Ranges of providers that do not know each other: a block that holds our number, or numbers in our block. Ours is
// written by now, so of two who look at once one at least sees the other.
void UidClaims::refuse_ids_of_others(int directory, std::uint32_t uid) const {
    const auto refuse_if_claimed = [&](std::uint32_t other) {
        const ClaimHolder holder = read_claim(directory, std::to_string(other));
        const bool common = other < uid ? holder.ids > uid - other : other - uid < size_;
        const bool made_now = holder.path.empty() && !try_lock_claim(directory, std::to_string(other), 0);
        if (common && (made_now || (!holder.path.empty() && may_be_there(holder)))) {
            throw refusal(BERTH_INVALID_ARGUMENT,
                          std::string(setting()) +
                              " has ids in common with a range of another provider: " + std::to_string(other) +
                              " belongs to " + (made_now ? "a sandbox that is being made" : holder.path),
                          "no sandbox may have another's: set the ranges of the two providers apart");
        }
    };
    if (size_ == 1) {
        if (const std::uint32_t block = uid / ids_of_a_template * ids_of_a_template; block != uid) {
            refuse_if_claimed(block);
        }
        return;
    }
    for (const std::string& name : names_in(directory)) {
        const std::optional<std::uint32_t> other = number_of(name);
        if (other && *other > uid && *other - uid < size_) {
            refuse_if_claimed(*other);
        }
    }
}

bool UidClaims::try_claim(int directory, std::uint32_t uid, const std::string& owner) const {
    const std::string name = std::to_string(uid);
    const Descriptor file = try_lock_claim(directory, name, O_CREAT);
    if (!file) {
        return false;
    }
    const ClaimHolder holder = read_claim(directory, name);
    if (!holder.path.empty() && may_be_there(holder)) {
        return false;
    }
    const std::string text = to_text(claim_holder(owner, size_));
    // Only what is there: ext4 writes a file to the disk when it is closed after having been cut.
    return (holder.path.empty() || ::ftruncate(file.get(), 0) == 0) &&
           ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

void UidClaims::release(std::uint32_t uid, const std::string& owner) const {
    const Descriptor directory(::open(claims_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::string name = std::to_string(uid);
    const Descriptor file(directory ? ::openat(directory.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1);
    // Under its lock: somebody may just be taking over a claim whose sandbox is gone, as ours is by now.
    if (file && ::flock(file.get(), LOCK_EX) == 0 && read_claim(directory.get(), name).path == owner) {
        ::unlinkat(directory.get(), name.c_str(), 0);
    }
}

void UidClaims::release_all_of(const std::string& owner) const {
    const Descriptor directory(::open(claims_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        return;  // nobody has claimed anything
    }
    for (const std::string& name : names_in(directory.get())) {
        const auto is_left = [&] {
            const std::string holder = read_claim(directory.get(), name).path;
            return holder.empty() || holder == owner;
        };
        if (const Descriptor file = is_left() ? try_lock_claim(directory.get(), name, 0) : Descriptor();
            file && is_left()) {
            ::unlinkat(directory.get(), name.c_str(), 0);
        }
    }
}

}  // namespace berth_local

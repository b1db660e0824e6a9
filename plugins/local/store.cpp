#include "store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "failure.hpp"

namespace berth_local {
namespace {

constexpr std::size_t id_size = 16;
constexpr std::size_t largest_record = 16U << 20;

std::vector<std::string> ids_in(const Descriptor& directory) {
    std::vector<std::string> ids = names_in(directory.get());
    std::erase_if(ids, [](const std::string& name) { return !is_id(name); });
    std::sort(ids.begin(), ids.end());
    return ids;
}

// A key may hold anything; its file's name is a hash of it, and the record says which key it really was.
std::string file_of_key(std::string_view key) {
    std::uint64_t first = 14'695'981'039'346'656'037ULL;
    std::uint64_t second = 0x9E3779B97F4A7C15ULL;
    for (const char byte : key) {
        first = (first ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211ULL;
        second = (second + static_cast<unsigned char>(byte)) * 0xBF58476D1CE4E5B9ULL;
        second ^= second >> 29;
    }
    return std::to_string(first) + "-" + std::to_string(second);
}

void must_be_ours(const Descriptor& directory, const std::string& path) {
    struct stat info {};
    if (::fstat(directory.get(), &info) != 0 || info.st_uid != ::geteuid() || (info.st_mode & 0022) != 0) {
        throw refusal(BERTH_PERMISSION_DENIED,
                      "the state directory " + path + " belongs to or can be changed by others",
                      "set state_dir to a directory of your own");
    }
}

// bubblewrap looks its sources up by path, as the sandbox's account.
void must_be_searchable(const std::string& path) {
    for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
        const std::string parent = path.substr(0, end);
        struct stat info {};
        if (::stat(parent.c_str(), &info) == 0 && (info.st_mode & 0001) == 0) {
            throw refusal(BERTH_INVALID_ARGUMENT,
                          "the state directory " + path + " lies below " + parent +
                              ", which the accounts of sandboxes cannot search",
                          "run chmod o+x " + parent + ", or set state_dir to another place");
        }
    }
}

}  // namespace

std::string new_id() {
    return random_name(id_size);
}

bool is_id(std::string_view id) {
    return id.size() == id_size &&
           std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

Store::Store(const std::string& state, const std::string& provider, Accounts accounts) : path_(state + "/" + provider) {
    const mode_t mode = accounts == Accounts::own ? 0711 : 0700;
    make_directories(path_, mode);
    if (accounts == Accounts::own) {
        must_be_searchable(path_ + "/");
    }
    base_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!base_) {
        throw system_failure("cannot open the state directory " + path_, errno);
    }
    must_be_ours(base_, path_);
    sandboxes_ = make_directory(base_.get(), "sandboxes", mode);
    keys_ = make_directory(base_.get(), "keys", 0700);
    unfinished_ = make_directory(base_.get(), "unfinished", 0700);
    expiring_ = make_directory(base_.get(), "expiring", 0700);
}

// --- sandboxes

std::vector<std::string> Store::ids() const {
    return ids_in(sandboxes_);
}

Descriptor Store::open(std::string_view id) const {
    return is_id(id) ? open_directory(sandboxes_.get(), std::string(id)) : Descriptor();
}

Descriptor Store::make(const std::string& id) const {
    return make_directory(sandboxes_.get(), id, 0700);
}

void Store::remove_directory(const std::string& id, const Descriptor& sandbox) const {
    ::unlinkat(sandbox.get(), "record", 0);
    for (int round = 0; ::unlinkat(sandboxes_.get(), id.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT; ++round) {
        if (errno != ENOTEMPTY || round == 100) {
            throw system_failure("cannot delete the sandbox's directory", errno);
        }
        for (const std::string& name : names_in(sandbox.get())) {
            ::unlinkat(sandbox.get(), name.c_str(), 0);
        }
    }
}

bool Store::is_blank(const Descriptor& sandbox) {
    struct stat info {};
    return ::fstatat(sandbox.get(), "record", &info, AT_SYMLINK_NOFOLLOW) != 0 ? errno == ENOENT : info.st_size == 0;
}

std::optional<Record> Store::read(const Descriptor& sandbox) const {
    const std::optional<std::string> text = read_file(sandbox.get(), "record", largest_record);
    return text ? parse_record(*text) : std::nullopt;
}

void Store::write(const Descriptor& sandbox, const Record& record) const {
    write_file(sandbox.get(), "record", to_text(record), record.persistent ? Durable::yes : Durable::no);
}

void Store::write_new(const Descriptor& sandbox, const Record& record) const {
    put_file(sandbox.get(), "record", to_text(record));
}

void Store::write_stage(const Descriptor& sandbox, const Record& record) const {
    const Descriptor file(::openat(sandbox.get(), "record", O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    const std::string_view text = stage_text(record.stage);
    if (!file || ::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
        (record.persistent && (::fsync(file.get()) != 0 || ::fsync(sandbox.get()) != 0))) {
        throw system_failure("cannot write record", errno);
    }
}

Lock Store::lock(const Descriptor& sandbox, Caller& caller) const {
    // The directory itself: a file of its own would have to be made and removed with every sandbox.
    Lock again = open_directory(sandbox.get(), ".");
    struct stat info {};
    if (again && !berth_local::lock(again, caller)) {
        return {};
    }
    if (!again || ::fstat(again.get(), &info) != 0 || info.st_nlink == 0) {
        no_such_sandbox();
    }
    return again;
}

Lock Store::try_lock(const Descriptor& sandbox) const {
    Lock again = open_directory(sandbox.get(), ".");
    return again && berth_local::try_lock(again) ? std::move(again) : Lock();
}

bool Store::is_locked(const Descriptor& sandbox) const {
    const Descriptor again = open_directory(sandbox.get(), ".");
    return again && ::flock(again.get(), LOCK_SH | LOCK_NB) != 0;
}

// --- lifetimes

void Store::look_again(const std::string& id, std::int64_t at_ms) const {
    const Descriptor file(::openat(expiring_.get(), id.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    const timespec at{at_ms / 1000, at_ms % 1000 * 1'000'000};
    const timespec times[2] = {at, at};
    if (!file || ::futimens(file.get(), times) != 0) {
        throw system_failure("cannot note the sandbox's lifetime", errno);
    }
}

void Store::look_no_more(const std::string& id) const {
    ::unlinkat(expiring_.get(), id.c_str(), 0);
}

std::vector<std::string> Store::due(std::int64_t now_ms) const {
    std::vector<std::string> ids = ids_in(expiring_);
    std::erase_if(ids, [&](const std::string& id) {
        struct stat info {};
        return ::fstatat(expiring_.get(), id.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
               std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000 > now_ms;
    });
    return ids;
}

// --- unfinished work

Lock Store::begin(const std::string& id, Caller& caller) const {
    for (;;) {
        Lock mark(::openat(unfinished_.get(), id.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!mark) {
            throw system_failure("cannot note the sandbox", errno);
        }
        struct stat info {};
        if (!berth_local::lock(mark, caller)) {
            return {};
        }
        if (::fstat(mark.get(), &info) == 0 && info.st_nlink > 0) {
            return mark;
        }
    }
}

Lock Store::try_begin(const std::string& id) const {
    Lock mark(::openat(unfinished_.get(), id.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    struct stat info {};
    return mark && berth_local::try_lock(mark) && ::fstat(mark.get(), &info) == 0 && info.st_nlink > 0 ? std::move(mark)
                                                                                                       : Lock();
}

void Store::finish(const std::string& id) const {
    ::unlinkat(unfinished_.get(), id.c_str(), 0);
}

std::vector<std::string> Store::unfinished() const {
    return ids_in(unfinished_);
}

// --- idempotency keys

Store::Key Store::hold_key(std::string_view key, Caller& caller) const {
    const std::string name = file_of_key(key);
    for (;;) {
        Lock file(::openat(keys_.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) {
            throw system_failure("cannot note the idempotency key", errno);
        }
        if (!berth_local::lock(file, caller)) {
            return {};
        }
        struct stat info {};
        if (::fstat(file.get(), &info) == 0 && info.st_nlink == 0) {
            continue;  // forgotten while we waited: the name is another file now
        }
        return {std::move(file), read_file(keys_.get(), name, id_size).value_or("")};
    }
}

void Store::set_key(const Key& key, const std::string& id) const {
    // A cut file would be written to the disk at its close, which nobody needs of an empty one.
    if ((!key.id.empty() && ::ftruncate(key.file.get(), 0) != 0) ||
        ::pwrite(key.file.get(), id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
        throw system_failure("cannot note the idempotency key", errno);
    }
}

void Store::forget_held_key(std::string_view key) const {
    ::unlinkat(keys_.get(), file_of_key(key).c_str(), 0);
}

void Store::forget_key(std::string_view key, const std::string& id) const {
    forget_key_file(file_of_key(key), id);
}

void Store::note_key(const Lock& mark, std::string_view key) const {
    const std::string name = file_of_key(key);
    if (::pwrite(mark.get(), name.data(), name.size(), 0) != static_cast<ssize_t>(name.size())) {
        throw system_failure("cannot note the idempotency key", errno);
    }
}

void Store::forget_noted_key(const Lock& mark, const std::string& id) const {
    char text[64];
    const ssize_t size = ::pread(mark.get(), text, sizeof text, 0);
    if (size > 0) {
        forget_key_file({text, static_cast<std::size_t>(size)}, id);
    }
}

void Store::forget_key_file(const std::string& name, const std::string& id) const {
    const Lock file(::openat(keys_.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    // Somebody who holds it is just making a new sandbox for it, and writes its id over ours. An empty one that nobody
    // holds is of somebody who died before.
    if (file && berth_local::try_lock(file)) {
        const std::string there = read_file(keys_.get(), name, id_size).value_or("");
        if (there == id || there.empty()) {
            ::unlinkat(keys_.get(), name.c_str(), 0);
        }
    }
}

}  // namespace berth_local

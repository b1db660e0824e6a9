#include "template_cache.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "failure.hpp"
#include "helper_process.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

[[noreturn]] void cancelled() {
    throw refusal(BERTH_CANCELLED, "cancelled while the template was unpacked");
}

// As with the locks of sandboxes: waiting inside flock could not be cancelled.
void hold(const Descriptor& file, int kind, Caller& caller) {
    std::chrono::milliseconds pause{1};
    bool told = false;
    while (::flock(file.get(), kind | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            throw system_failure("cannot lock a template", errno);
        }
        if (caller.cancelled()) {
            cancelled();
        }
        if (!std::exchange(told, true)) {
            caller.progress("another process unpacks the template");
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::milliseconds{50});
    }
}

bool is_there(const Descriptor& file) {
    struct stat info {};
    return ::fstat(file.get(), &info) == 0 && info.st_nlink > 0;
}

std::optional<std::uint32_t> read_ids(const Descriptor& entry) {
    const std::string text = read_file(entry.get(), "ids", 32).value_or("");
    std::uint32_t ids = 0;
    return std::from_chars(text.data(), text.data() + text.size(), ids).ec == std::errc() ? std::optional(ids)
                                                                                          : std::nullopt;
}

// "ENTRIES BYTES", the last of the lines that berth-tar has written so far.
void tell_progress(const std::string& lines, Caller& caller) {
    std::istringstream words(lines.substr(lines.rfind('\n', lines.size() - 2) + 1));
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    if (words >> entries >> bytes) {
        caller.progress("unpacking the template: " + std::to_string(entries) + " files, " +
                        std::to_string(bytes >> 20) + " MiB");
    }
}

// Hands on what the unpacker says until its end, and gives up with the caller.
void follow(const HelperProcess& unpacker, Caller& caller) {
    std::string lines;
    for (;;) {
        if (caller.cancelled()) {
            cancelled();
        }
        pollfd waits[2] = {{unpacker.output().get(), POLLIN, 0}, {caller.events(), POLLIN, 0}};
        ::poll(waits, 2, waits[1].fd < 0 ? blind_poll_ms : -1);
        while (caller.next_event()) {
        }
        if (waits[0].revents == 0) {
            continue;
        }
        char part[512];
        const ssize_t size = ::read(unpacker.output().get(), part, sizeof part);
        if (size == 0 || (size < 0 && errno != EINTR)) {
            return;
        }
        lines.append(part, size > 0 ? static_cast<std::size_t>(size) : 0);
        if (lines.ends_with('\n')) {
            tell_progress(lines, caller);
        }
        lines = lines.ends_with('\n') || lines.size() > 4096 ? "" : lines;
    }
}

}  // namespace

TemplateCache::Entry TemplateCache::get(const TemplateSource& source, Caller& caller,
                                        const std::function<std::uint32_t(const std::string&)>& claim) const {
    const std::string path = directory_ + "/" + source.key;
    for (bool made = false;;) {
        if (caller.cancelled()) {
            cancelled();
        }
        make_directories(directory_, 0700);
        const Descriptor entry = make_directory(AT_FDCWD, path, 0700);
        Descriptor lock(::openat(entry.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!lock && errno == ENOENT) {
            continue;  // removed just now
        }
        if (!lock) {
            throw system_failure("cannot lock the unpacked template at " + path, errno);
        }
        hold(lock, LOCK_SH, caller);
        if (!is_there(lock)) {
            continue;
        }
        const std::optional<std::uint32_t> ids = read_ids(entry);
        if (ids && ::faccessat(entry.get(), "tree", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            return {std::move(lock), path + "/tree", *ids, made};
        }
        hold(lock, LOCK_EX, caller);
        if (is_there(lock) && ::faccessat(entry.get(), "tree", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
            trees_.remove(entry.get(), "new");
            unpack(entry, source, ids ? *ids : claim(path), caller);
            made = true;
        }
    }
}

std::optional<std::string> TemplateCache::key_of(const std::string& tree) const {
    const std::string_view end = "/tree";
    if (!tree.starts_with(directory_ + "/") || !tree.ends_with(end)) {
        return std::nullopt;
    }
    const std::size_t begin = directory_.size() + 1;
    std::string key = tree.substr(begin, tree.size() - begin - end.size());
    return key.find('/') == std::string::npos ? std::optional(std::move(key)) : std::nullopt;
}

void TemplateCache::unpack(const Descriptor& entry, const TemplateSource& source, std::uint32_t ids,
                           Caller& caller) const {
    write_file(entry.get(), "ids", std::to_string(ids) + "\n", Durable::no);
    write_file(entry.get(), "source", source.path + "\n", Durable::no);
    trees_.make_owned(entry.get(), {"new"}, ids);
    try {
        const Descriptor target = open_directory(entry.get(), "new");
        const Descriptor program(::open(programs_.tar.c_str(), O_RDONLY | O_CLOEXEC));
        if (!target || !program) {
            throw system_failure("cannot start " + programs_.tar, errno);
        }
        std::optional<HelperProcess> packer;
        Descriptor stream(::dup(source.opened.get()));
        if (source.is_directory) {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) != 0) {
                throw system_failure("cannot make a pipe", errno);
            }
            stream = Descriptor(ends[0]);
            const Descriptor writing(ends[1]);
            packer.emplace(programs_.tar,
                           std::vector<std::string>{"pack", std::to_string(::geteuid()), std::to_string(ids)},
                           std::initializer_list<HelperProcess::Given>{{writing.get(), 3}, {source.opened.get(), 4}});
        } else if (::lseek(stream.get(), 0, SEEK_SET) != 0) {
            throw system_failure("cannot read the template", errno);
        }
        HelperProcess unpacker(programs_.root, {"unpack", std::to_string(ids)},
                               {{stream.get(), 3}, {target.get(), 4}, {program.get(), 5}});
        stream.reset();
        follow(unpacker, caller);
        const std::optional<std::string> first = packer ? packer->complaint() : std::nullopt;
        const std::optional<std::string> second = unpacker.complaint();
        if (first || second) {
            // Each dies of the other's end; who has something to say knows why.
            throw refusal(BERTH_INVALID_ARGUMENT, "the template " + source.name + " cannot be unpacked from " +
                                                      source.path + ": " +
                                                      (first && !first->empty() ? *first : second.value_or("")));
        }
        if (::renameat(entry.get(), "new", entry.get(), "tree") != 0) {
            throw system_failure("cannot name the unpacked template", errno);
        }
    } catch (const Failure& failed) {
        Failure failure = failed;
        failure.outcome = BERTH_OUTCOME_NONE;
        trees_.remove(entry.get(), "new");
        throw failure;
    }
}

void TemplateCache::remove_others(const std::set<std::string>& wanted,
                                  const std::function<bool(const std::string&)>& in_use,
                                  const std::function<void(std::uint32_t, const std::string&)>& release) const {
    const Descriptor all = open_directory(AT_FDCWD, directory_);
    for (const std::string& key : all ? names_in(all.get()) : std::vector<std::string>{}) {
        const std::string path = directory_ + "/" + key;
        const Descriptor entry = wanted.contains(key) ? Descriptor() : open_directory(all.get(), key);
        const Descriptor lock(entry ? ::openat(entry.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)
                                    : -1);
        if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || !is_there(lock) || in_use(path + "/tree")) {
            continue;
        }
        const std::optional<std::uint32_t> ids = read_ids(entry);
        for (const std::string& name : names_in(entry.get())) {
            // Also what a removal that was killed had set aside.
            if (name != "ids" && name != "source" && name != "lock") {
                trees_.remove(entry.get(), name);
            }
        }
        for (const char* name : {"ids", "source", "lock"}) {
            ::unlinkat(entry.get(), name, 0);
        }
        if (::unlinkat(all.get(), key.c_str(), AT_REMOVEDIR) == 0 && ids) {
            release(*ids, path);
        }
    }
}

}  // namespace berth_local

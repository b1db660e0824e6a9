#include "system_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "directory_entry.hpp"
#include "failure.hpp"

namespace berth_local {

Descriptor open_directory(int parent, const std::string& name) {
    return Descriptor(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Descriptor make_directory(int parent, const std::string& name, mode_t mode) {
    const bool made = ::mkdirat(parent, name.c_str(), mode) == 0;
    if (!made && errno != EEXIST) {
        throw system_failure("cannot make the directory " + name, errno);
    }
    Descriptor directory = open_directory(parent, name);
    // The host's umask has taken its part of the mode.
    if (!directory || (made && ::fchmod(directory.get(), mode) != 0)) {
        throw system_failure("cannot open the directory " + name, errno);
    }
    return directory;
}

void make_directories(const std::string& path, mode_t mode) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        struct stat there {};
        // What lies above may be shared with directories that others have to reach through it.
        const mode_t wanted = end == std::string::npos ? mode : mode | 0111;
        if (::mkdir(part.c_str(), wanted) == 0) {
            ::chmod(part.c_str(), wanted);  // the host's umask has taken its part
        } else if (errno != EEXIST && ::stat(part.c_str(), &there) != 0) {
            throw system_failure("cannot make the directory " + part, errno);
        }
        if (end == std::string::npos) {
            return;
        }
    }
}

std::optional<std::string> read_file(int directory, const std::string& name, std::size_t limit) {
    const Descriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        throw system_failure("cannot read " + name, errno);
    }
    std::string content;
    char part[4096];
    for (;;) {
        const ssize_t size = ::read(file.get(), part, sizeof part);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            throw system_failure("cannot read " + name, errno);
        }
        if (size == 0 || content.size() >= limit) {
            content.resize(std::min(content.size(), limit));
            return content;
        }
        content.append(part, static_cast<std::size_t>(size));
    }
}

void put_file(int directory, const std::string& name, std::string_view content) {
    const Descriptor file(
        ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file || ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
        throw system_failure("cannot write " + name, errno);
    }
}

void write_file(int directory, const std::string& name, std::string_view content, Durable durable) {
    const std::string temporary = name + "." + random_name(8);
    Descriptor file(::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const auto fail = [&](int error) {
        ::unlinkat(directory, temporary.c_str(), 0);
        throw system_failure("cannot write " + name, error);
    };
    if (!file) {
        fail(errno);
    }
    while (!content.empty()) {
        const ssize_t size = ::write(file.get(), content.data(), content.size());
        if (size < 0 && errno != EINTR) {
            fail(errno);
        }
        content.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    if (durable == Durable::yes && ::fsync(file.get()) != 0) {
        fail(errno);
    }
    if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
        fail(errno);
    }
    if (durable == Durable::yes) {
        ::fsync(directory);
    }
}

bool try_lock(const Descriptor& file) {
    return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

bool lock(const Descriptor& file, Caller& caller) {
    // flock tells nobody when it is free again, and waiting inside it could not be cancelled.
    std::chrono::milliseconds pause{1};
    while (!try_lock(file)) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            throw system_failure("cannot lock a sandbox", errno);
        }
        if (caller.cancelled()) {
            return false;
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::milliseconds{20});
    }
    return true;
}

std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    Descriptor again = open_directory(directory, ".");
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
    if (!listing) {
        throw system_failure("cannot list a directory", errno);
    }
    (void)again.release();  // the listing's now
    while (const dirent* entry = next_entry(listing.get())) {
        names.emplace_back(entry->d_name);
    }
    if (errno != 0) {
        throw system_failure("cannot list a directory", errno);
    }
    return names;
}

std::string random_name(std::size_t characters) {
    std::string name;
    while (name.size() < characters) {
        unsigned char random[32];
        if (::getrandom(random, sizeof random, 0) != sizeof random) {
            throw system_failure("no random bytes", errno);
        }
        for (const unsigned char byte : random) {
            if (byte < 252 && name.size() < characters) {  // 252 = 7 * 36: each character equally likely
                name += "0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36];
            }
        }
    }
    return name;
}

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace berth_local

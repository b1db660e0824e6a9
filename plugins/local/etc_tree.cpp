#include "etc_tree.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "failure.hpp"
#include "remove_tree.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr std::size_t largest_file = 8U << 20;
constexpr int deepest = 6;

// What compilers, interpreters and resolvers look for. Nothing here says anything about this host's people or secrets.
constexpr std::array host_parts{
    "ca-certificates.conf",
    "debian_version",
    "gai.conf",
    "host.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "os-release",
    "protocols",
    "rpc",
    "services",
    "shells",
    "ssl/openssl.cnf",
    "timezone",
};

struct OwnFile {
    const char* name;
    std::string content;
};

std::array<OwnFile, 8> own_files() {
    const std::string id = std::to_string(inner_uid);
    const std::string user = inner_user;
    return {{
        {"passwd", user + ":x:" + id + ":" + id + "::" + inner_home + ":/bin/sh\n" +
                       "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
        {"group", user + ":x:" + id + ":\nnogroup:x:65534:\n"},
        {"hosts", "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n"},
        {"hostname", "sandbox\n"},
        {"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"},
        {"resolv.conf", ""},
        {"profile", "if [ -f \"$HOME/.profile\" ]; then . \"$HOME/.profile\"; fi\n"},
        {"environment", ""},
    }};
}

// FNV-1a over what tells a change of the host's parts: it names the tree, no more.
class Fingerprint {
public:
    void add(std::string_view bytes) {
        for (const char byte : bytes) {
            value_ = (value_ ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211ULL;
        }
    }
    [[nodiscard]] std::string text() const { return std::to_string(value_); }

private:
    std::uint64_t value_ = 14'695'981'039'346'656'037ULL;
};

std::string fingerprint() {
    Fingerprint print;
    for (const char* part : host_parts) {
        struct stat info {};
        if (::stat((std::string("/etc/") + part).c_str(), &info) == 0) {
            print.add(part);
            print.add(std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec));
            print.add(std::to_string(info.st_size) + "." + std::to_string(info.st_ino));
        }
    }
    for (const OwnFile& file : own_files()) {
        print.add(file.content);
    }
    return print.text();
}

void put_file(int directory, const std::string& name, std::string_view content) {
    const Descriptor file(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    while (file && !content.empty()) {
        const ssize_t size = ::write(file.get(), content.data(), content.size());
        if (size <= 0) {
            throw system_failure("cannot write the sandboxes' /etc/" + name, errno);
        }
        content.remove_prefix(static_cast<std::size_t>(size));
    }
    if (file) {
        ::fchmod(file.get(), 0644);
    }
}

// Copies what everybody may read, links as links; anything else is left out.
void copy_part(int from, int to, const std::string& name, int depth) {
    struct stat info {};
    if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    if (S_ISLNK(info.st_mode)) {
        char target[4096];
        const ssize_t size = ::readlinkat(from, name.c_str(), target, sizeof target - 1);
        if (size > 0) {
            ::symlinkat(std::string(target, static_cast<std::size_t>(size)).c_str(), to, name.c_str());
        }
    } else if (S_ISREG(info.st_mode) && (info.st_mode & 0004) != 0) {
        if (const auto content = read_file(from, name, largest_file)) {
            put_file(to, name, *content);
        }
    } else if (S_ISDIR(info.st_mode) && (info.st_mode & 0005) == 0005 && depth < deepest) {
        Descriptor source = open_directory(from, name);
        const Descriptor target = make_directory(to, name, 0755);
        ::fchmod(target.get(), 0755);
        for (const std::string& below : source ? names_in(source.get()) : std::vector<std::string>{}) {
            copy_part(source.get(), target.get(), below, depth + 1);
        }
    }
}

void fill(int tree) {
    const Descriptor host(::open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string part : host_parts) {
        const std::size_t slash = part.find('/');
        if (slash == std::string::npos) {
            copy_part(host.get(), tree, part, 0);
            continue;
        }
        const Descriptor from = open_directory(host.get(), part.substr(0, slash));
        if (from) {
            const Descriptor to = make_directory(tree, part.substr(0, slash), 0755);
            ::fchmod(to.get(), 0755);
            copy_part(from.get(), to.get(), part.substr(slash + 1), 0);
        }
    }
    for (const OwnFile& file : own_files()) {
        put_file(tree, file.name, file.content);
    }
    ::symlinkat("/proc/self/mounts", tree, "mtab");
    for (const char* place : {"alternatives", "ssl", "ssl/certs"}) {
        (void)make_directory(tree, place, 0755);  // what lies here is large: it is bound, not copied
    }
}

constexpr std::string_view unfinished = ".etc-";

// For as long as it lives nobody else makes a tree. Waiting for it is waiting for a few small files.
Descriptor alone(int state) {
    Descriptor lock(::openat(state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    while (!lock || ::flock(lock.get(), LOCK_EX) != 0) {
        if (!lock || errno != EINTR) {
            throw system_failure("cannot lock the state directory", errno);
        }
    }
    return lock;
}

// Of whoever was killed over it: we are alone.
void remove_unfinished(int state) {
    for (const std::string& name : names_in(state)) {
        if (name.starts_with(unfinished)) {
            remove_tree(state, name);
        }
    }
}

void make_tree(int state, const std::string& name) {
    const std::string temporary = std::string(unfinished) + random_name(12);
    {
        const Descriptor tree = make_directory(state, temporary, 0755);
        ::fchmod(tree.get(), 0755);
        fill(tree.get());
    }
    if (::renameat(state, temporary.c_str(), state, name.c_str()) != 0) {
        const int failed = errno;
        remove_tree(state, temporary);
        throw system_failure("cannot make the sandboxes' /etc", failed);
    }
}

}  // namespace

Descriptor open_etc_tree(int state) {
    const std::string name = "etc-" + fingerprint();
    if (Descriptor there = open_directory(state, name)) {
        return there;
    }
    const Descriptor lock = alone(state);
    remove_unfinished(state);
    Descriptor made = open_directory(state, name);  // by somebody who was faster
    if (!made) {
        make_tree(state, name);
        made = open_directory(state, name);
    }
    if (!made) {
        throw system_failure("cannot make the sandboxes' /etc", errno);
    }
    return made;
}

}  // namespace berth_local

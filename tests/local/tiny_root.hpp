// A root directory just large enough to run a shell and a few programs in: this machine's own, with the libraries they
// need. For tests of templates, where a whole system would be too slow to make.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "room.hpp"

namespace room {

inline std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> stream(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    std::array<char, 4096> part{};
    while (const std::size_t size = std::fread(part.data(), 1, part.size(), stream.get())) {
        text.append(part.data(), size);
    }
    return text;
}

// A path of this machine as it lies in a root whose /bin and /lib are links into /usr.
inline std::filesystem::path place_in(const std::filesystem::path& root, const std::string& path) {
    return root / (path.starts_with("/usr/") ? path.substr(1) : "usr" + path);
}

inline void copy_into(const std::filesystem::path& root, const std::string& path) {
    const std::filesystem::path to = place_in(root, path);
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy_file(path, to, std::filesystem::copy_options::skip_existing);
}

inline void make_tiny_root(const std::filesystem::path& root) {
    std::filesystem::create_directories(root / "etc");
    std::filesystem::create_directories(root / "root");
    for (const char* link : {"bin", "lib", "lib64"}) {
        std::filesystem::create_directories(root / "usr" / link);
        std::filesystem::create_directory_symlink(std::string("usr/") + link, root / link);
    }
    for (const char* name : {"sh",      "cat",    "chmod", "chown", "grep",    "id",       "ln",      "ls",
                             "mkdir",   "mknod",  "mv",    "rm",    "setpriv", "sleep",    "stat",    "touch",
                             "unshare", "chroot", "mount", "cp",    "mkfifo",  "truncate", "readlink"}) {
        const std::string path =
            std::string(std::filesystem::exists(std::string("/usr/bin/") + name) ? "/usr/bin/" : "/usr/sbin/") + name;
        copy_into(root, path);
        if (path.starts_with("/usr/sbin")) {
            std::filesystem::copy_file(path, root / "usr/bin" / name);
        }
        // Lines like "libc.so.6 => /lib/x/libc.so.6 (0x...)" and "/lib64/ld-linux.so.2 (0x...)".
        std::istringstream words(output_of("ldd " + path));
        for (std::string word; words >> word;) {
            if (word.front() == '/') {
                copy_into(root, word);
            }
        }
    }
    std::ofstream(root / "etc/passwd") << "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/:/bin/sh\n";
    std::ofstream(root / "etc/group") << "root:x:0:\nguest:x:1000:\n";
    std::ofstream(root / "etc/note") << "of the template\n";
    std::filesystem::create_directory(root / "data");
    std::ofstream(root / "data/one") << "1\n";
    std::ofstream(root / "data/two") << "2\n";
}

}  // namespace room

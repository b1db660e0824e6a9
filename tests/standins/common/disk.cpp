#include "disk.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace standin {

namespace files = std::filesystem;

namespace {

constexpr auto readable = files::perms(0555);

/// Directories that their owner closed would keep us out.
void open_directories(const files::path& tree) {
    std::error_code failed;
    files::permissions(tree, files::perms::owner_all, files::perm_options::add, failed);
    for (const auto& entry : files::directory_iterator(tree, failed)) {
        if (entry.is_directory() && !entry.is_symlink()) open_directories(entry.path());
    }
}

}  // namespace

void make_root(const files::path& root, const Account& account, const std::vector<Tool>& tools) {
    files::create_directories(root);
    for (const auto* name : {"bin", "sbin", "lib", "lib64"}) {
        if (files::exists(files::path("/usr") / name)) files::create_symlink(std::string("usr/") + name, root / name);
    }
    for (const auto* name :
         {"tmp", "etc", "opt", "srv", "var", "var/tmp", "home", "root", "mnt", "usr", "proc", "dev", "run"}) {
        files::create_directory(root / name);
    }
    files::create_directories(root / account.home.substr(1));
    std::ofstream(root / "etc/passwd") << "root:x:0:0:root:/root:/bin/bash\n"
                                       << account.name << ":x:1000:1000::" << account.home << ":/bin/bash\n";
    std::ofstream(root / "etc/group") << "root:x:0:\n" << account.name << ":x:1000:\n";
    std::ofstream(root / "etc/hosts") << "127.0.0.1 localhost sandbox\n";
    for (const auto* name : {"tmp", "var/tmp"}) {
        files::permissions(root / name, files::perms(01777));
    }
    for (const auto* name : {"etc/alternatives", "etc/ssl"}) {
        files::create_directory(root / name);  // where bubblewrap shows the machine's
    }
    std::ofstream(root / "etc/ld.so.cache").flush();
    for (const auto& tool : tools) {
        const auto place = root / files::path(tool_directory).relative_path();
        files::create_directories(place);
        std::ofstream(place / tool.name) << tool.text;
        files::permissions(place / tool.name, readable);
    }
    for (const auto* name : {"etc", "opt", "srv", "var", "home", "root", "mnt"}) {
        files::permissions(root / name, readable);
    }
    if (files::path(account.home).parent_path() != "/") {
        files::permissions(root / files::path(account.home).parent_path().relative_path(), readable);
    }
    files::permissions(root, readable);
}

void copy_tree(const files::path& from, const files::path& to) {
    std::string program = "cp";
    std::string kind = "-a";
    std::string share = "--reflink=auto";
    std::string source = from.string();
    std::string target = to.string();
    std::array<char*, 7> words{program.data(), kind.data(), share.data(), source.data(),
                               target.data(),  nullptr,     nullptr};
    pid_t process = -1;
    if (const int failure = ::posix_spawnp(&process, "cp", nullptr, nullptr, words.data(), environ)) {
        throw std::system_error(failure, std::generic_category(), "starting cp");
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) throw std::runtime_error("cp -a " + source + " " + target + " failed");
}

std::uintmax_t size_of_tree(const files::path& tree) {
    std::uintmax_t size = 0;
    std::error_code failed;
    for (const auto& entry :
         files::recursive_directory_iterator(tree, files::directory_options::skip_permission_denied, failed)) {
        if (entry.is_regular_file(failed) && !entry.is_symlink()) size += entry.file_size(failed);
    }
    return size;
}

void remove_tree(const files::path& tree) {
    open_directories(tree);
    files::remove_all(tree);
}

}  // namespace standin

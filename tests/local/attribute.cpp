// Put into sandboxes by the tests, for what a shell cannot do: extended attributes by their bytes, sockets, and
// directories in one another beyond the longest path.
//
//   attribute set FILE NAME HEX      attribute get FILE NAME      attribute socket PATH
//   attribute deepen COUNT           attribute depth              both from the working directory down
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

int fail(const char* what) {
    std::perror(what);
    return 1;
}

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
    }
    return bytes;
}

int set(const char* file, const char* name, const std::string& hex) {
    const std::string value = bytes_of(hex);
    return ::lsetxattr(file, name, value.data(), value.size(), 0) == 0 ? 0 : fail(name);
}

int get(const char* file, const char* name) {
    unsigned char value[4096];
    const ssize_t size = ::lgetxattr(file, name, value, sizeof value);
    if (size < 0) {
        return fail(name);
    }
    for (ssize_t i = 0; i < size; ++i) {
        std::printf("%02x", value[i]);
    }
    std::puts("");
    return 0;
}

int make_socket(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int number = ::socket(AF_UNIX, SOCK_STREAM, 0);
    return ::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : fail(path);
}

int deepen(int count) {
    for (int i = 0; i < count; ++i) {
        if (::mkdir("down", 0755) != 0 || ::chdir("down") != 0) {
            return fail("down");
        }
    }
    return 0;
}

int print_depth() {
    int depth = 0;
    while (::chdir("down") == 0) {
        ++depth;
    }
    std::printf("%d\n", depth);
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::string_view action = count > 1 ? words[1] : "";
    if (action == "set" && count == 5) {
        return set(words[2], words[3], words[4]);
    }
    if (action == "get" && count == 4) {
        return get(words[2], words[3]);
    }
    if (action == "socket" && count == 3) {
        return make_socket(words[2]);
    }
    if (action == "deepen" && count == 3) {
        return deepen(std::atoi(words[2]));
    }
    return action == "depth" && count == 2 ? print_depth() : 2;
}

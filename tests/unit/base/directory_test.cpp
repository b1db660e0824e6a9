// Directories are read through a descriptor: every name once, the end told apart from a failure.
#include "base/directory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

using namespace berth;
namespace fs = std::filesystem;

namespace {

class Scratch {
public:
    Scratch() {
        std::string pattern = (fs::temp_directory_path() / "berth-directory-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }

    fs::path path;
};

FileDescriptor opened(const fs::path& path) {
    FileDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(descriptor);
    return descriptor;
}

}  // namespace

TEST_CASE("a directory gives each of its names but the dots, and errno 0 at the end") {
    const Scratch scratch;
    for (const auto* name : {"one", ".hidden", "..."})
        std::ofstream(scratch.path / name) << "x";
    const auto descriptor = opened(scratch.path);
    const auto stream = read_directory(descriptor);
    REQUIRE(stream);
    std::multiset<std::string> names;
    while (const auto* entry = read_entry(stream)) {
        names.insert(entry->d_name);
        errno = EIO;  // of something else in between
    }
    CHECK(errno == 0);
    CHECK(names == std::multiset<std::string>{"...", ".hidden", "one"});
}

TEST_CASE("the descriptor stays the caller's when the stream is gone") {
    const Scratch scratch;
    const auto descriptor = opened(scratch.path);
    { const auto stream = read_directory(descriptor); }
    CHECK(::fcntl(descriptor.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("what is no directory gives no stream and says so") {
    const Scratch scratch;
    std::ofstream(scratch.path / "file") << "x";
    CHECK_FALSE(read_directory(opened(scratch.path / "file")));
    CHECK(errno == ENOTDIR);
    CHECK_FALSE(read_directory(FileDescriptor{}));
    CHECK(errno == EBADF);
}

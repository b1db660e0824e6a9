// Directories are read through a descriptor: every name once, the end told apart from a failure.
#include "base/directory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "../../support/scratch_folder.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

FileDescriptor opened(const fs::path& path) {
    FileDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(descriptor);
    return descriptor;
}

}  // namespace

TEST_CASE("a directory gives each of its names but the dots, and errno 0 at the end") {
    const berth_test::ScratchFolder scratch("directory");
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
    const berth_test::ScratchFolder scratch("directory");
    const auto descriptor = opened(scratch.path);
    { const auto stream = read_directory(descriptor); }
    CHECK(::fcntl(descriptor.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("what is no directory gives no stream and says so") {
    const berth_test::ScratchFolder scratch("directory");
    std::ofstream(scratch.path / "file") << "x";
    CHECK_FALSE(read_directory(opened(scratch.path / "file")));
    CHECK(errno == ENOTDIR);
    CHECK_FALSE(read_directory(FileDescriptor{}));
    CHECK(errno == EBADF);
}

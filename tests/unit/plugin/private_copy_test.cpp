// Copies that hold what was verified: made once, looked through each time, few, and nobody else's business.
#include "plugin/private_copy.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "../../support/scratch_folder.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

const TrustRules me{::geteuid()};

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("copies") { write("verified bytes"); }
    void write(std::string_view bytes) const { std::ofstream(path / "x.so", std::ios::binary) << bytes; }
    [[nodiscard]] TrustedFile open() const {
        return open_trusted_file(open_trusted_directory(path.string(), me), "x.so", me);
    }
    [[nodiscard]] std::string copies() const { return (path / "cache/berth/plugins").string(); }
    [[nodiscard]] PrivateCopy copy() const { return make_private_copy(open(), path.string(), copies(), me); }
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(copies()), fs::directory_iterator()));
    }
};

std::string refusal(const Scratch& scratch, const std::string& directory) {
    try {
        (void)make_private_copy(scratch.open(), "/", directory, me);
    } catch (const Error& error) {
        CHECK_FALSE(error.fields().hint.empty());
        return std::string(error.diagnostic());
    }
    return "copied";
}

}  // namespace

TEST_CASE("a copy holds the bytes, is named by them, and is for nobody else to see or write") {
    const Scratch scratch;
    const auto copy = scratch.copy();
    CHECK(content(copy.path) == "verified bytes");
    CHECK(fs::path(copy.path).stem().string() == copy.hash.substr(7));
    CHECK(mode_of(copy.path) == 0500);
    CHECK(mode_of(scratch.copies()) == 0700);
    CHECK(fs::read_symlink(fs::path(copy.path).parent_path() / "origin") == scratch.path);
}

TEST_CASE("the same bytes from the same folder have one copy, from another folder another") {
    const Scratch scratch;
    const auto first = scratch.copy();
    CHECK(scratch.copy().path == first.path);
    struct stat before {};
    REQUIRE(::fstat(first.descriptor.get(), &before) == 0);
    struct stat now {};
    REQUIRE(::stat(first.path.c_str(), &now) == 0);
    CHECK(now.st_ino == before.st_ino);
    CHECK(make_private_copy(scratch.open(), "/elsewhere", scratch.copies(), me).path != first.path);
    scratch.write("other bytes");
    CHECK(scratch.copy().hash != first.hash);
    CHECK(content(first.path) == "verified bytes");
}

TEST_CASE("a copy that is not what its name says is made anew") {
    const Scratch scratch;
    const std::string path = scratch.copy().path;
    const auto spoil = [&](auto how) {
        how();
        const auto again = scratch.copy();
        CHECK(again.path == path);
        CHECK(content(path) == "verified bytes");
        CHECK(mode_of(path) == 0500);
        CHECK(fs::is_regular_file(fs::symlink_status(path)));
    };
    spoil([&] {
        REQUIRE(::chmod(path.c_str(), 0700) == 0);
        std::ofstream(path) << "VERIFIED BYTES";
        REQUIRE(::chmod(path.c_str(), 0500) == 0);
    });
    spoil([&] { REQUIRE(::chmod(path.c_str(), 0522) == 0); });
    spoil([&] {
        fs::rename(path, scratch.path / "elsewhere");
        fs::create_symlink(scratch.path / "elsewhere", path);
    });
    spoil([&] { fs::remove_all(fs::path(path).parent_path()); });
    spoil([&] { REQUIRE(::truncate((fs::permissions(path, fs::perms::owner_all), path).c_str(), 3) == 0); });
}

TEST_CASE("what happens to the file after it was opened does not reach the copy") {
    const Scratch scratch;
    const auto opened = scratch.open();
    std::ofstream(scratch.path / "evil") << "evil bytes";
    fs::rename(scratch.path / "evil", scratch.path / "x.so");
    const auto copy = make_private_copy(opened, scratch.path.string(), scratch.copies(), me);
    CHECK(content(copy.path) == "verified bytes");
}

TEST_CASE("a file that became shorter is no plugin") {
    const Scratch scratch;
    const auto opened = scratch.open();
    fs::resize_file(scratch.path / "x.so", 3);
    CHECK_THROWS_AS((void)make_private_copy(opened, "/", scratch.copies(), me), Error);
}

TEST_CASE("few copies stay, and those in use always do") {
    const Scratch scratch;
    const auto held = scratch.copy();
    for (std::size_t number = 0; number < max_private_copies + 20; ++number) {
        scratch.write("plugin " + std::to_string(number));
        (void)scratch.copy();
    }
    CHECK(scratch.count() <= max_private_copies + 1);
    CHECK(content(held.path) == "verified bytes");
    fs::create_directory(fs::path(scratch.copies()) / ".123.new");  // as a process that died would leave it
    for (std::size_t number = 0; number < max_private_copies + 20; ++number) {
        scratch.write("another " + std::to_string(number));
        (void)scratch.copy();
    }
    CHECK_FALSE(fs::exists(fs::path(scratch.copies()) / ".123.new"));
}

TEST_CASE("many at once get one copy, and each can read it") {
    const Scratch scratch;
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    threads.reserve(8);
    for (int number = 0; number < 8; ++number) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                const auto copy = scratch.copy();
                if (content(copy.path) == "verified bytes") ++good;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(good == 160);
    CHECK(scratch.count() == 1);
}

TEST_CASE("a directory of copies is made for its owner alone, or there are none") {
    const Scratch scratch;
    fs::create_directories(scratch.copies());
    REQUIRE(::chmod(scratch.copies().c_str(), 0755) == 0);
    (void)scratch.copy();
    CHECK(mode_of(scratch.copies()) == 0700);
    REQUIRE(::chmod((scratch.path / "cache").c_str(), 0777) == 0);
    CHECK(refusal(scratch, scratch.copies()) == "BERTH-P-30");
    CHECK(refusal(scratch, "") == "BERTH-P-30");
    CHECK(refusal(scratch, (scratch.path / "x.so").string()) == "BERTH-P-30");
    CHECK(refusal(scratch, (scratch.path / "x.so/deeper").string()) == "BERTH-P-30");
    if (::geteuid() != 0) return;
    fs::create_directory(scratch.path / "theirs");
    REQUIRE(::chown((scratch.path / "theirs").c_str(), 4711, 4711) == 0);
    CHECK(refusal(scratch, (scratch.path / "theirs").string()) == "BERTH-P-30");
}

TEST_CASE("where copies lie") {
    const auto place = [](EnvironmentVariables::Variables variables) {
        return usual_copies_directory(EnvironmentVariables(std::move(variables)));
    };
    CHECK(place({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}}) == "/c/berth/plugins");
    const bool root = ::geteuid() == 0;
    CHECK(place({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}) ==
          (root ? "/var/cache/berth/plugins" : "/h/.cache/berth/plugins"));
    CHECK(place({}) == (root ? "/var/cache/berth/plugins" : ""));
}

// Whom the host lets write its code.
#include "plugin/trust.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../support/scratch_folder.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

/// A private directory with one file x.so, removed afterwards.
class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("trust") {
        std::ofstream(path / "x.so") << "content";
        mode("x.so", 0600);
    }
    void mode(const char* name, mode_t mode) const { REQUIRE(::chmod((path / name).c_str(), mode) == 0); }
};

const TrustRules rules = TrustRules::of_this_process();

/// The number of the refusal of x.so in a directory, or "trusted".
std::string verdict(const fs::path& directory, const char* name = "x.so", const TrustRules& by = rules) {
    try {
        (void)open_trusted_file(open_trusted_directory(directory.string(), by), name, by);
    } catch (const Error& error) {
        return std::string(error.diagnostic());
    }
    return "trusted";
}

}  // namespace

TEST_CASE("my own files are trusted while nobody else may write them") {
    const Scratch scratch;
    for (const mode_t mode : {0400U, 0600U, 0644U, 0755U}) {
        scratch.mode("x.so", mode);
        CHECK(verdict(scratch.path) == "trusted");
    }
    for (const mode_t mode : {0602U, 0646U, 0777U}) {
        scratch.mode("x.so", mode);
        CHECK(verdict(scratch.path) == "BERTH-P-04");
    }
}

TEST_CASE("in a sticky directory for everybody my file is mine, and in any other it is not") {
    const Scratch scratch;
    scratch.mode(".", 01777);
    CHECK(verdict(scratch.path) == "trusted");
    scratch.mode("x.so", 0646);
    CHECK(verdict(scratch.path) == "BERTH-P-04");
    scratch.mode("x.so", 0644);
    scratch.mode(".", 0777);
    CHECK(verdict(scratch.path) == "BERTH-P-04");
}

TEST_CASE("a private group may write, another may not") {
    if (::geteuid() != 0) return;  // only root may give files to groups at will
    const Scratch scratch;
    scratch.mode("x.so", 0664);
    const auto file = scratch.path / "x.so";
    const auto give = [&](uid_t owner, gid_t group) { REQUIRE(::chown(file.c_str(), owner, group) == 0); };
    give(0, 0);
    CHECK(verdict(scratch.path) == "trusted");
    give(0, 4711);
    CHECK(verdict(scratch.path) == "BERTH-P-04");
    give(4711, 4711);
    CHECK(verdict(scratch.path, "x.so", TrustRules{4711}) == "trusted");
    give(4711, 4712);
    CHECK(verdict(scratch.path, "x.so", TrustRules{4711}) == "BERTH-P-04");
}

TEST_CASE("another user's file and directory are refused, root's are not") {
    const Scratch scratch;
    if (::geteuid() == 0) {
        REQUIRE(::chown((scratch.path / "x.so").c_str(), 4711, 4711) == 0);
        CHECK(verdict(scratch.path) == "BERTH-P-05");
        REQUIRE(::chown((scratch.path / "x.so").c_str(), 0, 0) == 0);
        CHECK(verdict(scratch.path, "x.so", TrustRules{4711}) == "trusted");
    } else {
        CHECK(verdict(scratch.path, "x.so", TrustRules{::geteuid() + 1}) == "BERTH-P-05");
    }
}

TEST_CASE("a link is as good as the directory it leads to") {
    const Scratch scratch;
    const Scratch other;
    fs::create_symlink(other.path / "x.so", scratch.path / "link.so");
    CHECK(verdict(scratch.path, "link.so") == "trusted");
    other.mode(".", 0777);
    CHECK(verdict(scratch.path, "link.so") == "BERTH-P-04");
    CHECK(verdict(scratch.path) == "trusted");
}

TEST_CASE("what is not there or no file") {
    const Scratch scratch;
    CHECK(verdict(scratch.path, "y.so") == "BERTH-P-06");
    CHECK(verdict(scratch.path / "none") == "BERTH-P-02");
    CHECK(verdict(scratch.path / "x.so") == "BERTH-P-02");
    REQUIRE(::mkfifo((scratch.path / "fifo.so").c_str(), 0600) == 0);
    CHECK(verdict(scratch.path, "fifo.so") == "BERTH-P-06");
}

TEST_CASE("the identity changes with the content and the file") {
    const Scratch scratch;
    const auto identity = [&] {
        return open_trusted_file(open_trusted_directory(scratch.path.string(), rules), "x.so", rules).identity;
    };
    const auto first = identity();
    CHECK(identity() == first);
    std::ofstream(scratch.path / "x.so", std::ios::app) << "more";
    CHECK_FALSE(identity() == first);
    CHECK(identity().same_file(first));
    std::ofstream(scratch.path / "new") << "content";
    fs::rename(scratch.path / "new", scratch.path / "x.so");
    CHECK_FALSE(identity().same_file(first));
}

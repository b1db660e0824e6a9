// The way to a plugin: what stands above it and what links lead to counts as much as the file itself.
#include "plugin/trusted_walk.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "../../support/scratch_folder.hpp"
#include "plugin/trust.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

const TrustRules me{::geteuid()};

/// above/middle/x.so in a private folder.
class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("walk") {
        fs::create_directories(path / "above/middle");
        file("above/middle/x.so", "good");
        mode("above", 0755);
        mode("above/middle", 0755);
    }
    void file(const fs::path& name, std::string_view content) const {
        std::ofstream(path / name) << content;
        mode(name, 0644);
    }
    void mode(const fs::path& name, mode_t mode) const { REQUIRE(::chmod((path / name).c_str(), mode) == 0); }
    void give(const fs::path& name, uid_t owner, gid_t group) const {
        REQUIRE(::lchown((path / name).c_str(), owner, group) == 0);
    }
    [[nodiscard]] std::string at(const fs::path& name) const { return (path / name).string(); }
};

struct Verdict {
    std::string number = "trusted";
    std::string where;
    std::string line;
};

Verdict verdict(const std::string& path, const TrustRules& rules = me) {
    try {
        (void)walk_to(path, WalkGoal::file, rules);
    } catch (const Error& error) {
        return {std::string(error.diagnostic()), error.fields().location, error.what()};
    }
    return {};
}

bool says(const Verdict& verdict, std::string_view words) {
    CAPTURE(verdict.line);
    return verdict.line.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("every directory above counts, and the refusal names the one that is at fault") {
    const Scratch scratch;
    const auto file = scratch.at("above/middle/x.so");
    CHECK(verdict(file).number == "trusted");
    for (const auto* name : {"above", "above/middle"}) {
        CAPTURE(name);
        scratch.mode(name, 0777);
        const auto refused = verdict(file);
        CHECK(refused.number == "BERTH-P-04");
        CHECK(refused.where == scratch.at(name));
        CHECK(says(refused, "everybody (mode 0777)"));
        CHECK(says(refused, "on the way to \"" + file + "\""));
        CHECK(says(refused, "chmod go-w \"" + scratch.at(name) + "\""));
        scratch.mode(name, 0755);
    }
    scratch.mode("above/middle/x.so", 0666);
    CHECK(verdict(file).where == file);
}

TEST_CASE("a sticky directory above is fine when what is in it is") {
    const Scratch scratch;
    scratch.mode("above", 01777);
    CHECK(verdict(scratch.at("above/middle/x.so")).number == "trusted");
    scratch.mode("above/middle", 0777);
    const auto refused = verdict(scratch.at("above/middle/x.so"));
    CHECK(refused.number == "BERTH-P-04");
    CHECK(refused.where == scratch.at("above/middle"));
}

TEST_CASE("another user's directory or link on the way is refused, root's is not") {
    if (::geteuid() != 0) return;  // only root may give things away
    const Scratch scratch;
    const auto file = scratch.at("above/middle/x.so");
    scratch.give("above", 4711, 4711);
    const auto refused = verdict(file);
    CHECK(refused.number == "BERTH-P-05");
    CHECK(refused.where == scratch.at("above"));
    CHECK(says(refused, "belongs to user 4711"));
    CHECK(says(refused, "chown 0 "));
    CHECK(verdict(file, TrustRules{4711}).number == "trusted");
    scratch.give("above", 0, 0);

    fs::create_symlink("middle/x.so", scratch.path / "above/link.so");
    CHECK(verdict(scratch.at("above/link.so")).number == "trusted");
    // In a sticky directory anybody may make a link to something that is trusted: the choice is not his.
    scratch.mode("above", 01777);
    scratch.give("above/link.so", 4711, 4711);
    const auto linked = verdict(scratch.at("above/link.so"));
    CHECK(linked.number == "BERTH-P-05");
    CHECK(linked.where == scratch.at("above/link.so"));
    CHECK(says(linked, "chown -h 0 "));
}

TEST_CASE("a group may write when it is the owner's private one and there is no access list") {
    if (::geteuid() != 0) return;  // only root may give things to groups at will
    const Scratch scratch;
    const auto file = scratch.at("above/middle/x.so");
    scratch.mode("above", 02775);
    scratch.give("above", 4711, 4711);
    CHECK(verdict(file, TrustRules{4711}).number == "trusted");
    scratch.give("above", 4711, 4712);
    scratch.mode("above", 02775);
    const auto refused = verdict(file, TrustRules{4711});
    CHECK(refused.number == "BERTH-P-04");
    CHECK(says(refused, "group 4712, which is not the owner's private one (mode 2775)"));
    CHECK(says(refused, "chmod g-w"));

    scratch.give("above", 4711, 4711);
    scratch.mode("above", 0775);
    // user::rwx, user:4712:rwx, group::r-x, mask::rwx, other::r-x in the kernel's own form.
    const unsigned char list[] = {2, 0,    0,    0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,  7,
                                  0, 0x68, 0x12, 0,   0,   4,   0,  5, 0,   255, 255, 255, 255, 16, 0,
                                  7, 0,    255,  255, 255, 255, 32, 0, 5,   0,   255, 255, 255, 255};
    if (::setxattr(scratch.at("above").c_str(), "system.posix_acl_access", list, sizeof list, 0) != 0) {
        MESSAGE("skipped in part: this file system has no access lists");
        return;
    }
    const auto listed = verdict(file, TrustRules{4711});
    CHECK(listed.number == "BERTH-P-04");
    CHECK(says(listed, "setfacl -b"));
}

TEST_CASE("links are followed as the kernel does, and where they lead is judged") {
    const Scratch scratch;
    fs::create_directories(scratch.path / "other/deep");
    scratch.file("other/y.so", "other");
    fs::create_directory_symlink(scratch.path / "above", scratch.path / "absolute");
    fs::create_directory_symlink("above/middle/../middle", scratch.path / "relative");
    fs::create_symlink("../../other/deep/../y.so", scratch.path / "above/middle/y.so");
    CHECK(verdict(scratch.at("absolute/middle/x.so")).number == "trusted");
    CHECK(verdict(scratch.at("relative/x.so")).number == "trusted");
    CHECK(verdict(scratch.at("./relative/.//x.so")).number == "trusted");
    const auto walk = walk_to(scratch.at("relative/y.so"), WalkGoal::file, me);
    CHECK(walk.last().path == scratch.at("other/y.so"));
    scratch.mode("other", 0777);
    CHECK(verdict(scratch.at("relative/y.so")).where == scratch.at("other"));
    CHECK(verdict(scratch.at("relative/x.so")).number == "trusted");
}

TEST_CASE("links in a circle, dangling ones, and files on the way have their reasons") {
    const Scratch scratch;
    fs::create_symlink("two.so", scratch.path / "one.so");
    fs::create_symlink("one.so", scratch.path / "two.so");
    const auto circle = verdict(scratch.at("one.so"));
    CHECK(circle.number == "BERTH-P-06");
    CHECK(says(circle, "Links lead in a circle"));
    fs::create_symlink("nowhere", scratch.path / "dangling.so");
    CHECK(says(verdict(scratch.at("dangling.so")), "No such file"));
    CHECK(says(verdict(scratch.at("above/middle/x.so/y.so")), "Not a directory"));
    for (int level = 0; level < 50; ++level)
        fs::create_symlink(level == 0 ? "above/middle/x.so" : "chain" + std::to_string(level - 1),
                           scratch.path / ("chain" + std::to_string(level)));
    CHECK(verdict(scratch.at("chain39")).number == "trusted");
    CHECK(verdict(scratch.at("chain40")).number == "BERTH-P-06");
}

TEST_CASE("who wants to hear all of it is led on behind what is refused") {
    const Scratch scratch;
    scratch.mode("above", 0777);
    scratch.mode("above/middle/x.so", 0666);
    const auto walk = walk_to(scratch.at("above/middle/x.so"), WalkGoal::file, me, OnDistrust::go_on);
    REQUIRE(walk.refusal() != nullptr);
    CHECK(walk.refusal()->fields().location == scratch.at("above"));
    CHECK(walk.last().refusal.has_value());
    CHECK(walk.steps.front().path == "/");
    CHECK(open_end(walk).identity.size == 4);
}

TEST_CASE("directories above the running program are not judged, the plugin's own is") {
    const Scratch scratch;
    scratch.mode("above", 0777);
    const TrustRules rules{::geteuid(), scratch.at("above/bin")};
    CHECK(verdict(scratch.at("above/middle/x.so"), rules).number == "trusted");
    CHECK(verdict(scratch.at("above/middle/x.so"), TrustRules{::geteuid(), scratch.at("above-not/bin")}).number ==
          "BERTH-P-04");
    scratch.mode("above/middle", 0777);
    CHECK(verdict(scratch.at("above/middle/x.so"), rules).where == scratch.at("above/middle"));
    CHECK_THROWS_AS((void)open_trusted_directory(scratch.at("above"), rules), Error);
}

TEST_CASE("a directory that is exchanged again and again meanwhile never gets its file in") {
    const Scratch scratch;
    fs::create_directories(scratch.path / "evil/middle");
    scratch.file("evil/middle/x.so", "evil");
    scratch.mode("evil", 0777);
    std::atomic<bool> done = false;
    std::thread exchanger([&] {
        while (!done)
            ::syscall(SYS_renameat2, AT_FDCWD, scratch.at("above").c_str(), AT_FDCWD, scratch.at("evil").c_str(), 2U);
    });
    int trusted = 0;
    int refused = 0;
    for (int round = 0; round < 5000; ++round) {
        try {
            const auto opened = open_end(walk_to(scratch.at("above/middle/x.so"), WalkGoal::file, me));
            char content[4] = {};
            CHECK(::pread(opened.descriptor.get(), content, 4, 0) == 4);
            CHECK(std::string_view(content, 4) == "good");
            ++trusted;
        } catch (const Error&) {
            ++refused;
        }
    }
    done = true;
    exchanger.join();
    CHECK(trusted + refused == 5000);
}

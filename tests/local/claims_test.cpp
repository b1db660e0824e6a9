// Who has which ids: claimed once, given back, never given twice, and kept apart from those of others.
#include <sys/mount.h>
#include <sys/wait.h>

#include <fstream>

#include "local/claim_holder.hpp"
#include "room.hpp"

using namespace room;

TEST_CASE("uids are claimed once, outlive their claimer, and come back when the sandbox is gone") {
    const TemporaryDirectory directory;
    const std::string one = directory.path() / "one";
    const std::string two = directory.path() / "two";
    const std::string three = directory.path() / "three";
    for (const std::string& path : {one, two, three}) {
        REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    }
    const rooms::UidClaims claims(directory.path() / "uids", {5000, 2});
    const std::uint32_t first = claims.claim(one);
    const std::uint32_t second = claims.claim(two);
    CHECK(first != second);
    CHECK(failure_of([&] { (void)claims.claim(three); }).code == BERTH_RESOURCE_EXHAUSTED);
    claims.release(first, two);  // not theirs to give back
    CHECK(failure_of([&] { (void)claims.claim(three); }).code == BERTH_RESOURCE_EXHAUSTED);
    claims.release(first, one);
    CHECK(claims.claim(three) == first);
    std::filesystem::remove(two);  // a crash: the sandbox is gone, its claim is not
    CHECK(claims.claim(one) == second);
}

TEST_CASE("a claim stands while its directory may be somewhere: moved, or on a file system that is not mounted") {
    const TemporaryDirectory directory;
    const auto path = [&](const char* name) { return (directory.path() / name).string(); };
    const rooms::UidClaims claims(path("uids"), {5000, 1});
    const auto is_free = [&] {
        std::filesystem::create_directories(path("next"));
        try {
            claims.release(claims.claim(path("next")), path("next"));
            return true;
        } catch (const rooms::Failure& failure) {
            CHECK(failure.code == BERTH_RESOURCE_EXHAUSTED);
            return false;
        }
    };
    std::filesystem::create_directories(path("state/sandboxes/one"));
    const std::uint32_t uid = claims.claim(path("state/sandboxes/one"));
    CHECK_FALSE(is_free());
    std::filesystem::rename(path("state"), path("moved"));
    CHECK_FALSE(is_free());
    std::filesystem::rename(path("moved"), path("state"));
    // As it would be when the state directory were the root of a file system that is not there now.
    rooms::ClaimHolder holder = rooms::claim_holder(path("state/sandboxes/one"), 1);
    const auto rewrite = [&] { std::ofstream(path("uids") + "/" + std::to_string(uid)) << rooms::to_text(holder); };
    std::filesystem::remove_all(path("state"));
    std::filesystem::create_directories(path("state/sandboxes"));
    const std::string file_system = std::exchange(holder.file_system, "ef53:1:2:0");
    rewrite();
    CHECK_FALSE(is_free());
    // One in memory is gone for good with its boot.
    holder.memory_boot = "an-earlier-one";
    rewrite();
    CHECK(is_free());
    holder.memory_boot.clear();
    holder.file_system = file_system;
    rewrite();
    CHECK(is_free());
    // One that only its path is known of, as an earlier Berth wrote it.
    std::ofstream(path("uids") + "/" + std::to_string(uid)) << path("nowhere/sandboxes/one");
    CHECK_FALSE(is_free());
    std::ofstream(path("uids") + "/" + std::to_string(uid)) << path("state/sandboxes/one");
    CHECK(is_free());
}

TEST_CASE("a claim's directory that was moved and then removed is gone, where the kernel tells" *
          doctest::skip(::geteuid() != 0)) {
    const TemporaryDirectory directory;
    const std::string state = directory.path() / "state";
    std::filesystem::create_directories(state + "/one");
    const rooms::ClaimHolder holder = rooms::claim_holder(state + "/one", 1);
    std::filesystem::rename(state, directory.path() / "moved");
    CHECK(rooms::may_be_there(holder));
    std::filesystem::remove_all(directory.path() / "moved");
    CHECK(rooms::may_be_there(holder) == holder.handle.empty());
}

TEST_CASE("what says who has a claim is read as it was written") {
    for (const rooms::ClaimHolder& one : {rooms::ClaimHolder{"/a b/c\nd", 65'536, "1:2:3:0", "boot", "1:0aff"},
                                          rooms::ClaimHolder{"/x", 1, "f", {}, {}}}) {
        const rooms::ClaimHolder read = rooms::parse_claim_holder(rooms::to_text(one));
        CHECK(read.path == one.path);
        CHECK(read.ids == one.ids);
        CHECK(read.file_system == one.file_system);
        CHECK(read.memory_boot == one.memory_boot);
        CHECK(read.handle == one.handle);
    }
    CHECK(rooms::parse_claim_holder("/only/a path").path == "/only/a path");
    CHECK(rooms::parse_claim_holder("").path.empty());
}

TEST_CASE("ranges of two providers that cut each other are refused, whoever comes first") {
    const TemporaryDirectory directory;
    const std::string uids = directory.path() / "uids";
    const rooms::UidClaims single(uids, {10 * 65'536 + 7, 3});
    const rooms::UidClaims other(uids, {11 * 65'536 + 7, 3});
    const rooms::UidClaims blocks(uids, {10 * 65'536, 65'536}, 65'536);
    (void)other.claim("/usr");  // of the next block
    const std::uint32_t uid = single.claim("/usr");
    const rooms::Failure cut = failure_of([&] { (void)blocks.claim("/etc"); });
    CHECK(cut.code == BERTH_INVALID_ARGUMENT);
    CHECK(cut.message.find("template_uid_range") == 0);
    CHECK(cut.message.find(std::to_string(uid) + " belongs to /usr") != std::string::npos);
    single.release(uid, "/usr");
    const std::uint32_t block = blocks.claim("/etc");
    CHECK(failure_of([&] { (void)single.claim("/usr"); }).code == BERTH_INVALID_ARGUMENT);
    blocks.release(block, "/etc");
    CHECK(single.claim("/usr") >= 10 * 65'536 + 7);  // nothing of the refusals is left
}

TEST_CASE("ids that /etc/subuid gives to somebody are found") {
    const std::string text = "# c\none:100000:65536\nbroken\ntwo:1900000000:10\n";
    CHECK(rooms::subordinate_owner(text, {1'900'000'009, 5}) == "two");
    CHECK(rooms::subordinate_owner(text, {165'535, 1}) == "one");
    CHECK_FALSE(rooms::subordinate_owner(text, {165'536, 100}).has_value());
    CHECK_FALSE(rooms::subordinate_owner(text, {1'899'999'000, 1000}).has_value());
    CHECK_FALSE(rooms::subordinate_owner("", {5000, 1}).has_value());
}

TEST_CASE("what a sandbox had claimed can be given back when nobody knows any more what that was") {
    const TemporaryDirectory directory;
    const rooms::UidClaims claims(directory.path() / "uids", {5000, 3});
    const rooms::UidClaims blocks(directory.path() / "uids", {655'360, 131'072}, 65'536);
    claims.release_all_of("nobody");  // nothing was ever claimed
    const std::uint32_t kept = claims.claim("/");
    (void)claims.claim("/usr");
    (void)blocks.claim("/usr");
    std::ofstream(directory.path() / "uids" / "5004").flush();  // whose maker died before it said for whom
    claims.release_all_of("/usr");
    CHECK(entries(directory.path() / "uids") == 1);
    CHECK(std::filesystem::exists(directory.path() / "uids" / std::to_string(kept)));
}

// In a child that sees another /etc/subuid.
TEST_CASE("no sandbox is made with ids that /etc/subuid gives to somebody, and old ones can still go" *
          doctest::skip(::geteuid() != 0)) {
    Provider provider;
    const std::string id = provider.create();
    const std::string file = provider.directory.path() / "subuid";
    std::ofstream(file) << "somebody:" << provider.settings().uid_range.first + 5 << ":1\n";
    const pid_t child = ::fork();
    if (child == 0) {
        const bool there = ::access("/etc/subuid", F_OK) == 0;
        if (!there || ::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(file.c_str(), "/etc/subuid", nullptr, MS_BIND, nullptr) != 0) {
            ::_exit(77);
        }
        try {
            (void)provider.create();
            ::_exit(1);
        } catch (const rooms::Failure& failure) {
            const bool told = failure.code == BERTH_INVALID_ARGUMENT &&
                              failure.message.find("/etc/subuid gives to somebody") != std::string::npos;
            provider.sandboxes.destroy(id, provider.caller);
            ::_exit(told ? 0 : 2);
        }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
    CHECK(provider.sandboxes.list(provider.caller).size() == (WEXITSTATUS(status) == 77 ? 1 : 0));
}

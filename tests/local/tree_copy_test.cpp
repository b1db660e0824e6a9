// Copies of trees: everything is as it was, nothing outside is touched, and what changes meanwhile is whole or refused.
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <fstream>

#include "copy_place.hpp"
#include "local/extended_attributes.hpp"

using namespace room;

namespace {

struct stat look(const std::string& path) {
    struct stat info {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
}

void same_look(const std::string& a, const std::string& b) {
    const struct stat one = look(a);
    const struct stat other = look(b);
    INFO(a);
    CHECK(one.st_mode == other.st_mode);
    CHECK(one.st_nlink == other.st_nlink);
    CHECK(one.st_uid == other.st_uid);
    CHECK(one.st_mtim.tv_sec == other.st_mtim.tv_sec);
    CHECK(one.st_mtim.tv_nsec == other.st_mtim.tv_nsec);
    if (S_ISREG(one.st_mode)) {
        CHECK(one.st_size == other.st_size);
    }
}

}  // namespace

TEST_CASE("everything is as it was") {
    Place place;
    place.write("file", "content");
    place.write("closed", "secret");
    place.write("later", "x");
    fs::create_directories(place.from("dir/inner/empty"));
    place.write("dir/inner/a\nb\xff c", "odd name");
    place.write("empty", "");
    REQUIRE(::symlink("file", place.from("soft").c_str()) == 0);
    REQUIRE(::symlink("/nowhere/at all", place.from("dangling").c_str()) == 0);
    REQUIRE(::link(place.from("file").c_str(), place.from("dir/hard").c_str()) == 0);
    REQUIRE(::link(place.from("file").c_str(), place.from("dir/inner/harder").c_str()) == 0);
    REQUIRE(::mkfifo(place.from("fifo").c_str(), 0640) == 0);
    REQUIRE(::mknod(place.from("whiteout").c_str(), S_IFCHR | 0600, 0) == 0);
    fs::create_directory(place.from("shut"));
    place.write("shut/in", "inside");
    const bool attributes = ::setxattr(place.from("file").c_str(), "user.note", "kept\0so", 7, 0) == 0;
    const timespec times[2] = {{1'000'000'000, 5}, {1'111'111'111, 123'456'789}};
    REQUIRE(::utimensat(AT_FDCWD, place.from("soft").c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
    REQUIRE(::chmod(place.from("file").c_str(), 04755) == 0);
    REQUIRE(::chmod(place.from("closed").c_str(), 0) == 0);
    REQUIRE(::chmod(place.from("dir/inner").c_str(), 01500) == 0);
    REQUIRE(::chmod(place.from("shut").c_str(), 0) == 0);
    for (const char* name : {"file", "dir", "dir/inner", "fifo", "."}) {
        REQUIRE(::utimensat(AT_FDCWD, place.from(name).c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
    }
    copies_from_to(place);
    for (const char* name : {".", "file", "closed", "later", "dir", "dir/inner", "dir/inner/empty",
                             "dir/inner/a\nb\xff c", "empty", "soft", "dangling", "fifo", "whiteout", "shut"}) {
        same_look(place.from(name), place.path("to/from/" + std::string(name)));
    }
    // What was lent has been given back.
    CHECK((look(place.from("shut")).st_mode & 07777) == 0);
    CHECK((look(place.from("closed")).st_mode & 07777) == 0);
    CHECK(fs::read_symlink(place.path("to/from/dangling")) == "/nowhere/at all");
    CHECK(content_of(place.path("to/from/file")) == "content");
    CHECK(content_of(place.path("to/from/dir/inner/a\nb\xff c")) == "odd name");
    CHECK(look(place.path("to/from/file")).st_ino == look(place.path("to/from/dir/hard")).st_ino);
    CHECK(look(place.path("to/from/file")).st_ino == look(place.path("to/from/dir/inner/harder")).st_ino);
    CHECK(look(place.path("to/from/whiteout")).st_rdev == 0);
    if (attributes) {
        char value[16];
        REQUIRE(::getxattr(place.path("to/from/file").c_str(), "user.note", value, sizeof value) == 7);
        CHECK(std::string(value, 7) == std::string("kept\0so", 7));
    }
    REQUIRE(::chmod(place.path("to/from/shut").c_str(), 0700) == 0);
    REQUIRE(::chmod(place.path("to/from/closed").c_str(), 0600) == 0);
    CHECK(content_of(place.path("to/from/shut/in")) == "inside");
    CHECK(content_of(place.path("to/from/closed")) == "secret");
    CHECK(fs::is_empty(place.path("links")));
}

TEST_CASE("holes stay holes, large files come whole") {
    Place place;
    std::string large(3'000'001, 'x');
    for (std::size_t i = 0; i < large.size(); i += 4099) {
        large[i] = static_cast<char>(i);
    }
    place.write("large", large);
    place.write("sparse", "begin");
    const rooms::Descriptor sparse(::open(place.from("sparse").c_str(), O_WRONLY));
    REQUIRE(::pwrite(sparse.get(), "middle", 6, 64 << 20) == 6);
    REQUIRE(::ftruncate(sparse.get(), 100 << 20) == 0);
    copies_from_to(place);
    CHECK(content_of(place.path("to/from/large")) == large);
    const struct stat info = look(place.path("to/from/sparse"));
    CHECK(info.st_size == 100 << 20);
    CHECK(info.st_blocks * 512 <= look(place.from("sparse")).st_blocks * 512 + (1 << 20));
    const rooms::Descriptor copy(::open(place.path("to/from/sparse").c_str(), O_RDONLY));
    char text[7] = {};
    CHECK(::pread(copy.get(), text, 6, 64 << 20) == 6);
    CHECK(std::string(text) == "middle");
}

TEST_CASE("nothing is followed out of a tree, sockets are counted") {
    Place place;
    fs::create_directory(place.path("outside"));
    std::ofstream(place.path("outside/secret")) << "secret";
    REQUIRE(::symlink(place.path("outside").c_str(), place.from("way").c_str()) == 0);
    const rooms::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(place.from("socket").copy(address.sun_path, sizeof address.sun_path - 1) < sizeof address.sun_path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    rooms::TreeCopy copy(place.links.get(), {});
    const rooms::Descriptor target = rooms::make_directory(place.top.get(), "to", 0700);
    copy.copy(place.top.get(), "from", target.get(), "/shown");
    CHECK(copy.copied().skipped == 1);
    CHECK(fs::is_symlink(place.path("to/from/way")));
    CHECK_FALSE(fs::exists(place.path("to/from/socket")));
    REQUIRE(::symlink(place.path("outside").c_str(), place.path("linked").c_str()) == 0);
    CHECK_THROWS_AS(copy.copy(place.top.get(), "linked", target.get(), "/shown"), rooms::Failure);
    CHECK_THROWS_AS(copy.copy(place.top.get(), "missing", target.get(), "/shown"), rooms::Failure);
}

TEST_CASE("depth costs no descriptors") {
    Place place;
    constexpr int depth = 400;
    {
        rooms::Descriptor at = rooms::open_directory(place.top.get(), "from");
        for (int i = 0; i < depth; ++i) {
            at = rooms::make_directory(at.get(), "dddddddddddddddd", 0755);
        }
        rooms::put_file(at.get(), "bottom", "reached");
    }
    int most = 0;
    rooms::TreeCopySettings settings = changing();
    settings.on_step = [&] {
        const rooms::Descriptor next(::dup(place.top.get()));
        most = std::max(most, next.get());
    };
    copies_from_to(place, settings);
    CHECK(most < 200);
    rooms::Descriptor at = rooms::open_directory(place.top.get(), "to");
    at = rooms::open_directory(at.get(), "from");
    for (int i = 0; i < depth; ++i) {
        at = rooms::open_directory(at.get(), "dddddddddddddddd");
        REQUIRE(at);
    }
    CHECK(rooms::read_file(at.get(), "bottom", 100) == "reached");
}

TEST_CASE("a file that is rewritten meanwhile is copied as it was at one moment") {
    Place place;
    constexpr std::size_t size = 400'000;
    place.write("file", std::string(size, 'a'));
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        const rooms::Descriptor file(::open(place.from("file").c_str(), O_WRONLY));
        for (int i = 0; !stop; ++i) {
            const std::string content(size, static_cast<char>('a' + i % 26));
            CHECK(::pwrite(file.get(), content.data(), size, 0) == static_cast<ssize_t>(size));
            ::poll(nullptr, 0, i % 3 == 0 ? 60 : 1);
        }
    });
    int whole = 0;
    for (int round = 0; round < 10; ++round) {
        try {
            copies_from_to(place, changing());
            const std::string content = content_of(place.path("to/from/file"));
            CHECK(content.size() == size);
            CHECK(content.find_first_not_of(content[0]) == std::string::npos);
            ++whole;
        } catch (const rooms::Failure& failure) {
            CHECK(failure.code == BERTH_CONFLICT);
            CHECK(failure.path == "/shown/file");
        }
        place.clear();
    }
    stop = true;
    writer.join();
    CHECK(whole > 0);
}

TEST_CASE("who swaps directories for links to elsewhere gains nothing") {
    Place place;
    fs::create_directory(place.path("outside"));
    for (int i = 0; i < 50; ++i) {
        std::ofstream(place.path("outside/f" + std::to_string(i))) << "secret";
    }
    fs::create_directories(place.from("a/b/c"));
    for (int i = 0; i < 50; ++i) {
        place.write("a/b/c/f" + std::to_string(i), "mine");
    }
    REQUIRE(::symlink(place.path("outside").c_str(), place.from("a/b/trap").c_str()) == 0);
    std::atomic<bool> stop = false;
    std::thread swapper([&] {
        while (!stop) {
            ::syscall(SYS_renameat2, AT_FDCWD, place.from("a/b/c").c_str(), AT_FDCWD, place.from("a/b/trap").c_str(),
                      2);
            ::rename(place.from("a/b/c/f0").c_str(), place.from("a/b/c/f1").c_str());
        }
    });
    for (int round = 0; round < 25; ++round) {
        try {
            copies_from_to(place, changing());
        } catch (const rooms::Failure& failure) {
            CHECK(failure.code == BERTH_CONFLICT);
        }
        std::error_code ignored;
        for (const auto& entry : fs::recursive_directory_iterator(place.path("to"), ignored)) {
            if (entry.is_regular_file() && !entry.is_symlink()) {
                CHECK(content_of(entry.path()) != "secret");
            }
        }
        place.clear();
    }
    stop = true;
    swapper.join();
}

TEST_CASE("whoever asked can stop it at any step") {
    Place place;
    for (int i = 0; i < 20; ++i) {
        place.write("f" + std::to_string(i), "x");
    }
    int steps = 0;
    rooms::TreeCopySettings settings;
    settings.on_step = [&] {
        if (++steps == 10) {
            throw rooms::refusal(BERTH_CANCELLED, "cancelled");
        }
    };
    CHECK(failure_of([&] { copies_from_to(place, settings); }).code == BERTH_CANCELLED);
}

TEST_CASE("a full disk is said to be full") {
    Place place;
    fs::create_directory(place.path("small"));
    for (int i = 0; i < 40; ++i) {
        place.write("f" + std::to_string(i), std::string(100'000, 'x'));
    }
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    const pid_t child = ::fork();
    if (child == 0) {
        // A file system of one megabyte, seen by this child alone.
        const bool apart = ::unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) == 0;
        if (apart && uid != 0) {
            std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
            std::ofstream("/proc/self/setgroups") << "deny";
            std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
        }
        if (!apart || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", place.path("small").c_str(), "tmpfs", 0, "size=1m") != 0) {
            ::_exit(77);
        }
        try {
            const rooms::Descriptor small = rooms::open_directory(AT_FDCWD, place.path("small"));
            const rooms::Descriptor links = rooms::make_directory(small.get(), "links", 0700);
            rooms::TreeCopy(links.get(), {}).copy(place.top.get(), "from", small.get(), "/shown");
        } catch (const rooms::Failure& failure) {
            ::_exit(failure.code == BERTH_RESOURCE_EXHAUSTED && !failure.hint.empty() ? 0 : 1);
        }
        ::_exit(2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        MESSAGE("skipped: no mount namespace here");
    } else {
        CHECK(WEXITSTATUS(status) == 0);
    }
}

TEST_CASE("owners are shifted, and strangers become the first") {
    const rooms::IdShift one{500, 900, 1};
    CHECK(one.shifted(500) == 900);
    CHECK(one.shifted(0) == 900);
    CHECK(one.shifted(501) == 900);
    const rooms::IdShift many{1000, 5000, 10};
    CHECK(many.shifted(1000) == 5000);
    CHECK(many.shifted(1009) == 5009);
    CHECK(many.shifted(1010) == 5000);
    CHECK_FALSE(many.knows(0));
    // Version 2; user 500: rw-, mask: rwx.
    std::string list("\x02\0\0\0\x02\0\x06\0\xf4\x01\0\0\x10\0\x07\0\xff\xff\xff\xff", 20);
    rooms::shift_access_list(list, one);
    CHECK(list == std::string("\x02\0\0\0\x02\0\x06\0\x84\x03\0\0\x10\0\x07\0\xff\xff\xff\xff", 20));
    std::string other = "short";
    rooms::shift_access_list(other, one);
    CHECK(other == "short");
}

TEST_CASE("as root, files get the owner that is wanted; a stranger's setuid bit does not come along") {
    if (::geteuid() != 0) {
        return;  // nobody else gives files away
    }
    Place place;
    place.write("own", "x");
    place.write("foreign", "x");
    REQUIRE(::chown(place.from("own").c_str(), 70'001, 70'001) == 0);
    REQUIRE(::chmod(place.from("own").c_str(), 04755) == 0);
    REQUIRE(::chmod(place.from("foreign").c_str(), 04755) == 0);
    rooms::TreeCopySettings settings;
    settings.owners = rooms::IdShift{70'001, 80'001, 1};
    copies_from_to(place, settings);
    CHECK(look(place.path("to/from/own")).st_uid == 80'001);
    CHECK((look(place.path("to/from/own")).st_mode & 07777) == 04755);
    CHECK(look(place.path("to/from/foreign")).st_uid == 80'001);
    CHECK((look(place.path("to/from/foreign")).st_mode & 07777) == 0755);
}

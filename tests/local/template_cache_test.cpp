// Tar files as templates: unpacked once, whole or not at all, whatever is in them and whoever asks at the same time.
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <fstream>

#include "local/template_cache.hpp"
#include "ranges.hpp"
#include "room.hpp"

using namespace room;

namespace {

[[maybe_unused]] const bool able = need_range_of_ids();

// One entry of a tar file as anybody may write it, sane or not.
std::string tar_entry(const std::string& name, char kind, const std::string& content = "",
                      const std::string& target = "", const char* mode = "0000644", const char* owner = "0000000") {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    put(0, name);
    put(100, mode);
    put(108, owner);
    put(116, owner);
    char size[13];
    std::snprintf(size, sizeof size, "%011zo", content.size());
    put(124, size);
    put(136, "00000000000");
    put(148, "        ");
    header[156] = kind;
    put(157, target);
    put(257, std::string("ustar\0", 6) + "00");
    if (kind == '3' || kind == '4') {
        put(329, "0000010");
        put(337, "0000000");
    }
    unsigned sum = 0;
    for (const char byte : header) {
        sum += static_cast<unsigned char>(byte);
    }
    char check[9];
    std::snprintf(check, sizeof check, "%06o", sum);
    put(148, std::string(check) + '\0');
    const std::size_t padding = (512 - content.size() % 512) % 512;
    return header + content + std::string(padding, '\0');
}

std::string tar_of(std::initializer_list<std::string> entries) {
    std::string all;
    for (const std::string& entry : entries) {
        all += entry;
    }
    return all + std::string(1024, '\0');
}

class ProgressCaller : public TestCaller {
public:
    void progress(const std::string& what) override {
        last = what;
        if (on_progress) {
            on_progress();
        }
    }
    std::string last;
    std::function<void()> on_progress;
};

struct Cache {
    Cache()
        : trees(BERTH_ROOT_PROGRAM),
          cache(directory.path() / "cache", {BERTH_ROOT_PROGRAM, BERTH_TAR_PROGRAM}, trees) {}

    rooms::TemplateSource source(const std::string& name = "t") const {
        return rooms::open_source(name, directory.path() / name, range_of_ids());
    }
    void write(const std::string& bytes, const std::string& name = "t") const {
        std::ofstream(directory.path() / name, std::ios::binary) << bytes;
    }
    rooms::TemplateCache::Entry get(const std::string& name = "t") {
        return cache.get(source(name), caller, [&](const std::string&) {
            ++claims;
            return range_of_ids();
        });
    }
    [[nodiscard]] std::filesystem::path entry_of(const std::string& name = "t") const {
        return directory.path() / "cache" / source(name).key;
    }
    [[nodiscard]] bool nothing_left() const {
        return !std::filesystem::exists(entry_of() / "tree") && !std::filesystem::exists(entry_of() / "new");
    }

    TemporaryDirectory directory;
    rooms::Trees trees;
    rooms::TemplateCache cache;
    ProgressCaller caller;
    std::atomic<int> claims = 0;
};

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct stat info_of(const std::filesystem::path& path) {
    struct stat info {};
    REQUIRE_MESSAGE(::lstat(path.c_str(), &info) == 0, path.string());
    return info;
}

}  // namespace

TEST_CASE("a tar file becomes a tree with owners, modes, links and times, in the range of ids") {
    Cache cache;
    cache.write(tar_of({tar_entry("./", '5', "", "", "0000755"), tar_entry("./etc/", '5', "", "", "0000750", "0000012"),
                        tar_entry("./etc/file", '0', "content", "", "0004711", "0000007"),
                        tar_entry("./etc/again", '1', "", "./etc/file"), tar_entry("./link", '2', "", "etc/file"),
                        tar_entry("/absolute", '0', "inside"), tar_entry("./queue", '6')}));
    const rooms::TemplateCache::Entry entry = cache.get();
    CHECK(entry.made);
    CHECK(entry.ids == range_of_ids());
    const std::filesystem::path tree = entry.tree;
    if (::geteuid() == 0) {
        CHECK(content_of(tree / "etc/file") == "content");
        CHECK(info_of(tree / "etc/file").st_uid == entry.ids + 7);
        CHECK(info_of(tree / "etc/file").st_gid == entry.ids + 7);
        CHECK((info_of(tree / "etc/file").st_mode & 07777) == 04711);
        CHECK(info_of(tree / "etc/file").st_nlink == 2);
        CHECK(info_of(tree / "etc/file").st_mtim.tv_sec == 0);
    }
    CHECK(info_of(tree).st_uid == entry.ids);
    CHECK(info_of(tree / "etc").st_uid == entry.ids + 10);
    CHECK((info_of(tree / "etc").st_mode & 07777) == 0750);
    CHECK(std::filesystem::read_symlink(tree / "link") == "etc/file");
    CHECK(content_of(tree / "absolute") == "inside");
    CHECK(S_ISFIFO(info_of(tree / "queue").st_mode));
    CHECK(cache.caller.last.find("7 files, 0 MiB") != std::string::npos);
    CHECK_FALSE(cache.get().made);
    CHECK(cache.claims == 1);
}

TEST_CASE("every usual compression is read") {
    Cache cache;
    cache.write(tar_of({tar_entry("file", '0', std::string(100'000, 'x'))}), "plain");
    for (const char* program : {"gzip", "xz", "zstd"}) {
        const std::string line = std::string(program) + " -c < " + (cache.directory.path() / "plain").string() + " > " +
                                 (cache.directory.path() / program).string();
        REQUIRE_MESSAGE(std::system(line.c_str()) == 0, program);
        const rooms::TemplateCache::Entry entry = cache.get(program);
        CHECK_MESSAGE(content_of(std::filesystem::path(entry.tree) / "file").size() == 100'000, program);
    }
}

TEST_CASE("nothing hostile in a tar file gets out of its tree, and what is refused leaves nothing") {
    Cache cache;
    const std::string outside = cache.directory.path() / "outside";
    std::filesystem::create_directory(outside);
    REQUIRE(::chmod(outside.c_str(), 0777) == 0);
    const auto refused = [&](const std::string& bytes, const char* what) {
        cache.write(bytes);
        const rooms::Failure failure = failure_of([&] { (void)cache.get(); });
        CHECK_MESSAGE(failure.code == BERTH_INVALID_ARGUMENT, what << ": " << failure.message);
        CHECK_MESSAGE(cache.nothing_left(), what);
        CHECK_MESSAGE(std::filesystem::is_empty(outside), what);
    };
    const std::string up = "../../../../../../../../../../.." + outside;
    refused(tar_of({tar_entry("good", '0', "x"), tar_entry(up + "/made", '0', "x")}), "a name that leads up");
    refused(tar_of({tar_entry("way", '2', "", outside), tar_entry("way/made", '0', "x")}), "a name through a link");
    refused(tar_of({tar_entry("way", '2', "", up), tar_entry("way/made", '0', "x")}),
            "a name through a link that leads up");
    refused(tar_of({tar_entry("hard", '1', "", "../../outside")}), "a hard link that leads up");
    refused(tar_of({tar_entry("file", '0', "x", "", "0000644", "0300000")}), "an owner beyond the range");
    refused("no tar at all", "no tar");
    refused("", "an empty file");
    refused(tar_of({tar_entry("file", '0', std::string(5000, 'x'))}).substr(0, 2000), "a tar file that is cut off");
    // Devices are left out: none is needed, as every sandbox has a /dev of its own.
    cache.write(tar_of({tar_entry("disk", '4'), tar_entry("memory", '3'), tar_entry("file", '0', "x")}));
    const std::filesystem::path tree = cache.get().tree;
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(tree / "disk")));
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(tree / "memory")));
    CHECK(content_of(tree / "file") == "x");
}

TEST_CASE("the second who asks at the same time gets what the first unpacked") {
    Cache cache;
    cache.write(tar_of({tar_entry("file", '0', std::string(3'000'000, 'x'))}));
    std::atomic<int> made = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            TestCaller caller;
            const rooms::TemplateCache own(cache.directory.path() / "cache", {BERTH_ROOT_PROGRAM, BERTH_TAR_PROGRAM},
                                           cache.trees);
            made += own.get(cache.source(), caller, [](const std::string&) { return range_of_ids(); }).made ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(made == 1);
    CHECK(content_of(cache.entry_of() / "tree/file").size() == 3'000'000);
}

TEST_CASE("what a crash left half unpacked is done again") {
    Cache cache;
    cache.write(tar_of({tar_entry("file", '0', "whole")}));
    { const rooms::TemplateCache::Entry entry = cache.get(); }
    // As it would be: the tree under its first name, with less in it.
    std::filesystem::rename(cache.entry_of() / "tree", cache.entry_of() / "new");
    const rooms::TemplateCache::Entry entry = cache.get();
    CHECK(entry.made);
    CHECK(content_of(std::filesystem::path(entry.tree) / "file") == "whole");
    CHECK_FALSE(std::filesystem::exists(cache.entry_of() / "new"));
    CHECK(cache.claims == 1);  // its ids are known from the first time
}

TEST_CASE("a cache that cannot be locked is an error and no endless trying") {
    Cache cache;
    cache.write(tar_of({tar_entry("file", '0', "x")}));
    std::filesystem::create_directories(cache.entry_of() / "lock");
    const rooms::Failure failure = failure_of([&] { (void)cache.get(); });
    CHECK(failure.message.find("cannot lock") != std::string::npos);
    CHECK(failure.message.find(cache.entry_of().string()) != std::string::npos);
}

TEST_CASE("a cancel ends the unpacking and leaves nothing") {
    Cache cache;
    std::string many;
    for (int i = 0; i < 2000; ++i) {
        many += tar_entry("file" + std::to_string(i), '0', "x");
    }
    cache.write(many + std::string(1024, '\0'));
    cache.caller.on_progress = [&] { cache.caller.cancel(); };
    CHECK(failure_of([&] { (void)cache.get(); }).code == BERTH_CANCELLED);
    CHECK(cache.nothing_left());
}

TEST_CASE("a changed source is another template, and the old one goes when nobody has it") {
    Cache cache;
    cache.write(tar_of({tar_entry("file", '0', "old")}));
    const std::filesystem::path old = cache.entry_of();
    std::string tree;
    {
        const rooms::TemplateCache::Entry entry = cache.get();
        tree = entry.tree;
    }
    cache.write(tar_of({tar_entry("file", '0', "newer")}));
    const rooms::TemplateCache::Entry entry = cache.get();
    CHECK(entry.made);
    CHECK(content_of(std::filesystem::path(entry.tree) / "file") == "newer");
    std::vector<std::string> released;
    const auto remove = [&](const std::string& used) {
        cache.cache.remove_others(
            {cache.source().key}, [&](const std::string& path) { return path == used; },
            [&](std::uint32_t, const std::string& owner) { released.push_back(owner); });
    };
    remove(tree);
    CHECK(std::filesystem::exists(old));
    std::filesystem::create_directories(old / ".removed-by-somebody-who-was-killed" / "deeper");
    {
        cache.write(tar_of({tar_entry("file", '0', "newest")}), "other");
        const rooms::TemplateCache::Entry held = cache.get("other");
        remove(tree);
        CHECK(std::filesystem::exists(held.tree));  // somebody is just making a sandbox of it
    }
    remove("");
    CHECK_FALSE(std::filesystem::exists(old));
    CHECK(released.size() == 2);
    CHECK(std::filesystem::exists(entry.tree));
}

TEST_CASE(
    "a directory that an ordinary user cannot read whole is refused by name, and one that changed is copied anew") {
    if (::geteuid() == 0) {
        return;  // root reads everything, and uses directories as they are
    }
    Cache cache;
    const std::filesystem::path source = cache.directory.path() / "t";
    std::filesystem::create_directories(source / "etc");
    std::ofstream(source / "etc/file") << "one";
    std::filesystem::create_hard_link(source / "etc/file", source / "again");
    const rooms::TemplateCache::Entry entry = cache.get();
    CHECK(content_of(std::filesystem::path(entry.tree) / "again") == "one");
    CHECK(info_of(std::filesystem::path(entry.tree) / "etc/file").st_uid == entry.ids);
    CHECK(info_of(std::filesystem::path(entry.tree) / "etc/file").st_nlink == 2);
    CHECK_FALSE(cache.get().made);
    std::ofstream(source / "etc/file") << "other";
    CHECK(cache.get().made);
    REQUIRE(::chmod((source / "etc/file").c_str(), 0000) == 0);
    const rooms::Failure failure = failure_of([&] { (void)cache.get(); });
    CHECK(failure.code == BERTH_PERMISSION_DENIED);
    CHECK(failure.message.find("etc/file") != std::string::npos);
    REQUIRE(::chmod((source / "etc/file").c_str(), 0600) == 0);
}

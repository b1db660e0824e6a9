// Small files for content hashes: whole or not at all, from many threads, and whatever else lies in their folder.
#include "plugin/record_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "../../support/scratch_folder.hpp"
#include "base/error.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

std::string hash_of(char digit) {
    return "sha256:" + std::string(64, digit);
}

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("records") {}
    [[nodiscard]] fs::path place() const { return path / "state/berth/quarantine"; }
    [[nodiscard]] RecordFolder folder() const { return {place().string(), TrustRules{::geteuid()}}; }
    void put(const std::string& name, const std::string& bytes) const { std::ofstream(place() / name) << bytes; }
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(place()), fs::directory_iterator()));
    }
};

template <typename Function>
std::string refusal(Function&& function) {
    try {
        (void)function();
    } catch (const Error& error) {
        CHECK_FALSE(error.fields().hint.empty());
        return std::string(error.diagnostic());
    }
    return "none";
}

}  // namespace

TEST_CASE("a record is there until it is removed, and its folder is nobody else's") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    CHECK(folder.hashes().empty());
    CHECK_FALSE(folder.read(hash_of('a')));
    CHECK_FALSE(folder.remove(hash_of('a')));
    CHECK_FALSE(fs::exists(scratch.place()));  // nobody makes a folder by reading

    folder.write(hash_of('b'), "first", 10);
    folder.write(hash_of('a'), "second", 10);
    folder.write(hash_of('a'), "third", 10);
    CHECK(folder.hashes() == std::vector{hash_of('a'), hash_of('b')});
    CHECK(folder.read(hash_of('a')) == "third");
    CHECK(scratch.count() == 2);
    struct stat status {};
    REQUIRE(::stat(scratch.place().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0700);
    CHECK(folder.remove(hash_of('a')));
    CHECK_FALSE(folder.remove(hash_of('a')));
    CHECK(folder.hashes() == std::vector{hash_of('b')});
}

TEST_CASE("of too many records the oldest go") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    for (const char digit : {'a', 'b', 'c'}) {
        folder.write(hash_of(digit), "text", 3);
        const timespec times[2] = {{digit, 0}, {digit, 0}};
        const auto file = scratch.place() / (std::string(64, digit) + ".json");
        REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
    }
    folder.write(hash_of('d'), "text", 3);
    CHECK(folder.hashes() == std::vector{hash_of('b'), hash_of('c'), hash_of('d')});
}

TEST_CASE("what a process left unfinished is no record, and the next one that writes takes it away") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    folder.write(hash_of('a'), "text", 10);
    scratch.put(".123.new", "half a rec");
    scratch.put("somebody's notes", "stay");
    CHECK(folder.hashes() == std::vector{hash_of('a')});
    folder.write(hash_of('b'), "text", 10);
    CHECK_FALSE(fs::exists(scratch.place() / ".123.new"));
    CHECK(fs::exists(scratch.place() / "somebody's notes"));
}

TEST_CASE("many write and read at once: every reading is one whole writing") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    std::atomic<int> torn{0};
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 4; ++writer) {
        threads.emplace_back([&, writer] {
            const auto own = scratch.folder();
            const std::string text(20'000, static_cast<char>('0' + writer));
            for (int round = 0; round < 20; ++round) {
                own.write(hash_of('a'), text, 10);
                const auto read = own.read(hash_of('a'));
                if (!read || read->size() != text.size() || read->find_first_not_of(read->front()) != std::string::npos)
                    ++torn;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(torn == 0);
    CHECK(scratch.count() == 1);
}

TEST_CASE("what is no record is refused in words, and nobody waits for it") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    folder.write(hash_of('a'), "text", 10);
    const auto name = [](char digit) { return std::string(64, digit) + ".json"; };
    REQUIRE(::mkfifo((scratch.place() / name('b')).c_str(), 0600) == 0);
    fs::create_directory(scratch.place() / name('c'));
    fs::create_symlink("/etc/passwd", scratch.place() / name('d'));
    scratch.put(name('e'), std::string(RecordFolder::largest + 1, ' '));
    CHECK(folder.hashes().size() == 5);
    for (const char digit : {'b', 'c', 'd', 'e'}) {
        CAPTURE(digit);
        CHECK(refusal([&] { return folder.read(hash_of(digit)); }) == "BERTH-P-33");
        CHECK(folder.remove(hash_of(digit)));
    }
    CHECK(folder.hashes() == std::vector{hash_of('a')});
}

TEST_CASE("a folder that others may change is not read, and one that cannot be made takes nothing") {
    const Scratch scratch;
    const auto folder = scratch.folder();
    folder.write(hash_of('a'), "text", 10);
    REQUIRE(::chmod(scratch.place().c_str(), 0777) == 0);
    CHECK(refusal([&] { return folder.hashes(); }) == "BERTH-P-33");
    CHECK(refusal([&] { return folder.read(hash_of('a')); }) == "BERTH-P-33");

    std::ofstream(scratch.path / "a_file") << "in the way";
    const RecordFolder nowhere((scratch.path / "a_file/berth").string(), TrustRules{::geteuid()});
    CHECK(nowhere.hashes().empty());
    CHECK(refusal([&] { return nowhere.write(hash_of('a'), "text", 10), 0; }) == "BERTH-P-33");
    const RecordFolder none("", TrustRules{::geteuid()});
    CHECK(none.hashes().empty());
    CHECK_FALSE(none.remove(hash_of('a')));
    CHECK(refusal([&] { return none.write(hash_of('a'), "text", 10), 0; }) == "BERTH-P-33");
}

TEST_CASE("where records lie") {
    using Variables = EnvironmentVariables::Variables;
    const auto place = [](Variables variables) {
        return usual_records_directory(EnvironmentVariables(std::move(variables)));
    };
    CHECK(place({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}) == "/s/berth");
    const bool is_root = ::geteuid() == 0;
    CHECK(place({{"XDG_STATE_HOME", "s"}, {"HOME", "/h"}}) == (is_root ? "/var/lib/berth" : "/h/.local/state/berth"));
    CHECK(place({}) == (is_root ? "/var/lib/berth" : ""));
}

// Where a needed library would be found, without loading it.
#include "plugin/library_search.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "../../support/scratch_folder.hpp"
#include "elf_image.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("libraries") {}
    std::string library(const fs::path& name) const {
        fs::create_directories((path / name).parent_path());
        const auto bytes = elf_image::Image().bytes();
        write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        return (path / name).string();
    }
    void write(const fs::path& name, std::string_view content) const {
        std::ofstream(path / name, std::ios::binary) << content;
    }
};

EnvironmentVariables none() {
    return EnvironmentVariables(EnvironmentVariables::Variables{});
}

}  // namespace

TEST_CASE("the C library of this machine is found by the loader's cache or in the usual folders") {
    CHECK(LibrarySearch(none()).find("libc.so.6", {}, "/").has_value());
    CHECK(LibrarySearch(none(), "/nonexistent/cache").find("libc.so.6", {}, "/").has_value());
    CHECK_FALSE(LibrarySearch(none()).find("libberth-nobody-has-this.so.9", {}, "/").has_value());
}

TEST_CASE("folders of the file come first, with $ORIGIN for its own, then LD_LIBRARY_PATH") {
    const Scratch scratch;
    const auto beside = scratch.library("lib/libacme.so");
    const auto elsewhere = scratch.library("more/libacme.so");
    const LibrarySearch search(EnvironmentVariables(
        EnvironmentVariables::Variables{{"LD_LIBRARY_PATH", "/nonexistent:" + scratch.path.string() + "/more"}}));
    const auto origin = scratch.path.string();
    CHECK(search.find("libacme.so", {"$ORIGIN/lib"}, origin) == beside);
    CHECK(search.find("libacme.so", {"${ORIGIN}/lib"}, origin) == beside);
    CHECK(search.find("libacme.so", {"$LIB/x", "$ORIGIN/none"}, origin) == elsewhere);
    CHECK(search.find("libacme.so", {}, origin) == elsewhere);
    CHECK(search.find(beside, {}, "/") == beside);
}

TEST_CASE("what is no library for this machine is passed over, and a fifo holds nobody up") {
    const Scratch scratch;
    scratch.write("libacme.so", "text");
    CHECK_FALSE(LibrarySearch(none()).find("libacme.so", {scratch.path.string()}, "/").has_value());
    REQUIRE(::mkfifo((scratch.path / "libfifo.so").c_str(), 0600) == 0);
    CHECK_FALSE(LibrarySearch(none()).find("libfifo.so", {scratch.path.string()}, "/").has_value());
}

TEST_CASE("a cache is believed as far as it goes, and a hostile one no further") {
    const Scratch scratch;
    const auto library = scratch.library("odd/libodd.so.1");
    const auto with = [&](std::uint32_t entries, std::uint32_t name, std::uint32_t path) {
        std::string cache("older form\0glibc-ld.so.cache1.1", 31);
        const std::uint32_t head[] = {entries, 100, 0, 0, 0, 0, 0};
        const std::uint32_t entry[] = {0x303, name, path, 0, 0, 0};
        cache.append(reinterpret_cast<const char*>(head), sizeof head);
        cache.append(reinterpret_cast<const char*>(entry), sizeof entry);
        cache.append("libodd.so.1").append(1, '\0').append(library).append(1, '\0');
        scratch.write("cache", cache);
        return LibrarySearch(none(), (scratch.path / "cache").string()).find("libodd.so.1", {}, "/");
    };
    const std::uint32_t texts = 48 + 24;
    CHECK(with(1, texts, texts + 12) == library);
    CHECK_FALSE(with(0, texts, texts + 12).has_value());
    CHECK_FALSE(with(1, texts, 0xFFFFFFFFU).has_value());
    CHECK_FALSE(with(0xFFFFFFFFU, 0xFFFFFFF0U, texts + 12).has_value());
}

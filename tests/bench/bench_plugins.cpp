// A directory of a thousand plugin files: what Berth reads of them, trust and manifests checked and none run, against a loop
// that only reads the same bytes.
//
//   bench_plugins --plugin FILE [--files N] [--rounds N] [--warmup N] [--only "plugin catalog"]
//
// FILE is copied N times, each copy with a name of its own in its manifest. The files are in the page cache for both.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/directory.hpp"
#include "measure.hpp"
#include "plugin/catalog.hpp"
#include "plugin/elf_headers.hpp"

namespace {

namespace fs = std::filesystem;

/// The copies, gone at the end.
class Folder {
public:
    Folder(const std::string& plugin, int files) {
        std::string pattern = (fs::temp_directory_path() / "berth-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory");
        path_ = pattern;
        std::ifstream file(plugin, std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        const std::string name = "\"" + fs::path(plugin).stem().string() + "\"";
        const auto place = bytes.find(name);
        if (place == std::string::npos) throw std::runtime_error(plugin + " does not say its name " + name);
        for (int number = 0; number < files; ++number) {
            auto copy = bytes;
            auto digits = std::to_string(number);
            digits.insert(0, name.size() - 3 - digits.size(), '0');
            copy.replace(place + 1, name.size() - 2, "p" + digits);
            const auto target = path_ / ("p" + digits + ".so");
            std::ofstream(target, std::ios::binary) << copy;
            fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
        }
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    fs::path path_;
};

/// Where the notes of the file lie beyond its first page: what a reader has to fetch.
std::vector<berth::ElfRange> note_places(const std::string& plugin) {
    const berth::FileDescriptor file{::open(plugin.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw std::runtime_error("cannot read " + plugin);
    const berth::FileBytes bytes(file.get(), static_cast<std::uint64_t>(status.st_size));
    std::vector<berth::ElfRange> places;
    for (const auto& segment : berth::read_segments(bytes, berth::read_elf_header(bytes))) {
        if (segment.p_type == PT_NOTE && segment.p_offset + segment.p_filesz > 4096) {
            places.push_back({segment.p_offset, segment.p_filesz});
        }
    }
    return places;
}

std::size_t bare_read(const std::string& folder, const std::vector<berth::ElfRange>& places) {
    const berth::FileDescriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto stream = berth::read_directory(directory);
    std::array<char, 65536> room{};
    std::size_t files = 0;
    while (const auto* entry = berth::read_entry(stream)) {
        const berth::FileDescriptor file{::openat(directory.get(), entry->d_name, O_RDONLY | O_CLOEXEC)};
        if (::pread(file.get(), room.data(), 4096, 0) != 4096) throw std::runtime_error("a short file");
        for (const auto& place : places) {
            if (::pread(file.get(), room.data(), place.size, static_cast<off_t>(place.offset)) < 0) {
                throw std::runtime_error("a file that cannot be read");
            }
        }
        ++files;
    }
    return files;
}

std::size_t catalog_read(const std::string& folder) {
    berth::SearchInput search;
    search.given = {folder};
    const auto catalog = berth::Catalog::read(search, berth::TrustRules::of_this_process());
    std::size_t usable = 0;
    for (const auto& file : catalog.files())
        usable += file.usable() ? 1 : 0;
    return usable;
}

nlohmann::json measure(int count, char** words) {
    const bench::Arguments given(count, words);
    const auto plugin = given.text("plugin");
    const int files = given.number("files", 1000);
    const Folder folder(plugin, files);
    const auto places = note_places(plugin);
    const auto whole = [files](std::size_t found) {
        if (found != static_cast<std::size_t>(files)) throw std::runtime_error("not every file was read");
    };
    bench::Comparison comparison;
    comparison.add("bare read of the same bytes", bench::timed([&] { whole(bare_read(folder.path(), places)); }));
    comparison.add("plugin catalog", bench::timed([&] { whole(catalog_read(folder.path())); }));
    comparison.keep_only(given.text("only"));
    comparison.run(given.number("rounds", 50), given.number("warmup", 3));
    return comparison.report();
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_plugins", [&] { return measure(count, words); });
}

// Uploads through the library: one large file against `cp` to a fresh file, 10,000 small ones against GNU tar unpacking
// the same, all on one file system. What was written goes between two turns, outside the times.
//
//   bench_files --plugins DIR --place DIR [--mebibytes N] [--files N] [--rounds N] [--small-rounds N]
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "embedded.hpp"
#include "measure.hpp"

namespace {

namespace fs = std::filesystem;

void write_large(const std::string& path, int mebibytes) {
    std::ofstream file(path, std::ios::binary);
    std::string block(1U << 20U, 'x');
    for (int index = 0; index < mebibytes; ++index) {
        block.replace(0, 8, std::to_string(10'000'000 + index));
        file << block;
    }
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void write_small(const std::string& path, int files) {
    fs::create_directories(path);
    const std::string content(1024, 'y');
    for (int index = 0; index < files; ++index) {
        std::ofstream(path + "/file-" + std::to_string(index), std::ios::binary) << content;
    }
}

void make_tar(const std::string& archive, const std::string& parent, const std::string& name) {
    const bench::Words words({"tar", "-cf", archive, "-C", parent, name});
    bench::run(words.get(), bench::Streams());
}

/// Where the sandbox's files lie on this host.
std::string workspace_of(berth::Host& host, const berth::SandboxName& sandbox) {
    for (const auto& [name, value] : host.get(sandbox).facts) {
        if (name == "state_path") return value + "/workspace";
    }
    throw std::runtime_error("local does not say where a sandbox lies");
}

/// Times `write`, then removes what it wrote and lets the disk come to rest.
std::function<std::vector<double>()> fresh(std::function<void()> write, std::string written) {
    return [write = std::move(write), written = std::move(written)] {
        const auto start = bench::Clock::now();
        write();
        const double took = bench::microseconds_since(start);
        if (fs::is_empty(written)) throw std::runtime_error(written + " is empty");
        fs::remove_all(written);
        sync();
        return std::vector<double>{took};
    };
}

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const bench::Place place(given.text("place", "/var/tmp"));
    const int files = given.number("files", 10'000);
    write_large(place.path() + "/large", given.number("mebibytes", 1024));
    write_small(place.path() + "/tree", files);
    make_tar(place.path() + "/tree.tar", place.path(), "tree");
    berth::Host host(bench::embedded_options(given.text("plugins"), place.path() + "/state"));
    const auto sandbox = bench::make_sandbox(host);
    const std::string workspace = workspace_of(host, sandbox);
    const auto upload = [&](const std::string& from, const std::string& to) {
        const std::vector<berth::FileOperation> operations{{place.path() + "/" + from, to, {}, {}}};
        host.upload_files(sandbox, operations);
    };

    bench::Comparison large;
    const bench::Words copy({"cp", place.path() + "/large", place.path() + "/copy"});
    large.add("cp to a fresh file", fresh([&] { bench::run(copy.get(), bench::Streams()); }, place.path() + "/copy"));
    large.add("upload of the file", fresh([&] { upload("large", "large"); }, workspace + "/large"));
    large.run(given.number("rounds", 7), 1);

    bench::Comparison small;
    const std::string unpacked = place.path() + "/unpacked";
    const bench::Words unpack({"tar", "-xf", place.path() + "/tree.tar", "-C", unpacked});
    fs::create_directories(unpacked);
    small.add("tar unpack", fresh([&] { bench::run(unpack.get(), bench::Streams()); }, unpacked + "/tree"));
    small.add("upload of the tree", fresh([&] { upload("tree", "tree"); }, workspace + "/tree"));
    small.run(given.number("small-rounds", 15), 1);
    return {{"large", large.report()}, {"small", small.report()}};
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_files", [&] { return measure(count, words); });
}

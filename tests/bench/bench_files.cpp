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

enum class Afterwards { remove, keep };

/// Times `write`, which gets a name that it has not had before, and then lets the disk come to rest. Many files must not
/// be removed before all is measured: for some seconds ext4 looks at each of them again with every file it makes.
std::function<std::vector<double>()> fresh(std::string directory, std::function<void(const std::string&)> write,
                                           Afterwards afterwards) {
    return [directory = std::move(directory), write = std::move(write), afterwards, turn = 0]() mutable {
        const std::string name = "turn-" + std::to_string(++turn);
        const auto start = bench::Clock::now();
        write(name);
        const double took = bench::microseconds_since(start);
        if (fs::is_empty(directory + "/" + name)) throw std::runtime_error(name + " is empty");
        if (afterwards == Afterwards::remove) fs::remove_all(directory + "/" + name);
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
    const auto copy = [&](const std::string& name) {
        const bench::Words words({"cp", place.path() + "/large", place.path() + "/" + name});
        bench::run(words.get(), bench::Streams());
    };
    large.add("cp to a fresh file", fresh(place.path(), copy, Afterwards::remove));
    large.add("upload of the file",
              fresh(
                  workspace, [&](const std::string& name) { upload("large", name); }, Afterwards::remove));
    large.run(given.number("rounds", 7), 1);

    bench::Comparison small;
    const auto unpack = [&](const std::string& name) {
        const std::string target = place.path() + "/" + name;
        fs::create_directory(target);
        const bench::Words words({"tar", "-xf", place.path() + "/tree.tar", "-C", target});
        bench::run(words.get(), bench::Streams());
    };
    small.add("tar unpack", fresh(place.path(), unpack, Afterwards::keep));
    small.add("upload of the tree",
              fresh(
                  workspace, [&](const std::string& name) { upload("tree", name); }, Afterwards::keep));
    small.run(given.number("small-rounds", 9), 1);
    return {{"large", large.report()}, {"small", small.report()}};
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_files", [&] { return measure(count, words); });
}

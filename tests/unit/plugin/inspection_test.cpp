// All that is found out about a file without running it, check by check; hostile files in bounded time.
#include "plugin/inspection.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "../../support/scratch_folder.hpp"
#include "elf_image.hpp"

using namespace berth;
using elf_image::Image;
using elf_image::note;
namespace fs = std::filesystem;

namespace {

const std::string all_methods =
    "create get list destroy execute execute_stream upload_files download_files get_resource_usage is_ready restart";

Image plugin(const std::string& name, const elf_image::Links& links = {{"libc.so.6"}, {"berth_plugin_v1"}, {}, {}}) {
    return Image()
        .with_segment(note("berth", 1, R"({"name":")" + name + R"(","version":"1","features":["stdin"]})") +
                      note("berth", 2, all_methods))
        .with_links(links);
}

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("inspection") {}
    void write(const std::string& name, const Image& image) const {
        const auto bytes = image.bytes();
        write(name, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    void write(const std::string& name, std::string_view bytes) const {
        std::ofstream(path / name, std::ios::binary) << bytes;
        REQUIRE(::chmod((path / name).c_str(), 0644) == 0);
    }
    [[nodiscard]] Catalog catalog() const {
        SearchInput search;
        search.given = {path.string()};
        return Catalog::read(search, rules);
    }
    [[nodiscard]] Inspection inspect(const std::string& name) const {
        const auto found = catalog();
        const LibrarySearch libraries{EnvironmentVariables()};
        return inspect_plugin((path / name).string(), SearchOrigin::command_line, {rules, &found, &libraries, pins});
    }

    TrustRules rules{::geteuid()};
    Pins pins;
};

const InspectionStep& step(const Inspection& inspection, std::string_view name) {
    const auto found = std::find_if(inspection.steps.begin(), inspection.steps.end(),
                                    [name](const InspectionStep& candidate) { return candidate.name == name; });
    REQUIRE(found != inspection.steps.end());
    return *found;
}

/// The number of a check's first problem, or the name of its result.
std::string result(const Inspection& inspection, std::string_view name) {
    const auto& of = step(inspection, name);
    return of.errors.empty() ? std::string(name_of(of.state)) : std::string(of.errors.front().diagnostic());
}

constexpr std::string_view steps[] = {"place",     "file",  "format", "manifest", "offer",
                                      "libraries", "entry", "name",   "pin"};

}  // namespace

TEST_CASE("of a good file every check passes, but for the one that needs it loaded") {
    const Scratch scratch;
    scratch.write("a.so", plugin("ant"));
    const auto inspection = scratch.inspect("a.so");
    for (const auto name : steps) {
        CAPTURE(std::string(name));
        CHECK(result(inspection, name) == "passed");
        CHECK_FALSE(step(inspection, name).found.empty());
    }
    CHECK(result(inspection, "table") == "skipped");
    CHECK(inspection.would_load());
    CHECK(inspection.file.usable());
    CHECK(inspection.file.manifest->name == "ant");
    CHECK(inspection.hash->size() == 71);
    CHECK(inspection.way.front().path == "/");
    CHECK(inspection.way.back().path == (scratch.path / "a.so").string());
    REQUIRE(inspection.libraries.size() == 1);
    CHECK(inspection.libraries[0].path.has_value());
}

TEST_CASE("what fails does not hide what comes behind it") {
    const Scratch scratch;
    scratch.write("a.so", plugin("ant", {{"libberth-nobody.so.9"}, {"berth_plugin_v7"}, {}, {}}));
    REQUIRE(::chmod((scratch.path / "a.so").c_str(), 0646) == 0);
    scratch.write("b.so", plugin("ant"));
    const auto inspection = scratch.inspect("a.so");
    CHECK(result(inspection, "file") == "BERTH-P-04");
    CHECK(result(inspection, "offer") == "passed");
    CHECK(result(inspection, "libraries") == "BERTH-P-18");
    CHECK(result(inspection, "entry") == "BERTH-P-15");
    CHECK(result(inspection, "name") == "BERTH-P-03");
    CHECK_FALSE(inspection.would_load());
    CHECK(inspection.file.error->diagnostic() == "BERTH-P-04");
    CHECK(inspection.file.manifest.has_value());
    for (const auto& of : inspection.steps) {
        for (const auto& error : of.errors)
            CHECK_FALSE(error.fields().hint.empty());
    }
}

TEST_CASE("a plugin without its entry, and a library that is none") {
    const Scratch scratch;
    scratch.write("a.so", plugin("ant", {{}, {"something"}, {}, {}}));
    CHECK(result(scratch.inspect("a.so"), "entry") == "BERTH-P-21");
    scratch.write("b.so", Image().with_links({}));
    const auto other = scratch.inspect("b.so");
    CHECK(result(other, "format") == "passed");
    CHECK(result(other, "manifest") == "BERTH-P-11");
    CHECK(result(other, "offer") == "skipped");
}

TEST_CASE("a pin is held against what the file holds, the policy against its having one") {
    Scratch scratch;
    scratch.write("a.so", plugin("ant"));
    Configuration configuration;
    configuration.file = "/etc/berth/berth.yaml";
    configuration.plugin_pins.policy = PluginPolicy::pinned;
    scratch.pins = Pins(configuration);
    CHECK(result(scratch.inspect("a.so"), "pin") == "BERTH-P-29");
    configuration.plugin_pins.by_plugin["ant"] = {*scratch.inspect("a.so").hash, {3, 9}};
    scratch.pins = Pins(configuration);
    CHECK(scratch.inspect("a.so").would_load());
    CHECK(scratch.inspect("a.so").file.pinned);
    scratch.write("a.so", plugin("ant", {{}, {"berth_plugin_v1"}, {}, {}}));
    CHECK(result(scratch.inspect("a.so"), "pin") == "BERTH-P-28");
}

TEST_CASE("directories above and links are part of the place") {
    const Scratch scratch;
    fs::create_directory(scratch.path / "open");
    scratch.write("open/a.so", plugin("ant"));
    REQUIRE(::chmod((scratch.path / "open").c_str(), 0777) == 0);
    fs::create_symlink("open/a.so", scratch.path / "link.so");
    for (const auto* name : {"open/a.so", "link.so"}) {
        const auto inspection = scratch.inspect(name);
        CHECK(result(inspection, "place") == "BERTH-P-04");
        CHECK(result(inspection, "entry") == "passed");
        CHECK_FALSE(inspection.would_load());
    }
}

TEST_CASE("a directory above the program that everybody may change is told, and refuses nothing") {
    Scratch scratch;
    fs::create_directories(scratch.path / "open/plugins");
    scratch.write("open/plugins/a.so", plugin("ant"));
    REQUIRE(::chmod((scratch.path / "open").c_str(), 0777) == 0);
    scratch.rules.program_directory = (scratch.path / "open/bin").string();
    const auto inspection = scratch.inspect("open/plugins/a.so");
    CHECK(step(inspection, "place").state == StepState::warning);
    CHECK(inspection.would_load());
}

TEST_CASE("an executable stack is a warning") {
    const Scratch scratch;
    auto image = plugin("ant");
    Elf64_Phdr stack{};
    stack.p_type = PT_GNU_STACK;
    stack.p_flags = PF_R | PF_W | PF_X;
    image.segments.push_back(stack);
    scratch.write("a.so", image);
    const auto inspection = scratch.inspect("a.so");
    CHECK(step(inspection, "format").state == StepState::warning);
    CHECK(inspection.would_load());
    CHECK(inspection.file.warnings.size() == 1);
}

TEST_CASE("fifos, directories, circles, holes and what is not there are told and hold nobody up") {
    const Scratch scratch;
    REQUIRE(::mkfifo((scratch.path / "fifo.so").c_str(), 0600) == 0);
    fs::create_directory(scratch.path / "directory.so");
    fs::create_symlink("circle.so", scratch.path / "circle.so");
    scratch.write("hole.so", "");
    REQUIRE(::truncate((scratch.path / "hole.so").c_str(), off_t{4} << 30U) == 0);
    for (const auto* name : {"fifo.so", "directory.so"}) {
        CAPTURE(name);
        CHECK(result(scratch.inspect(name), "file") == "BERTH-P-06");
    }
    for (const auto* name : {"circle.so", "nothing.so"}) {
        CAPTURE(name);
        const auto inspection = scratch.inspect(name);
        CHECK(result(inspection, "place") == "BERTH-P-06");
        CHECK(result(inspection, "file") == "skipped");
    }
    const auto hole = scratch.inspect("hole.so");
    CHECK(result(hole, "file") == "BERTH-P-27");
    CHECK_FALSE(hole.hash.has_value());
    CHECK(result(hole, "format") == "BERTH-P-08");
    CHECK(scratch.catalog().files().size() == 4);  // the search is not held up either
}

TEST_CASE("a file that needs more libraries than any is not looked after one by one") {
    const Scratch scratch;
    elf_image::Links links{{}, {"berth_plugin_v1"}, {}, {}};
    for (int number = 0; number < 300; ++number)
        links.needed.emplace_back("libc.so.6");
    scratch.write("a.so", plugin("ant", links));
    const auto inspection = scratch.inspect("a.so");
    CHECK(result(inspection, "libraries") == "BERTH-P-10");
    CHECK(inspection.libraries.size() == 300);
    CHECK_FALSE(inspection.libraries.back().path.has_value());
}

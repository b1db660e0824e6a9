// The catalog beyond single bad files: directories that are not there, and what `find` says when it finds nothing.
#include "plugin/catalog.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "../../support/scratch_folder.hpp"
#include "elf_image.hpp"
#include "plugin/content_hash.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

class Scratch : public berth_test::ScratchFolder {
public:
    Scratch() : ScratchFolder("catalog") {}

    /// A file that says it is the plugin `name`; readable, not loadable.
    void plugin(const std::string& file_name, const std::string& name) const {
        const auto manifest = R"({"name":")" + name + R"(","version":"1"})";
        write(file_name,
              elf_image::Image()
                  .with_segment(elf_image::note("berth", 1, manifest) +
                                elf_image::note("berth", 2,
                                                "create get list destroy execute execute_stream upload_files "
                                                "download_files get_resource_usage is_ready restart"))
                  .bytes());
    }
    void write(const std::string& file_name, const std::vector<std::byte>& bytes) const {
        std::ofstream(path / file_name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        REQUIRE(::chmod((path / file_name).c_str(), 0644) == 0);
    }
};

Catalog read(std::vector<std::string> directories) {
    SearchInput input;
    input.given = std::move(directories);
    return Catalog::read(input, TrustRules::of_this_process());
}

Error not_found(const Catalog& catalog, std::string_view name) {
    try {
        (void)catalog.find(name);
    } catch (const Error& error) {
        return error;
    }
    FAIL("it was found");
    throw std::logic_error("not reached: FAIL throws");
}

bool says(const Error& error, std::string_view part) {
    return std::string_view(error.what()).find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("files come in the order of the path and then of their names, whatever they are called") {
    const Scratch first;
    const Scratch second;
    first.plugin("b.so", "zebra");
    first.plugin("a.so", "yak");
    second.plugin("a.so", "ant");
    first.plugin("not-a-plugin.so.1", "other");
    first.plugin(".hidden.so", "hidden");
    first.plugin(".so", "nameless");
    const auto catalog = read({first.path.string(), second.path.string()});
    REQUIRE(catalog.files().size() == 3);
    CHECK(catalog.files()[0].name() == "yak");
    CHECK(catalog.files()[1].name() == "zebra");
    CHECK(catalog.files()[2].name() == "ant");
    CHECK(catalog.find("zebra").path == (first.path / "b.so").string());
    CHECK(catalog.directories().size() == 2);
}

TEST_CASE("a directory that nobody named and that is not there is no news, whatever is on the way to it") {
    const Scratch scratch;
    REQUIRE(::chmod(scratch.path.c_str(), 0777) == 0);
    SearchInput input;
    input.environment = EnvironmentVariables(EnvironmentVariables::Variables{{"HOME", scratch.path.string()}});
    CHECK(Catalog::read(input, TrustRules::of_this_process()).problems().empty());
    fs::create_directories(scratch.path / ".local/share/berth/plugins");
    const auto catalog = Catalog::read(input, TrustRules::of_this_process());
    REQUIRE(catalog.problems().size() == 1);
    CHECK(catalog.problems()[0].diagnostic() == "BERTH-P-04");
}

TEST_CASE("hundreds of files are all read, and still come in order") {
    const Scratch scratch;
    constexpr int count = 500;
    const auto name_of = [](int number) { return "p" + std::to_string(1000 + number); };
    for (int number = 0; number < count; ++number) {
        if (number % 7 == 0) {
            scratch.write(name_of(number) + ".so", std::vector<std::byte>(100));
        } else {
            scratch.plugin(name_of(number) + ".so", name_of(number));
        }
    }
    const auto catalog = read({scratch.path.string()});
    REQUIRE(catalog.files().size() == count);
    for (int number = 0; number < count; ++number) {
        const auto& file = catalog.files()[static_cast<std::size_t>(number)];
        CHECK(file.name() == name_of(number));
        CHECK(file.usable() == (number % 7 != 0));
    }
}

TEST_CASE("a directory that somebody named has to be there; the others need not") {
    const Scratch scratch;
    const auto missing = (scratch.path / "missing").string();
    CHECK(read({missing}).problems().size() == 1);
    CHECK(read({missing}).problems()[0].diagnostic() == "BERTH-P-02");
    SearchInput input;
    input.environment =
        EnvironmentVariables(EnvironmentVariables::Variables{{"HOME", missing}, {"BERTH_PLUGIN_PATH", missing}});
    input.install_directory = missing;
    CHECK(Catalog::read(input, TrustRules::of_this_process()).problems().empty());
}

TEST_CASE("one directory by two names is read once") {
    const Scratch scratch;
    scratch.plugin("a.so", "ant");
    fs::create_directory_symlink(scratch.path, scratch.path / "again");
    CHECK(read({scratch.path.string(), (scratch.path / "again").string()}).files().size() == 1);
}

TEST_CASE("many files of one name: each message names a few and counts the rest") {
    const Scratch scratch;
    for (char letter = 'a'; letter <= 'j'; ++letter)
        scratch.plugin(std::string(1, letter) + ".so", "ant");
    const auto catalog = read({scratch.path.string()});
    REQUIRE(catalog.files().size() == 10);
    const auto& error = catalog.files()[9].error.value();
    CHECK(error.diagnostic() == "BERTH-P-03");
    CHECK(says(error, "10 files say"));
    CHECK(says(error, "d.so\" and 6 more"));
}

TEST_CASE("a name that is not there: the nearest one, what there is, and where was looked") {
    const Scratch scratch;
    scratch.plugin("a.so", "vercel");
    scratch.plugin("b.so", "local");
    const auto catalog = read({scratch.path.string()});
    const auto error = not_found(catalog, "vercell");
    CHECK(error.diagnostic() == "BERTH-P-01");
    CHECK(says(error, "\"vercell\""));
    CHECK(says(error, "found vercel and local"));
    CHECK(says(error, scratch.path.string()));
    CHECK(says(error, "Did you mean \"vercel\"?"));
    CHECK(says(not_found(read({}), "local"), "looked in none, found none"));
}

TEST_CASE("a file of that name that was refused explains itself") {
    const Scratch scratch;
    scratch.write("acme.so", {std::byte{'x'}});
    const auto catalog = read({scratch.path.string()});
    CHECK(not_found(catalog, "acme").diagnostic() == "BERTH-P-08");
    const auto other = not_found(catalog, "zeta");
    CHECK(other.diagnostic() == "BERTH-P-01");
    CHECK(says(other, "1 refused"));
    CHECK(says(other, "`berth plugin ls` says why"));
}

namespace {

Configuration pinning(PluginPolicy policy, const std::map<std::string, std::string>& pins) {
    Configuration configuration;
    configuration.file = "/etc/berth/berth.yaml";
    configuration.plugin_pins.policy = policy;
    for (const auto& [plugin, hash] : pins)
        configuration.plugin_pins.by_plugin[plugin] = {hash, {3, 9}};
    return configuration;
}

std::string hash_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return content_hash(MemoryBytes(std::as_bytes(std::span(text)))).value();
}

Catalog read_pinned(const Scratch& scratch, const Configuration& configuration) {
    SearchInput input;
    input.given = {scratch.path.string()};
    return Catalog::read(input, TrustRules::of_this_process(), Pins(configuration));
}

}  // namespace

TEST_CASE("a pinned plugin is used while its file holds what the pin says") {
    const Scratch scratch;
    scratch.plugin("a.so", "ant");
    scratch.plugin("b.so", "bee");
    const auto configuration = pinning(PluginPolicy::any, {{"ant", hash_of(scratch.path / "a.so")}});
    const auto catalog = read_pinned(scratch, configuration);
    CHECK(catalog.find("ant").pinned);
    CHECK(catalog.find("bee").usable());
    CHECK_FALSE(catalog.find("bee").pinned);
    CHECK_FALSE(catalog.find("bee").hash.has_value());  // nobody asked, so it was not read whole

    std::ofstream(scratch.path / "a.so", std::ios::app) << "x";
    const auto changed = not_found(read_pinned(scratch, configuration), "ant");
    CHECK(changed.diagnostic() == "BERTH-P-28");
    CHECK(says(changed, configuration.plugin_pins.by_plugin.at("ant").hash));
    CHECK(says(changed, hash_of(scratch.path / "a.so")));
    CHECK(says(changed, "write its hash at /etc/berth/berth.yaml:3:9"));
}

TEST_CASE("with the policy pinned, a plugin without a pin is refused") {
    const Scratch scratch;
    scratch.plugin("a.so", "ant");
    scratch.plugin("b.so", "bee");
    const auto catalog = read_pinned(scratch, pinning(PluginPolicy::pinned, {{"ant", hash_of(scratch.path / "a.so")}}));
    CHECK(catalog.find("ant").usable());
    const auto error = not_found(catalog, "bee");
    CHECK(error.diagnostic() == "BERTH-P-29");
    CHECK(says(error, "plugins.pins in /etc/berth/berth.yaml"));
}

TEST_CASE("of two files of one name a pin tells which is meant") {
    const Scratch first;
    const Scratch second;
    first.plugin("a.so", "ant");
    second.plugin("a.so", "ant");
    std::ofstream(second.path / "a.so", std::ios::app) << "x";
    const Pins pins(pinning(PluginPolicy::any, {{"ant", hash_of(second.path / "a.so")}}));
    SearchInput input;
    input.given = {first.path.string(), second.path.string()};
    const auto catalog = Catalog::read(input, TrustRules::of_this_process(), pins);
    CHECK(catalog.find("ant").path == (second.path / "a.so").string());
}

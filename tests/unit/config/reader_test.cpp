// Which file is read, whose it has to be, and what one error says of many.
#include "config/reader.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "../../support/scratch_folder.hpp"
#include "config_support.hpp"

using namespace berth;
namespace fs = std::filesystem;

namespace {

fs::path write(const fs::path& file, const std::string& text = "version: 1\n") {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    return file;
}

/// The only problem of a file, or what there is instead.
std::string problem_of(const fs::path& file) {
    const auto read = read_configuration(file, test_environment());
    if (read.problems.size() != 1) return std::to_string(read.problems.size()) + " problems";
    return std::string(read.problems[0].diagnostic());
}

}  // namespace

TEST_CASE("the named file comes first, then the variable, then home, then the system's") {
    const berth_test::ScratchFolder folder("config");
    const auto& root = folder.path;
    const auto system = root / "etc";
    const auto in_system = write(system / "berth/berth.yaml");
    const auto in_home = write(root / "home/.config/berth/berth.yaml");
    const auto in_xdg = write(root / "xdg/berth/berth.yaml");
    const auto home = (root / "home").string();
    const auto xdg = (root / "xdg").string();

    const auto found = [&system](const std::optional<fs::path>& named, EnvironmentVariables::Variables all) {
        return find_configuration(named, variables(std::move(all)), system);
    };
    CHECK(found("/named.yaml", {{"BERTH_CONFIG", "/other.yaml"}, {"HOME", home}}) == fs::path("/named.yaml"));
    CHECK(found({}, {{"BERTH_CONFIG", "/other.yaml"}, {"HOME", home}}) == fs::path("/other.yaml"));
    CHECK(found({}, {{"BERTH_CONFIG", ""}, {"HOME", home}}) == in_home);
    CHECK(found({}, {{"XDG_CONFIG_HOME", xdg}, {"HOME", home}}) == in_xdg);
    CHECK(found({}, {{"XDG_CONFIG_HOME", "relative"}, {"HOME", home}}) == in_home);
    CHECK(found({}, {{"XDG_CONFIG_HOME", (root / "none").string()}, {"HOME", home}}) == in_system);
    CHECK(found({}, {}) == in_system);
    CHECK(find_configuration({}, variables({}), root / "nothing") == std::nullopt);
}

TEST_CASE("a berth.yaml in the working directory is read only when named") {
    const berth_test::ScratchFolder folder("config");
    write(folder.path / "berth.yaml");
    write(folder.path / "berth/berth.yaml");
    const auto before = fs::current_path();
    fs::current_path(folder.path);
    const auto unnamed = find_configuration({}, variables({{"XDG_CONFIG_HOME", "."}, {"HOME", "."}}), "/nowhere");
    const auto named = find_configuration(fs::path("berth.yaml"), variables({}), "/nowhere");
    fs::current_path(before);
    CHECK(unnamed == std::nullopt);
    CHECK(named == folder.path / "berth.yaml");
}

TEST_CASE("with no file at all there is the provider local") {
    const auto configuration = load_configuration({}, variables({}), "/nowhere");
    CHECK(configuration.source() == "the built-in defaults");
    CHECK(configuration.location(Place{3, 4}) == "the built-in defaults");
    REQUIRE(configuration.providers.size() == 1);
    CHECK(configuration.providers[0].plugin == "local");
    CHECK(configuration.providers[0].config.location_of("/x") == "");
    CHECK(configuration.default_provider == "local");
}

TEST_CASE("a file that was asked for has to be there") {
    const berth_test::ScratchFolder folder("config");
    CHECK(problem_of(folder.path / "none.yaml") == "BERTH-C-01");
    CHECK_THROWS_AS(static_cast<void>(load_configuration(folder.path / "none.yaml", variables({}))), Error);
    CHECK_THROWS_AS(
        static_cast<void>(load_configuration({}, variables({{"BERTH_CONFIG", (folder.path / "x").string()}}))), Error);
}

TEST_CASE("a file that is found but leads nowhere is an error, not a silent default") {
    const berth_test::ScratchFolder folder("config");
    fs::create_directories(folder.path / "berth");
    fs::create_symlink("gone.yaml", folder.path / "berth/berth.yaml");
    CHECK_THROWS_AS(static_cast<void>(load_configuration({}, variables({{"XDG_CONFIG_HOME", folder.path.string()}}))),
                    Error);
}

TEST_CASE("only regular files are read, and nothing waits for a writer") {
    const berth_test::ScratchFolder folder("config");
    CHECK(problem_of(folder.path) == "BERTH-C-01");
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    CHECK(problem_of(folder.path / "pipe") == "BERTH-C-01");
}

TEST_CASE("a file that everybody may write to is refused: it is code") {
    const berth_test::ScratchFolder folder("config");
    const auto file = write(folder.path / "berth.yaml");
    CHECK(problem_of(file) == "0 problems");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    CHECK(problem_of(file) == "BERTH-C-02");
    fs::create_symlink(file, folder.path / "link.yaml");
    CHECK(problem_of(folder.path / "link.yaml") == "BERTH-C-02");
}

TEST_CASE("a file of somebody else is refused" * doctest::skip(::geteuid() != 0)) {
    const berth_test::ScratchFolder folder("config");
    const auto file = write(folder.path / "berth.yaml");
    REQUIRE(::chown(file.c_str(), 12'345, 0) == 0);
    CHECK(problem_of(file) == "BERTH-C-02");
}

TEST_CASE("an ordinary user reads root's file" * doctest::skip(::geteuid() == 0)) {
    struct stat status {};
    REQUIRE(::stat("/etc/passwd", &status) == 0);
    REQUIRE(status.st_uid == 0);
    // No YAML of ours, but trusted: what is wrong is its text.
    CHECK(problem_of("/etc/passwd") != "BERTH-C-02");
}

TEST_CASE("a file is read up to its limit and no further") {
    const berth_test::ScratchFolder folder("config");
    const std::string head = "version: 1\n#";
    const std::size_t limit = std::size_t{1} << 20U;
    CHECK(problem_of(write(folder.path / "a", head + std::string(limit - head.size(), 'x'))) == "0 problems");
    CHECK(problem_of(write(folder.path / "b", head + std::string(3 * limit, 'x'))) == "BERTH-C-03");
}

TEST_CASE("relative paths start from the folder of the file, however the file was named") {
    const berth_test::ScratchFolder folder("config");
    write(folder.path / "c/berth.yaml", "version: 1\nplugins: {paths: [p]}\n");
    const auto before = fs::current_path();
    fs::current_path(folder.path);
    const auto configuration = load_configuration(fs::path("c/../c/berth.yaml"), variables({}));
    fs::current_path(before);
    CHECK(configuration.plugin_paths.at(0) == folder.path / "c/p");
}

TEST_CASE("one error tells the first problem and counts the others") {
    const berth_test::ScratchFolder folder("config");
    const auto file = write(folder.path / "berth.yaml", "version: 1\na: 1\nb: 2\nc: 3\n");
    try {
        static_cast<void>(load_configuration(file, variables({})));
        FAIL("a configuration with unknown keys was taken");
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-C-13");
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.fields().location == file.string() + ":2:1");
        CHECK(error.fields().hint.find("2 more problems") != std::string::npos);
        REQUIRE(error.fields().details.size() == 2);
        CHECK(error.fields().details[1].second.find(file.string() + ":4:1") == 0);
    }
}

TEST_CASE("the variables of the process can be taken") {
    const auto environment = EnvironmentVariables::of_process();
    CHECK(environment.get("PATH").has_value());
    CHECK_FALSE(environment.get("BERTH_NO_SUCH_VARIABLE").has_value());
    CHECK(test_environment().get("EMPTY") == "");
    CHECK_FALSE(test_environment().get_filled("EMPTY").has_value());
}

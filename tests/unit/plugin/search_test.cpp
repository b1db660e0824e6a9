// The search path: its order, and that the working directory is never in it.
#include "plugin/search.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace berth;

namespace {

std::vector<std::string> paths_of(const SearchPath& path) {
    std::vector<std::string> paths;
    for (const auto& directory : path.directories)
        paths.push_back(directory.path);
    return paths;
}

EnvironmentVariables variables(EnvironmentVariables::Variables values) {
    return EnvironmentVariables(std::move(values));
}

}  // namespace

TEST_CASE("first to last: command line, configuration, variable, the user's own, the installation") {
    SearchInput input;
    input.given = {"/given/one", "/given/two"};
    input.configured = {"/configured"};
    input.environment = variables(
        {{"BERTH_PLUGIN_PATH", "/variable/one:/variable/two"}, {"XDG_DATA_HOME", "/data"}, {"HOME", "/home/somebody"}});
    input.install_directory = "/usr/lib/berth/plugins";
    const auto path = search_path(input);
    CHECK(path.problems.empty());
    CHECK(paths_of(path) == std::vector<std::string>{"/given/one", "/given/two", "/configured", "/variable/one",
                                                     "/variable/two", "/data/berth/plugins", "/usr/lib/berth/plugins"});
    CHECK(path.directories[0].origin == SearchOrigin::command_line);
    CHECK(path.directories[2].origin == SearchOrigin::configuration);
    CHECK(path.directories[3].origin == SearchOrigin::environment);
    CHECK(path.directories[5].origin == SearchOrigin::user_data);
    CHECK(path.directories[6].origin == SearchOrigin::installation);
}

TEST_CASE("without XDG_DATA_HOME, or with one that is not absolute, it is ~/.local/share") {
    for (const auto* data : {"", "relative"}) {
        SearchInput input;
        input.environment = variables({{"XDG_DATA_HOME", data}, {"HOME", "/home/somebody"}});
        CHECK(paths_of(search_path(input)) == std::vector<std::string>{"/home/somebody/.local/share/berth/plugins"});
    }
    CHECK(search_path(SearchInput{}).directories.empty());
}

TEST_CASE("the working directory is never searched because of a variable or the configuration") {
    SearchInput input;
    input.configured = {"plugins"};
    input.environment = variables({{"BERTH_PLUGIN_PATH", "::.:here:/real:"}});
    const auto path = search_path(input);
    CHECK(paths_of(path) == std::vector<std::string>{"/real"});
    REQUIRE(path.problems.size() == 3);
    for (const auto& problem : path.problems)
        CHECK(problem.diagnostic() == "BERTH-P-02");
    CHECK(std::string_view(path.problems[0].what()).find("\"plugins\" (plugins.paths)") != std::string_view::npos);
}

TEST_CASE("a directory that a person named relative to where they are is meant so") {
    SearchInput input;
    input.given = {"plugins/../mine/", ""};
    const auto path = search_path(input);
    CHECK(paths_of(path) == std::vector<std::string>{(std::filesystem::current_path() / "mine").string()});
    CHECK(path.problems.size() == 1);
}

TEST_CASE("a directory that is named twice is searched once, at its first place") {
    SearchInput input;
    input.given = {"/one", "/two/"};
    input.configured = {"/two", "/one/."};
    CHECK(paths_of(search_path(input)) == std::vector<std::string>{"/one", "/two"});
}

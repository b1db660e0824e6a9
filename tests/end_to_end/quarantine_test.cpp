// Plugins in quarantine on the command line: `plugin ls` and `inspect` show them, nothing runs them, `plugin clear` takes
// them out again.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json inspected(const Workspace& workspace, const std::string& plugin) {
    return json::parse(workspace.berth({"plugin", "inspect", "-o", "json", plugin}).output);
}

json listed(const Workspace& workspace, const std::string& name) {
    for (const auto& file : json::parse(workspace.berth({"plugin", "ls", "-o", "json"}).output)) {
        if (file["name"] == name) return file;
    }
    return {};
}

fs::path record_of(const Workspace& workspace, const std::string& hash) {
    return workspace.directory() / "home/.local/state/berth/quarantine" / (hash.substr(7) + ".json");
}

/// As if another process had seen its workers die.
std::string put_into_quarantine(const Workspace& workspace, const std::string& plugin) {
    const auto file = inspected(workspace, plugin);
    const auto hash = file["hash"].get<std::string>();
    const json record{{"version", 1},         {"plugin", plugin},
                      {"file", file["file"]}, {"size", file["size"]},
                      {"cause", "deaths"},    {"deaths", 5},
                      {"within_s", 60},       {"last_death", "was killed by signal 11 (Segmentation fault)"},
                      {"stderr", "oh no"},    {"since", "2026-11-26T01:30:00Z"}};
    fs::create_directories(record_of(workspace, hash).parent_path());
    std::ofstream(record_of(workspace, hash)) << record;
    return hash;
}

}  // namespace

TEST_CASE("a plugin in quarantine is shown with the reason, and nothing runs it") {
    const Workspace workspace;
    const auto hash = put_into_quarantine(workspace, "odd");
    const auto file = listed(workspace, "odd");
    CHECK(file["state"] == "quarantined");
    CHECK(file["error"]["diagnostic"] == "BERTH-P-32");
    CHECK(file["quarantine"]["hash"] == hash);
    CHECK(file["quarantine"]["deaths"] == 5);
    CHECK(file["quarantine"]["within_seconds"] == 60);
    CHECK(file["quarantine"]["last_death"] == "was killed by signal 11 (Segmentation fault)");
    CHECK(file["quarantine"]["stderr"] == "oh no");
    CHECK(listed(workspace, "local")["state"] == "usable");
    CHECK(listed(workspace, "local")["quarantine"].is_null());
    const auto table = workspace.berth({"plugin", "ls"}).output;
    CHECK(table.find("quarantined") != std::string::npos);
    CHECK(table.find("died 5 times within 60 s, the last one was killed by signal 11") != std::string::npos);
    const auto names = lines_of(workspace.berth({"plugin", "ls", "-o", "name"}).output);
    CHECK(std::count(names.begin(), names.end(), "odd") == 0);
    CHECK(std::count(names.begin(), names.end(), "local") == 1);

    const auto inspection = workspace.berth({"plugin", "inspect", "-o", "json", "odd"});
    CHECK(inspection.exit_code == 125);
    const auto found = json::parse(inspection.output);
    CHECK(found["would_load"] == false);
    CHECK(found["state"] == "quarantined");
    for (const auto& check : found["checks"]) {
        if (check["name"] == "table") continue;
        CHECK(check["result"] == (check["name"] == "quarantine" ? "failed" : "passed"));
    }
    CHECK(workspace.berth({"plugin", "inspect", "odd"}).output.find("is in quarantine since 2026-11-26T01:30:00Z") !=
          std::string::npos);

    const auto refused = workspace.berth({"ls", "--provider", "odd"});
    CHECK(refused.exit_code == 125);
    CHECK(refused.error.find("BERTH-P-32") != std::string::npos);
    CHECK(refused.error.find("berth plugin clear odd") != std::string::npos);
    CHECK(workspace.berth({"ls", "--provider", "local"}).exit_code == 0);

    for (const auto& seen : json::parse(workspace.berth({"doctor", "-o", "json"}).output)["plugins"]["files"])
        CHECK(seen["state"] == (seen["name"] == "odd" ? "quarantined" : "usable"));
}

TEST_CASE("clear takes it out, by name, by file and by what it holds, and says when there is nothing to clear") {
    const Workspace workspace;
    const auto nothing = workspace.berth({"plugin", "clear", "odd"});
    CHECK(nothing.exit_code == 0);
    CHECK(nothing.output.empty());
    CHECK(nothing.error == "berth: odd is not in quarantine\n");
    CHECK(workspace.berth({"plugin", "clear", "--all"}).error == "berth: no plugin is in quarantine\n");
    CHECK(workspace.berth({"plugin", "clear", "-o", "json", "odd"}).output == "[]\n");

    const auto path = listed(workspace, "odd")["file"].get<std::string>();
    const auto hash = put_into_quarantine(workspace, "odd");
    for (const auto& words : {Words{"odd"}, Words{path}, Words{hash}, Words{"--all"}, Words{"odd", "local"}}) {
        CAPTURE(words.front());
        (void)put_into_quarantine(workspace, "odd");
        Words all{"plugin", "clear"};
        all.insert(all.end(), words.begin(), words.end());
        const auto cleared = workspace.berth(all);
        CHECK(cleared.exit_code == 0);
        CHECK(cleared.output ==
              "odd cleared; its workers died 5 times within 60 s, the last one was killed by signal 11 (Segmentation "
              "fault)\n");
        CHECK(cleared.error == (words.size() == 2 ? "berth: local is not in quarantine\n" : ""));
        CHECK(listed(workspace, "odd")["state"] == "usable");
        CHECK(workspace.berth({"ls", "--provider", "odd"}).exit_code == 0);
    }
    (void)put_into_quarantine(workspace, "odd");
    const auto told = json::parse(workspace.berth({"plugin", "clear", "odd", "-o", "json"}).output);
    CHECK(told[0]["plugin"] == "odd");
    CHECK(told[0]["hash"] == hash);
    (void)put_into_quarantine(workspace, "odd");
    CHECK(workspace.berth({"plugin", "clear", "odd", "-o", "name"}).output == "odd\n");
    const auto unknown = workspace.berth({"plugin", "clear", "odf"});
    CHECK(unknown.exit_code == 125);
    CHECK(unknown.error.find("BERTH-P-01") != std::string::npos);
    CHECK(unknown.error.find("Did you mean \"odd\"?") != std::string::npos);
    CHECK(workspace.berth({"plugin", "clear", workspace.path("nothing.so")}).exit_code == 125);
}

TEST_CASE("a record that cannot be read is told, and cleared like any other") {
    const Workspace workspace;
    const auto hash = put_into_quarantine(workspace, "odd");
    std::ofstream(record_of(workspace, hash)) << "\x1b[2J garbage";
    const auto table = workspace.berth({"plugin", "ls"});
    CHECK(table.exit_code == 0);
    CHECK(table.error.find("BERTH-P-33") != std::string::npos);
    CHECK(table.error.find('\x1b') == std::string::npos);
    const auto file = listed(workspace, "odd");
    CHECK(file["state"] == "quarantined");
    CHECK(file["quarantine"]["deaths"].is_null());
    CHECK(workspace.berth({"plugin", "clear", "odd"}).exit_code == 0);
    CHECK(listed(workspace, "odd")["state"] == "usable");
    CHECK(workspace.berth({"plugin", "ls"}).error.empty());
}

TEST_CASE("what cannot be read at all is told, and hides nothing else") {
    const Workspace workspace;
    const auto hash = put_into_quarantine(workspace, "odd");
    const auto folder = record_of(workspace, hash).parent_path();
    REQUIRE(::chmod(folder.c_str(), 0777) == 0);
    const auto table = workspace.berth({"plugin", "ls"});
    CHECK(table.exit_code == 0);
    CHECK(table.error.find("BERTH-P-33") != std::string::npos);
    CHECK(table.output.find("odd") != std::string::npos);
    CHECK(workspace.berth({"plugin", "clear", "odd"}).exit_code == 125);
}

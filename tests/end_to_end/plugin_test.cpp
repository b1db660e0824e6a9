// Plugin files on the command line: what `berth plugin inspect` finds out, and what its exit code says.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// The file of the plugin `odd`, copied into the workspace.
std::string copy_of_odd(const Workspace& workspace, std::string_view name) {
    const auto odd = json::parse(workspace.berth({"plugin", "inspect", "-o", "json", "odd"}).output);
    fs::copy_file(odd["file"].get<std::string>(), workspace.path(name));
    REQUIRE(::chmod(workspace.path(name).c_str(), 0755) == 0);
    return workspace.path(name);
}

json check_of(const json& inspection, std::string_view name) {
    for (const auto& check : inspection["checks"]) {
        if (check["name"] == name) return check;
    }
    return {};
}

}  // namespace

TEST_CASE("inspect shows all there is about a file, and 0 says that it would load") {
    const Workspace workspace;
    const auto ended = workspace.berth({"plugin", "inspect", "-o", "json", "odd"});
    CHECK(ended.exit_code == 0);
    const auto found = json::parse(ended.output);
    CHECK(found["would_load"] == true);
    CHECK(found["hash"].get<std::string>().size() == 71);
    const auto exported = found["exported"].get<std::vector<std::string>>();
    CHECK(std::count(exported.begin(), exported.end(), "berth_plugin_v1") == 1);
    CHECK(found["exported_count"] == exported.size());
    CHECK(found["way"][0]["path"] == "/");
    bool needs_libc = false;
    for (const auto& library : found["needed"])
        needs_libc = needs_libc || (library["name"] == "libc.so.6" && library["path"].is_string());
    CHECK(needs_libc);
    int number = 0;
    for (const auto& check : found["checks"]) {
        CHECK(check["number"] == ++number);
        CHECK(check["result"] == (check["name"] == "table" ? "skipped" : "passed"));
    }
    const auto sheet = workspace.berth({"plugin", "inspect", "odd"}).output;
    for (const auto* words :
         {"Would load:", "yes", "sha256:", "Exports:", "libc.so.6 (/", "Checks, none of which runs"})
        CHECK(sheet.find(words) != std::string::npos);
    CHECK(workspace.berth({"plugin", "inspect", "-o", "name", "odd"}).output == "odd\n");
}

TEST_CASE("a directory above that others may change is told by inspect, by ls and by whoever needs the plugin") {
    const Workspace workspace;
    fs::create_directories(workspace.path("open/plugins"));
    const auto copy = copy_of_odd(workspace, "open/plugins/odd.so");
    REQUIRE(::chmod(workspace.path("open").c_str(), 0777) == 0);
    const auto ended = workspace.berth({"plugin", "inspect", "-o", "json", copy});
    CHECK(ended.exit_code == 125);
    const auto found = json::parse(ended.output);
    CHECK(found["error"]["diagnostic"] == "BERTH-P-04");
    CHECK(check_of(found, "place")["result"] == "failed");
    CHECK(check_of(found, "offer")["result"] == "passed");
    const auto listed = workspace.berth({"plugin", "ls", "--plugin-dir", workspace.path("open/plugins")});
    CHECK(listed.error.find("chmod go-w \"" + workspace.path("open") + "\"") != std::string::npos);
    CHECK(listed.output.find(copy) == std::string::npos);
}

TEST_CASE("pins and the policy decide what is used, and ls shows it") {
    const Workspace workspace;
    const auto copy = copy_of_odd(workspace, "odd.so");
    const auto hash =
        json::parse(workspace.berth({"plugin", "inspect", "-o", "json", copy}).output)["hash"].get<std::string>();
    const auto with = [&](const std::string& policy, const std::string& pins) {
        workspace.configure("version: 1\nplugins:\n  paths: [\"" + workspace.directory().string() +
                            "\"]\n  policy: " + policy + "\n  pins: {" + pins + "}\nproviders: {odd: {plugin: odd}}\n");
    };
    const auto listed = [&] {
        for (const auto& file : json::parse(workspace.berth({"plugin", "ls", "-o", "json"}).output)) {
            if (file["file"] == copy) return file;
        }
        return json();
    };
    with("pinned", "odd: \"" + hash + "\"");
    CHECK(listed()["trust"]["pinned"] == true);
    CHECK(workspace.berth({"plugin", "ls"}).output.find(", pinned") != std::string::npos);
    CHECK(workspace.berth({"ls"}).exit_code == 0);
    CHECK(workspace.berth({"plugin", "inspect", copy}).exit_code == 0);
    // The ones that come with Berth have no pin here.
    CHECK(workspace.berth({"plugin", "inspect", "local"}).exit_code == 125);

    with("any", "odd: \"sha256:" + std::string(64, '0') + "\"");
    CHECK(listed()["error"]["diagnostic"] == "BERTH-P-28");
    CHECK(listed()["trust"]["trusted"] == false);
    const auto refused = workspace.berth({"ls"});
    CHECK(refused.exit_code == 125);
    CHECK(refused.error.find("berth.yaml:5:15") != std::string::npos);
    CHECK(workspace.berth({"plugin", "inspect", copy}).exit_code == 125);

    with("pinned", "");
    CHECK(listed()["error"]["diagnostic"] == "BERTH-P-29");
    with("pinned", "odd: abc");
    const auto wrong = workspace.berth({"config", "check"});
    CHECK(wrong.exit_code == 125);
    CHECK(wrong.error.find("berth.yaml:5:15") != std::string::npos);
}

TEST_CASE("hostile files are refused in words, and nobody waits for one") {
    const Workspace workspace;
    workspace.file("text.so", "#!/bin/sh\n");
    workspace.file("hole.so", "\177ELF");
    REQUIRE(::truncate(workspace.path("hole.so").c_str(), off_t{4} << 30U) == 0);
    REQUIRE(::mkfifo(workspace.path("fifo.so").c_str(), 0600) == 0);
    fs::create_directory(workspace.path("directory.so"));
    fs::create_symlink("circle.so", workspace.path("circle.so"));
    fs::resize_file(copy_of_odd(workspace, "short.so"), 5000);
    const std::pair<const char*, const char*> expected[] = {{"text.so", "BERTH-P-08"},   {"hole.so", "BERTH-P-27"},
                                                            {"fifo.so", "BERTH-P-06"},   {"directory.so", "BERTH-P-06"},
                                                            {"circle.so", "BERTH-P-06"}, {"short.so", "BERTH-P-10"},
                                                            {"nothing.so", "BERTH-P-06"}};
    for (const auto& pair : expected) {
        const std::string name = pair.first;
        CAPTURE(name);
        const auto ended = workspace.berth({"plugin", "inspect", "-o", "json", workspace.path(name)});
        CHECK(ended.exit_code == 125);
        CHECK(json::parse(ended.output)["error"]["diagnostic"] == pair.second);
        CHECK(ended.peak_kib < 64L * 1024);
    }
    const auto device = json::parse(workspace.berth({"plugin", "inspect", "-o", "json", "/dev/zero"}).output);
    CHECK(device["would_load"] == false);
    CHECK(check_of(device, "format")["result"] == "skipped");
}

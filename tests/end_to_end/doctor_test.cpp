// `berth doctor`: what works here, what does not, and why.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;

namespace {

json doctor(const Workspace& workspace, int exit_code) {
    const auto ended = workspace.berth({"doctor", "-o", "json"});
    CHECK(ended.exit_code == exit_code);
    REQUIRE(json::accept(ended.output));
    return json::parse(ended.output);
}

const json& named(const json& list, const std::string& name) {
    for (const auto& item : list) {
        if (item["name"] == name) return item;
    }
    FAIL("nothing is called ", name);
    return list;
}

}  // namespace

TEST_CASE("every provider that opens is well, feature by feature") {
    const Workspace workspace;
    const auto found = doctor(workspace, 0);
    CHECK(found["well"] == true);
    CHECK(found["configuration"].is_string());
    CHECK(found["problems"].empty());
    CHECK(named(found["plugins"]["files"], "local")["state"] == "usable");
    const auto& local = named(found["providers"], "local");
    CHECK(local["opens"] == true);
    CHECK_FALSE(local["methods"].empty());
    REQUIRE_FALSE(local["features"].empty());
    for (const auto& feature : local["features"]) {
        CAPTURE(feature["name"].get<std::string>());
        CHECK(feature["reason"].is_string() != feature["offered"].get<bool>());
    }
    const auto people = workspace.berth({"doctor"});
    CHECK(people.exit_code == 0);
    CHECK(people.output.find("memory_limit") != std::string::npos);
    CHECK(people.output.find("local.so") != std::string::npos);
}

TEST_CASE("what doctor says of a limit is what happens") {
    const Workspace workspace;
    const auto found = doctor(workspace, 0);
    const auto& limit = named(named(found["providers"], "local")["features"], "memory_limit");
    const auto ended = workspace.berth({"run", "--provider", "local", "--memory", "128MiB", "--", "true"});
    if (limit["offered"].get<bool>()) {
        CHECK(ended.exit_code == 0);
    } else {
        CHECK(ended.exit_code == 125);
        CHECK(ended.error.find(limit["reason"].get<std::string>()) != std::string::npos);
    }
}

TEST_CASE("a provider that does not open is told with its reason, and the others still are") {
    const Workspace workspace;
    workspace.configure(
        "version: 1\nplugins: { paths: [PLUGINS] }\nproviders:\n"
        "  good: { plugin: local, config: { state_dir: STATE } }\n"
        "  bad: { plugin: local, config: { state_dir: not/absolute } }\n"
        "  missing: { plugin: nobody_has_this }\n"
        "select: { default: good }\n");
    const auto found = doctor(workspace, 125);
    CHECK(found["well"] == false);
    CHECK(named(found["providers"], "good")["opens"] == true);
    const auto& bad = named(found["providers"], "bad");
    CHECK(bad["opens"] == false);
    CHECK(bad["error"]["message"].get<std::string>().find("absolute") != std::string::npos);
    CHECK(named(found["providers"], "missing")["opens"] == false);
    const auto people = workspace.berth({"doctor"});
    CHECK(people.exit_code == 125);
    CHECK(people.output.find("nobody_has_this") != std::string::npos);
}

TEST_CASE("a berth.yaml that cannot be read is told with its line") {
    const Workspace workspace;
    workspace.configure("version: 1\nproviders:\n  local: { plugni: local }\n");
    const auto found = doctor(workspace, 125);
    REQUIRE_FALSE(found["problems"].empty());
    CHECK(found["problems"][0].dump().find(":3:") != std::string::npos);
    CHECK(found["plugins"].is_null());
    CHECK(workspace.berth({"doctor"}).output.find("plugni") != std::string::npos);
}

TEST_CASE("a plugin file that is refused is told, and does no harm") {
    const Workspace workspace;
    std::filesystem::create_directory(workspace.path("more"));
    workspace.file("more/broken.so", "this is no shared object");
    const auto ended = workspace.berth({"doctor", "--plugin-dir", workspace.path("more"), "-o", "json"});
    CHECK(ended.exit_code == 0);
    const auto found = json::parse(ended.output);
    const auto& files = found["plugins"]["files"];
    const auto broken = std::find_if(files.begin(), files.end(), [](const json& file) {
        return file["file"].get<std::string>().ends_with("more/broken.so");
    });
    REQUIRE(broken != files.end());
    CHECK((*broken)["state"] == "refused");
    CHECK((*broken)["error"].is_object());
    CHECK(workspace.berth({"doctor", "--plugin-dir", workspace.path("more")}).output.find("Refused plugin") !=
          std::string::npos);
}

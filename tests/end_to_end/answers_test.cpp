// What the optional methods, plugins, providers and the configuration answer.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;

TEST_CASE("an optional method that the provider lacks is UNSUPPORTED") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["EXAMPLES"] }
providers:
  small: { plugin: minimal }
)");
    const std::string sandbox = "small/any";
    const std::vector<Words> commands{{"logs", sandbox},
                                      {"env", "get", sandbox},
                                      {"env", "set", sandbox, "A=b"},
                                      {"snapshot", "create", sandbox, "x"},
                                      {"snapshot", "restore", sandbox, "small/x"},
                                      {"snapshot", "ls", "--provider", "small"},
                                      {"snapshot", "rm", "small/x"}};
    for (auto words : commands) {
        CAPTURE(words[0]);
        words.insert(words.begin(), {"-o", "json"});
        const auto ended = workspace.berth(words);
        CHECK(ended.exit_code == 125);
        REQUIRE(json::accept(ended.error));
        const auto error = json::parse(ended.error);
        CHECK(error["code"] == "UNSUPPORTED");
        CHECK(error["provider"] == "small");
        CHECK(error["outcome"] == "none");
    }
}

TEST_CASE("an error object has its keys") {
    const Workspace workspace;
    const auto ended = workspace.berth({"inspect", "-o", "json", "local/nobody"});
    CHECK(ended.exit_code == 125);
    const auto error = json::parse(ended.error);
    for (const auto* key : {"code", "diagnostic", "message", "provider", "op", "sandbox", "path", "index", "details",
                            "retryable", "retry_after_ms", "outcome", "hint", "upstream_code", "request_id"}) {
        CAPTURE(key);
        CHECK(error.contains(key));
    }
    CHECK(error["code"] == "NOT_FOUND");
    CHECK(error["op"] == "get");
    CHECK(error["sandbox"] == "nobody");
}

TEST_CASE("snapshots") {
    const Workspace workspace;
    CHECK(workspace.berth({"snapshot", "create", "odd/box", "one"}).output == "odd/snap-one\n");
    CHECK(workspace.berth({"snapshot", "restore", "odd/box", "odd/snap-one"}).exit_code == 0);
    CHECK(workspace.berth({"snapshot", "restore", "odd/box", "odd/other"}).exit_code == 125);
    CHECK(workspace.berth({"snapshot", "ls", "-o", "name"}).output == "odd/snap-one\n");
    CHECK(workspace.berth({"snapshot", "ls"}).output.find("2.0 KiB") != std::string::npos);
    CHECK(json::parse(workspace.berth({"snapshot", "ls", "-o", "json"}).output)[0]["sandbox_id"] == "box");
    CHECK(workspace.berth({"snapshot", "rm", "odd/snap-one"}).exit_code == 0);
    CHECK(workspace.berth({"snapshot", "rm", "odd/other", "odd/snap-one"}).exit_code == 125);
}

TEST_CASE("logs are bytes; as JSON a line is an object") {
    const Workspace workspace;
    CHECK(workspace.berth({"logs", "odd/box"}).output == "first\nsecond \xff\n");
    CHECK(workspace.berth({"logs", "-n", "1", "odd/box"}).output == "second \xff\n");
    CHECK(workspace.berth({"logs", "-n", "1", "-o", "jsonl", "odd/box"}).output ==
          "{\"line\":{\"base64\":\"c2Vjb25kIP8=\"}}\n");
    auto running = workspace.start({"logs", "-f", "odd/box"});
    CHECK(becomes_true([&] { return workspace.berth({"ready", "odd/box"}).exit_code == 0; }));
    running->signal(SIGINT);
    CHECK(running->wait().exit_code == 130);
}

TEST_CASE("variables of a sandbox") {
    const Workspace workspace;
    CHECK(workspace.berth({"env", "get", "odd/box"}).output == "A=1\nB=two\\nlines\nC=\\xff\n");
    const auto all = json::parse(workspace.berth({"env", "get", "-o", "json", "odd/box"}).output);
    CHECK(all == json{{"A", "1"}, {"B", "two\nlines"}, {"C", {{"base64", "/w=="}}}});
    CHECK(workspace.berth({"env", "set", "odd/box", "X=y", "--unset", "A"}).exit_code == 0);
    const auto refused = workspace.berth({"env", "set", "odd/box", "REFUSED=hunter2"});
    CHECK(refused.exit_code == 125);
    CHECK(refused.error.find("hunter2") == std::string::npos);
}

TEST_CASE("a deadline of an operation is 124, and 123 when nobody knows what happened") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["TEST_PLUGINS"] }
providers:
  odd: { plugin: odd, deadlines: { restart: 200ms, destroy: 200ms } }
)");
    const auto restart = workspace.berth({"restart", "-o", "json", "odd/box"});
    CHECK(restart.exit_code == 124);
    CHECK(json::parse(restart.error)["code"] == "TIMEOUT");
    const auto destroy = workspace.berth({"rm", "odd/stuck"});
    CHECK(destroy.exit_code == 123);
}

TEST_CASE("providers: which work, and why others do not") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS", "EXAMPLES"] }
providers:
  local: { plugin: local, config: { state_dir: "STATE" } }
  small: { plugin: minimal }
  gone: { plugin: nowhere }
)");
    const auto all = json::parse(workspace.berth({"provider", "ls", "-o", "json"}).output);
    REQUIRE(all.size() == 3);
    CHECK(all[0]["name"] == "local");
    CHECK(all[0]["error"].is_null());
    CHECK(all[0]["missing_methods"].empty());
    CHECK(all[1]["missing_methods"].size() == 5);
    CHECK(all[2]["state"] == "refused");
    CHECK(all[2]["error"]["diagnostic"] == "BERTH-P-01");
    CHECK(workspace.berth({"provider", "ls", "-o", "name"}).output == "local\nsmall\ngone\n");
    CHECK(workspace.berth({"provider", "ls"}).output.find("BERTH-P-01") != std::string::npos);
}

TEST_CASE("plugins: every file is shown, the refused ones with the number and the reason") {
    const Workspace workspace;
    std::filesystem::create_directory(workspace.path("more"));
    workspace.file("more/not_elf.so", "hello");
    const auto all =
        json::parse(workspace.berth({"plugin", "ls", "-o", "json", "--plugin-dir", workspace.path("more")}).output);
    REQUIRE(all.size() >= 3);
    CHECK(all[0]["name"] == "not_elf");
    CHECK(all[0]["state"] == "refused");
    CHECK(all[0]["error"]["diagnostic"] == "BERTH-P-08");
    const auto table = workspace.berth({"plugin", "ls", "--plugin-dir", workspace.path("more")}).output;
    CHECK(table.find("BERTH-P-08") != std::string::npos);
    CHECK(table.find("odd") != std::string::npos);
    const auto refused = workspace.berth({"plugin", "inspect", workspace.path("more/not_elf.so")});
    CHECK(refused.exit_code == 125);
    CHECK(refused.output.find("BERTH-P-08") != std::string::npos);
}

TEST_CASE("a plugin tells all about itself") {
    const Workspace workspace;
    const auto sheet = workspace.berth({"plugin", "inspect", "odd"}).output;
    CHECK(sheet.find("16 of 16") != std::string::npos);
    CHECK(sheet.find("+ get_logs (optional)") != std::string::npos);
    CHECK(sheet.find("berth.snapshots/1 (extension)") != std::string::npos);
    CHECK(sheet.find("/token") != std::string::npos);
    CHECK(sheet.find("else $ODD_TOKEN") != std::string::npos);
    const auto local = workspace.berth({"plugin", "inspect", "local"}).output;
    CHECK(local.find("16 of 16") != std::string::npos);
    workspace.configure("version: 1\nplugins: { paths: [\"TEST_PLUGINS\", \"EXAMPLES\"] }\n");
    const auto small = workspace.berth({"plugin", "inspect", "minimal"}).output;
    CHECK(small.find("11 of 16") != std::string::npos);
    CHECK(small.find("- get_logs (optional)") != std::string::npos);
    const auto full = json::parse(workspace.berth({"plugin", "inspect", "-o", "json", "odd"}).output);
    CHECK(full["version"] == "1.2.3");
    CHECK(full["options"].size() == 2);
    const auto unknown = workspace.berth({"plugin", "inspect", "odf"});
    CHECK(unknown.exit_code == 125);
    CHECK(unknown.error.find("odd") != std::string::npos);
}

TEST_CASE("config check finds every mistake and says where") {
    const Workspace workspace;
    CHECK(workspace.berth({"config", "check"}).exit_code == 0);
    workspace.configure("version: 1\nproviders:\n  local: { plugin: local, confg: {} }\ndefaults: { timeout: soon }\n");
    const auto ended = workspace.berth({"config", "check"});
    CHECK(ended.exit_code == 125);
    CHECK(lines_of(ended.error).size() == 2);
    CHECK(ended.error.find("berth.yaml:3:") != std::string::npos);
    CHECK(ended.error.find("berth.yaml:4:") != std::string::npos);
    const auto all = json::parse(workspace.berth({"config", "check", "-o", "json"}).output);
    CHECK(all.size() == 2);
    CHECK(workspace.berth({"ls"}).exit_code == 125);
}

TEST_CASE("config check shows what every plugin says, once, also when no provider is left") {
    const Workspace workspace;
    const std::string wrong =
        "version: 1\nproviders:\n  one: {plugin: nowhere}\n  two: {plugin: local, config: {network: what}}\n";
    for (const std::string& more : {std::string(), std::string("  three: {plugin: local}\n")}) {
        workspace.configure(wrong + more);
        const auto ended = workspace.berth({"config", "check"});
        CHECK(ended.exit_code == 125);
        CHECK(std::count(ended.error.begin(), ended.error.end(), '\n') == 2);
        CHECK(ended.error.find("(provider one)") != std::string::npos);
        CHECK(ended.error.find("(provider two)") != std::string::npos);
    }
}

TEST_CASE("config check asks the plugins, too") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS", "TEST_PLUGINS"] }
providers:
  odd: { plugin: odd, config: { list_fails: "maybe" } }
  local: { plugin: local, config: { state_dir: "STATE" } }
)");
    const auto ended = workspace.berth({"config", "check"});
    CHECK(ended.exit_code == 125);
    CHECK(ended.error.find("berth.yaml:4:") != std::string::npos);
}

TEST_CASE("config show masks what is secret") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS", "TEST_PLUGINS"] }
providers:
  odd: { plugin: odd, config: { token: "${env:MY_TOKEN}" } }
)");
    Started how;
    how.variables["MY_TOKEN"] = "hunter2";
    const auto shown = workspace.berth({"config", "show"}, how);
    CHECK(shown.exit_code == 0);
    CHECK(shown.output.find("hunter2") == std::string::npos);
    CHECK(shown.output.find("${env:MY_TOKEN}") != std::string::npos);
    CHECK(json::parse(workspace.berth({"config", "show", "-o", "json"}, how).output)["providers"].contains("odd"));
    CHECK(json::parse(workspace.berth({"config", "schema"}).output).contains("properties"));
}

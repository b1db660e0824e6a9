// Help, version, and what wrong usage is told.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;

TEST_CASE("help and version go to stdout") {
    const Workspace workspace;
    const auto help = workspace.berth({"--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.output.find("Exit codes:") != std::string::npos);
    CHECK(workspace.berth({"run", "--help"}).output.find("berth run [FLAGS] -- COMMAND") != std::string::npos);
    CHECK(workspace.berth({"--version"}).output.starts_with("berth "));
    CHECK(workspace.berth({"version"}).output == workspace.berth({"--version"}).output);
    CHECK(json::parse(workspace.berth({"version", "-o", "json"}).output)["contract"] == "1.0");
}

TEST_CASE("version needs no configuration") {
    const Workspace workspace;
    workspace.configure("not: [valid");
    CHECK(workspace.berth({"version"}).exit_code == 0);
    CHECK(workspace.berth({"ls"}).exit_code == 125);
}

TEST_CASE("wrong usage is 125, one line on stderr, with what was meant") {
    const Workspace workspace;
    const auto command = workspace.berth({"rnu", "--", "true"});
    CHECK(command.exit_code == 125);
    CHECK(command.output.empty());
    CHECK(command.error == "berth: unknown command \"rnu\". Did you mean `berth run`? [BERTH-X-01]\n");
    const auto flag = workspace.berth({"run", "--memroy", "1GiB", "--", "true"});
    CHECK(flag.exit_code == 125);
    CHECK(flag.error.find("Did you mean --memory?") != std::string::npos);
    CHECK(workspace.berth({}).exit_code == 125);
    CHECK(workspace.berth({"exec", "not a name", "true"}).error.find("BERTH-X-03") != std::string::npos);
}

TEST_CASE("wrong usage is JSON, too, where that is asked for") {
    const Workspace workspace;
    for (const auto& words :
         {Words{"-o", "json", "rnu"}, Words{"rnu", "--output=json"}, Words{"create", "--memory", "x", "-ojson"}}) {
        const auto ended = workspace.berth(words);
        CHECK(ended.exit_code == 125);
        REQUIRE(json::accept(ended.error));
        CHECK(json::parse(ended.error)["code"] == "INVALID_ARGUMENT");
    }
}

TEST_CASE("closed standard descriptors do no harm") {
    const Workspace workspace;
    auto variables = workspace.variables();
    Running running("/bin/sh", {"-c", "exec " + berth_path() + " version >&- 2>&- <&-"}, {.variables = variables});
    CHECK(running.wait().exit_code == 125);
}

TEST_CASE("output that has nowhere to go is a failure, not exit 0; a command without any is not") {
    const Workspace workspace;
    const auto closed = [&](const std::string& words) {
        Running running("/bin/sh", {"-c", "exec " + berth_path() + " run -- " + words + " >&-"},
                        {.variables = workspace.variables()});
        return running.wait();
    };
    const auto lost = closed("echo lost");
    CHECK(lost.exit_code == 125);
    CHECK(lost.error.find("BERTH-X-04") != std::string::npos);
    CHECK(closed("sh -c 'exit 3'").exit_code == 3);
}

TEST_CASE("help is there as a command, too, and a group has its own") {
    const Workspace workspace;
    CHECK(workspace.berth({"help"}).output == workspace.berth({"--help"}).output);
    CHECK(workspace.berth({"help", "env", "set"}).output == workspace.berth({"env", "set", "--help"}).output);
    const auto group = workspace.berth({"snapshot", "--help"});
    CHECK(group.exit_code == 0);
    CHECK(group.output == workspace.berth({"help", "snapshot"}).output);
    CHECK(group.output.find("snapshot restore") != std::string::npos);
    CHECK(group.output.find("doctor") == std::string::npos);
}

TEST_CASE("nobody reads the answer") {
    const Workspace workspace;
    auto pipe = berth::make_pipe();
    pipe.read_end.reset();
    const auto ended = workspace.berth({"--help"}, {.output = pipe.write_end.get()});
    CHECK(ended.exit_code == 141);
    CHECK(ended.error.empty());
}

TEST_CASE("a requirement that nobody meets is refused before anything is made") {
    const Workspace workspace;
    const auto ended = workspace.berth({"create", "--require", "network_allow_list"});
    CHECK(ended.exit_code == 125);
    CHECK(ended.error.find("network_allow_list") != std::string::npos);
    CHECK(workspace.berth({"create", "--provider", "odd", "--ttl", "1h"}).exit_code == 125);
    CHECK(workspace.berth({"create", "--provider", "locla"}).error.find("local") != std::string::npos);
    CHECK(workspace.sandboxes().empty());
}

// What a sandbox keeps, from the command line: `berth env`, `berth logs`, `berth snapshot`.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;

TEST_CASE("variables are set, shown and unset, from many processes at once") {
    const Workspace workspace;
    const auto name = workspace.create({"-e", "FIRST=1"});
    CHECK(workspace.berth({"env", "get", name}).output == "FIRST=1\n");
    std::vector<std::unique_ptr<Running>> running;
    for (int i = 0; i < 6; ++i)
        running.push_back(workspace.start({"env", "set", name, "V" + std::to_string(i) + "=a b"}));
    for (auto& one : running)
        CHECK(one->wait().exit_code == 0);
    CHECK(workspace.berth({"env", "set", name, "FIRST=", "--unset", "V0"}).exit_code == 0);
    const auto variables = json::parse(workspace.berth({"env", "get", "-o", "json", name}).output);
    CHECK(variables.size() == 6);
    CHECK(variables["FIRST"] == "");
    CHECK(variables["V5"] == "a b");
    CHECK(workspace.berth({"exec", name, "sh", "-c", "echo $V1$V0"}).output == "a b\n");
    CHECK(workspace.berth({"env", "set", name, "BAD-NAME=x"}).exit_code == 125);
}

TEST_CASE("logs: all, the last, since, and followed until the sandbox goes") {
    const Workspace workspace;
    const auto name = workspace.create();
    CHECK(workspace.berth({"exec", name, "sh", "-c", "echo one; echo two"}).exit_code == 0);
    const auto all = lines_of(workspace.berth({"logs", name}).output);
    REQUIRE(all.size() == 3);
    CHECK(all[0].ends_with(" system - created"));
    CHECK(all[1].find(" stdout ") != std::string::npos);
    CHECK(lines_of(workspace.berth({"logs", "-n", "1", name}).output) == Words{all[2]});
    CHECK(workspace.berth({"logs", "-n", "0", name}).output.empty());
    CHECK(workspace.berth({"logs", "--since", "1h", name}).output.ends_with(all[2] + "\n"));
    CHECK(workspace.berth({"logs", "--since", "2999-01-01T00:00:00Z", name}).output.empty());
    CHECK(workspace.berth({"logs", "-n", "-1", name}).exit_code == 125);

    auto pipe = berth::make_pipe();
    auto follower = workspace.start({"logs", "-n", "1", "-f", name}, {.output = pipe.write_end.get()});
    pipe.write_end.reset();
    REQUIRE(reads(pipe.read_end.get(), all[2] + "\n"));
    CHECK(workspace.berth({"exec", name, "echo", "three"}).exit_code == 0);
    CHECK(workspace.berth({"rm", name}).exit_code == 0);
    CHECK(follower->wait().exit_code == 0);
}

TEST_CASE("a snapshot from its making to its end") {
    const Workspace workspace;
    const auto name = workspace.create();
    CHECK(workspace.berth({"exec", name, "sh", "-c", "echo old > file"}).exit_code == 0);
    const auto made = workspace.berth({"snapshot", "create", name, "first"});
    REQUIRE(made.exit_code == 0);
    const auto snapshot = lines_of(made.output).at(0);
    CHECK(snapshot.starts_with("local/"));
    CHECK(workspace.berth({"exec", name, "sh", "-c", "rm file; echo since > since"}).exit_code == 0);
    CHECK(workspace.berth({"snapshot", "restore", name, snapshot}).exit_code == 0);
    CHECK(workspace.berth({"exec", name, "sh", "-c", "ls; cat file"}).output == "file\nold\n");
    CHECK(workspace.berth({"rm", name}).exit_code == 0);

    const auto table = workspace.berth({"snapshot", "ls", "--provider", "local"}).output;
    CHECK(table.find(snapshot) != std::string::npos);
    CHECK(table.find("first") != std::string::npos);
    CHECK(workspace.berth({"snapshot", "rm", snapshot}).exit_code == 0);
    const auto again = workspace.berth({"snapshot", "rm", snapshot, "-o", "json"});
    CHECK(again.exit_code == 125);
    CHECK(again.error.find("SNAPSHOT_NOT_FOUND") != std::string::npos);
    CHECK(workspace.berth({"snapshot", "ls", "--provider", "local", "-o", "name"}).output.empty());
    CHECK(workspace.berth({"snapshot", "create", name, "bad name"}).exit_code == 125);
}

// Sandboxes that outlive the command that made them: create, ls, inspect, ready, stats, restart, rm.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "berth_program.hpp"

using namespace berth_test;
using nlohmann::json;

namespace {

/// Whether any process holds the file behind `descriptor`, ours apart.
bool held_by_others(int descriptor) {
    struct stat wanted {};
    REQUIRE(::fstat(descriptor, &wanted) == 0);
    std::error_code failed;
    for (const auto& process : std::filesystem::directory_iterator("/proc", failed)) {
        const auto name = process.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) continue;
        for (const auto& entry : std::filesystem::directory_iterator(process.path() / "fd", failed)) {
            struct stat found {};
            if (::stat(entry.path().c_str(), &found) != 0) continue;
            if (found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino) return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("create prints the full name alone and returns while the sandbox lives on") {
    const Workspace workspace;
    auto pipe = berth::make_pipe();
    auto error = berth::make_pipe();
    const auto spare = berth::make_pipe();
    const int inherited = ::dup(spare.write_end.get());  // not close-on-exec: what a careless shell leaves open
    auto running = workspace.start({"create"}, {.output = pipe.write_end.get(), .error = error.write_end.get()});
    pipe.write_end.reset();
    error.write_end.reset();
    std::string name(200, '\0');
    const auto count = ::read(pipe.read_end.get(), name.data(), name.size());
    REQUIRE(count > 0);
    name.resize(static_cast<std::size_t>(count));
    char byte = 0;
    CHECK(::read(pipe.read_end.get(), &byte, 1) == 0);  // the end comes: nobody in the sandbox holds our stdout
    CHECK(::read(error.read_end.get(), &byte, 1) == 0);
    CHECK(running->wait().exit_code == 0);
    REQUIRE(name.back() == '\n');
    name.pop_back();
    CHECK(name.starts_with("local/"));
    CHECK(lines_of(name).size() == 1);
    CHECK(workspace.berth({"ready", name}).exit_code == 0);
    CHECK_FALSE(held_by_others(pipe.read_end.get()));
    CHECK_FALSE(held_by_others(spare.write_end.get()));
    ::close(inherited);
}

TEST_CASE("a sandbox from its making to its end") {
    const Workspace workspace;
    const auto name = workspace.create({"--name", "my box", "-l", "k=v", "-e", "A=b"});
    CHECK(workspace.berth({"exec", name, "sh", "-c", "echo kept > file"}).exit_code == 0);
    CHECK(workspace.sandboxes() == Words{name});

    const auto inspected = json::parse(workspace.berth({"inspect", "-o", "json", name}).output);
    CHECK(inspected["full_name"] == name);
    CHECK(inspected["status"] == "ready");
    CHECK(inspected["name"] == "my box");
    CHECK(inspected["labels"]["k"] == "v");
    CHECK(inspected["persistent"] == true);
    CHECK(inspected["environment"]["env"]["A"] == "b");
    CHECK(workspace.berth({"inspect", name}).output.find("my box") != std::string::npos);
    CHECK(workspace.berth({"inspect", "-o", "name", name}).output == name + "\n");

    const auto table = workspace.berth({"ls", "--provider", "local"}).output;
    CHECK(table.starts_with("SANDBOX "));
    CHECK(table.find(name) != std::string::npos);
    CHECK(table.find("my box") != std::string::npos);
    CHECK(json::parse(workspace.berth({"ls", "-o", "json", "--provider", "local"}).output).size() == 1);
    CHECK(lines_of(workspace.berth({"ls", "-o", "jsonl", "--provider", "local"}).output).size() == 1);

    const auto usage = json::parse(workspace.berth({"stats", "-o", "json", name}).output);
    CHECK(usage.contains("memory_bytes"));
    CHECK(workspace.berth({"stats", name}).output.find(name) != std::string::npos);

    const auto restarted = workspace.berth({"restart", "-o", "json", name});
    CHECK(json::parse(restarted.output)["full_name"] == name);
    CHECK(workspace.berth({"exec", name, "cat", "file"}).output == "kept\n");

    CHECK(workspace.berth({"rm", name}).exit_code == 0);
    CHECK(workspace.sandboxes().empty());
    CHECK(workspace.berth({"ready", name}).exit_code == 1);
    CHECK(workspace.berth({"inspect", name}).exit_code == 125);
}

TEST_CASE("rm tries all, and tells what is missing unless that is ignored") {
    const Workspace workspace;
    const auto one = workspace.create();
    const auto two = workspace.create();
    const auto ended = workspace.berth({"rm", one, "local/nobody", two});
    CHECK(ended.exit_code == 125);
    CHECK(lines_of(ended.error).size() == 1);
    CHECK(ended.error.find("nobody") != std::string::npos);
    CHECK(workspace.sandboxes().empty());
    const auto ignored = workspace.berth({"rm", "--ignore-missing", one});
    CHECK(ignored.exit_code == 0);
    CHECK(ignored.error.empty());
}

TEST_CASE("a provider that fails does not hide the sandboxes of others") {
    const Workspace workspace;
    workspace.configure(R"(version: 1
plugins: { paths: ["PLUGINS", "TEST_PLUGINS"] }
providers:
  odd: { plugin: odd, config: { list_fails: true } }
  local: { plugin: local, config: { state_dir: "STATE" } }
select: { default: local }
)");
    const auto name = workspace.create();
    const auto ended = workspace.berth({"ls", "-o", "name"});
    CHECK(ended.output == name + "\n");
    CHECK(ended.error.find("the backend does not answer") != std::string::npos);
    CHECK(ended.exit_code == 125);
}

TEST_CASE("hostile texts cannot drive the terminal") {
    const Workspace workspace;
    const auto table = workspace.berth({"ls", "--provider", "odd"});
    CHECK(table.output.find('\x1b') == std::string::npos);
    CHECK(lines_of(table.output).size() == 2);
    const auto sheet = workspace.berth({"inspect", "odd/box"});
    CHECK(sheet.output.find('\x1b') == std::string::npos);
    CHECK(sheet.output.find("\\x1b[2J") != std::string::npos);
    CHECK(json::parse(workspace.berth({"inspect", "-o", "json", "odd/box"}).output)["error"] == "\x1b[2J\nnew line");
}

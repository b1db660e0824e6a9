// A secret that a plugin was given is nowhere a person, another process or a file could show it, whatever the plugin
// does with it.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "berth_program.hpp"

using namespace berth_test;

namespace {

const std::string token = "c4nary-d8e1-55aa";

bool kernel_dumps_beside_the_program() {
    std::ifstream file("/proc/sys/kernel/core_pattern");
    std::string pattern;
    std::getline(file, pattern);
    return pattern == "core";
}

/// Files below a directory that hold the token, or are core dumps.
Words traces_below(const std::filesystem::path& directory) {
    Words found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        const auto name = entry.path().filename().string();
        const bool is_dump = name == "core" || name.starts_with("core.");
        if (is_dump || read_file(entry.path().string()).find(token) != std::string::npos)
            found.push_back(entry.path().string());
    }
    return found;
}

/// The plugin where it can take berth with it.
constexpr const char* in_process = R"(version: 1
plugins: { paths: ["PLUGINS", "TEST_PLUGINS"] }
providers:
  odd: { plugin: odd, run: in_process }
)";

Ended leak(const Workspace& workspace, const std::string& how, const std::string& secret) {
    Started started;
    started.variables = {{"ODD_TOKEN", secret}};
    started.directory = workspace.directory();
    return workspace.berth({"-vv", "exec", "odd/box", "--", "leak", how}, started);
}

}  // namespace

TEST_CASE("a plugin that logs, reports or shows its secret shows stars") {
    const Workspace workspace;
    for (const auto* how : {"log", "error", "progress"}) {
        CAPTURE(how);
        const auto ended = leak(workspace, how, token);
        CHECK(ended.output.find(token) == std::string::npos);
        CHECK(ended.error.find(token) == std::string::npos);
        if (std::string_view(how) != "progress") CHECK(ended.error.find("***") != std::string::npos);
    }
    const auto as_json = [&] {
        Started started;
        started.variables = {{"ODD_TOKEN", token}};
        return workspace.berth({"-o", "json", "exec", "odd/box", "--", "leak", "error"}, started);
    }();
    CHECK(as_json.error.find("INTERNAL") != std::string::npos);
    CHECK((as_json.output + as_json.error).find(token) == std::string::npos);
    CHECK(traces_below(workspace.directory()).empty());
}

TEST_CASE("a crash of a worker leaves no image of its memory either") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
    const rlimit all{before.rlim_max, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_CORE, &all) == 0);
    const Workspace workspace;
    const auto ended = leak(workspace, "crash", token);
    CHECK(ended.exit_code == 123);  // what the command did is not known
    CHECK(ended.error.find("was killed by signal 6 (Aborted)") != std::string::npos);
    CHECK((ended.output + ended.error).find(token) == std::string::npos);
    CHECK(traces_below(workspace.directory()).empty());
    REQUIRE(::setrlimit(RLIMIT_CORE, &before) == 0);
}

TEST_CASE("a crash leaves no image of a memory that holds a secret") {
    if (!kernel_dumps_beside_the_program()) {
        MESSAGE("the kernel keeps core dumps elsewhere on this machine; known_secrets_test looks at the switch alone");
        return;
    }
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
    if (before.rlim_max == 0) {
        MESSAGE("core dumps are forbidden to this user; known_secrets_test looks at the switch alone");
        return;
    }
    const rlimit all{before.rlim_max, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_CORE, &all) == 0);
    {
        const Workspace workspace;
        workspace.configure(in_process);
        CHECK(leak(workspace, "crash", token).exit_code == -SIGABRT);
        CHECK(traces_below(workspace.directory()).empty());
    }
    {
        // The same without a secret: here is what would have been left.
        const Workspace workspace;
        workspace.configure(in_process);
        CHECK(leak(workspace, "crash", "").exit_code == -SIGABRT);
        CHECK(traces_below(workspace.directory()).size() == 1);
    }
    REQUIRE(::setrlimit(RLIMIT_CORE, &before) == 0);
}

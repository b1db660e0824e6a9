// Completion, as bash asks for it.
#include <doctest/doctest.h>

#include <algorithm>

#include "berth_program.hpp"

using namespace berth_test;

namespace {

/// What bash would offer for these words, the last of them unfinished; `words` as COMP_WORDS has them.
Words bash_offers(const Workspace& workspace, const Words& words) {
    std::string script =
        "source <(\"$1\" completion bash); shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
        "_berth \"$1\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    Words arguments{"-c", script, "bash", berth_path(), berth_path()};
    arguments.insert(arguments.end(), words.begin(), words.end());
    Started how;
    how.variables = workspace.variables();
    how.directory = workspace.directory();
    Running running("/bin/bash", arguments, how);
    const auto ended = running.wait();
    INFO(ended.error);
    CHECK(ended.exit_code == 0);
    auto offered = lines_of(ended.output);
    std::sort(offered.begin(), offered.end());
    return offered;
}

}  // namespace

TEST_CASE("bash completes commands, flags and values") {
    const Workspace workspace;
    CHECK(bash_offers(workspace, {"re"}) == Words{"ready", "restart"});
    CHECK(bash_offers(workspace, {"snapshot", "c"}) == Words{"create"});
    CHECK(bash_offers(workspace, {"create", "--mem"}) == Words{"--memory"});
    CHECK(bash_offers(workspace, {"ls", "-o", "js"}) == Words{"json", "jsonl"});
    CHECK(bash_offers(workspace, {"ls", "--output", "=", "t"}) == Words{"table"});
}

TEST_CASE("bash completes names of providers, plugins and sandboxes, and files") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    workspace.file("some-file", "");
    CHECK(bash_offers(workspace, {"create", "--provider", ""}) == Words{"local", "odd"});
    CHECK(bash_offers(workspace, {"exec", "local/"}) == Words{sandbox});
    CHECK(bash_offers(workspace, {"exec", sandbox, ""}) == Words{""});
    CHECK(bash_offers(workspace, {"cp", "some"}) == Words{"some-file"});
    CHECK(bash_offers(workspace, {"cp", "some-file", "local/"}) == Words{sandbox + ":"});
    CHECK(bash_offers(workspace, {"plugin", "inspect", "od"}) == Words{"odd"});
}

TEST_CASE("the scripts of all shells are printed, and bash and zsh find no fault where they are installed") {
    const Workspace workspace;
    for (const auto* shell : {"bash", "zsh", "fish"}) {
        const auto ended = workspace.berth({"completion", shell});
        CHECK(ended.exit_code == 0);
        CHECK(ended.output.find("__complete") != std::string::npos);
    }
    const auto script = workspace.file("script", workspace.berth({"completion", "bash"}).output);
    Running running("/bin/bash", {"-n", script}, {.variables = workspace.variables()});
    CHECK(running.wait().exit_code == 0);
}

TEST_CASE("a configuration that is wrong does not disturb the shell") {
    const Workspace workspace;
    workspace.configure("not: [valid");
    const auto ended = workspace.berth({"__complete", "--", "exec", ""});
    CHECK(ended.exit_code == 0);
    CHECK(ended.output.empty());
    CHECK(ended.error.empty());
}

// Completion: what the last word could become.
#include "cli/completion.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace berth;
using namespace berth::cli;

namespace {

using Words = std::vector<std::string>;

bool holds(const CompletionAnswer& answer, const std::string& word) {
    return std::find(answer.candidates.begin(), answer.candidates.end(), word) != answer.candidates.end();
}

}  // namespace

TEST_CASE("commands and the words of groups") {
    CHECK(complete({"re"}).candidates == Words{"ready", "restart"});
    CHECK(holds(complete({""}), "snapshot"));
    CHECK_FALSE(holds(complete({""}), "__complete"));
    CHECK(complete({"snapshot", ""}).candidates == Words{"create", "restore", "ls", "rm"});
    CHECK(complete({"-o", "json", "plugin", "i"}).candidates == Words{"inspect"});
}

TEST_CASE("flags of the command and global ones") {
    CHECK(complete({"create", "--me"}).candidates == Words{"--memory"});
    CHECK(complete({"exec", "--ti"}).candidates == Words{"--timeout"});
    CHECK(complete({"--conf"}).candidates == Words{"--config"});
    CHECK(complete({"ls", "--memo"}).candidates.empty());
}

TEST_CASE("values of flags") {
    CHECK(complete({"ls", "-o", "j"}).candidates == Words{"json", "jsonl"});
    CHECK(complete({"create", "--network", ""}).candidates == Words{"none", "host", "outbound", "allow:"});
    CHECK(complete({"create", "--provider", "l"}).wanted == Completes::provider);
    const auto whole = complete({"ls", "--output=js"});
    CHECK(whole.before == "--output=");
    CHECK(whole.candidates == Words{"json", "jsonl"});
    const auto split = complete({"ls", "--output", "=", "js"});
    CHECK(split.before.empty());
    CHECK(split.candidates == Words{"json", "jsonl"});
    CHECK(complete({"ls", "--provider", "="}).wanted == Completes::provider);
    CHECK(complete({"create", "--name", "x"}).wanted == Completes::nothing);
}

TEST_CASE("sandboxes, files and shells where they belong") {
    CHECK(complete({"exec", "lo"}).wanted == Completes::sandbox);
    CHECK(complete({"exec", "lo"}).typed == "lo");
    CHECK(complete({"exec", "-w", "/x", "-i", ""}).wanted == Completes::sandbox);
    CHECK(complete({"exec", "local/a", ""}).wanted == Completes::nothing);
    CHECK(complete({"exec", "local/a", "--", "-"}).candidates.empty());
    CHECK(complete({"cp", "x", ""}).wanted == Completes::sandbox_or_file);
    CHECK(complete({"cp", "x", "y", ""}).wanted == Completes::nothing);
    CHECK(complete({"rm", "a/b", "c/d", ""}).wanted == Completes::sandbox);
    CHECK(complete({"completion", "z"}).candidates == Words{"zsh"});
    CHECK(complete({"cp", "local/a", ":", "/x"}).typed == "local/a:/x");
}

TEST_CASE("the configuration named on the line counts for its names") {
    const auto answer = complete({"--config", "/c", "--plugin-dir=/p", "exec", ""});
    CHECK(answer.configuration == "/c");
    CHECK(answer.plugin_directories == Words{"/p"});
}

TEST_CASE("nothing is offered after what is no command") {
    CHECK(complete({"frobnicate", ""}).candidates.empty());
    CHECK(complete({}).candidates == complete({""}).candidates);
}

// parse_line: which words are ours, which are the command's, and what wrong usage is told.
#include "cli/command_line.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

using Words = std::vector<std::string>;

std::string usage_error(Words words) {
    try {
        static_cast<void>(parse_line(std::move(words)));
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-X-01");
        return error.fields().message + " | " + error.fields().hint;
    }
    return "no error";
}

}  // namespace

TEST_CASE("what follows -- is the command's, byte for byte") {
    const auto line =
        parse_line({"run", "--memory", "1GiB", "--", "sh", "-c", "echo  $HOME", "--", "-e", "[a,b]", "", "{}"});
    REQUIRE(line.command != nullptr);
    CHECK(line.command->full_name() == "run");
    CHECK(line.values("memory") == Words{"1GiB"});
    CHECK(line.argv == Words{"sh", "-c", "echo  $HOME", "--", "-e", "[a,b]", "", "{}"});
}

TEST_CASE("without --, the first word after REF begins the command") {
    const auto line = parse_line({"exec", "-i", "-w", "/tmp", "local/a", "ls", "-o", "--help", "-w"});
    CHECK(line.words == Words{"local/a"});
    CHECK(line.argv == Words{"ls", "-o", "--help", "-w"});
    CHECK(line.has("interactive"));
    CHECK(line.values("workdir") == Words{"/tmp"});
    CHECK_FALSE(line.has("output"));
    CHECK_FALSE(line.has("help"));
}

TEST_CASE("run begins its command at the first word that is no flag and no flag's value") {
    const auto line = parse_line({"run", "-it", "-eA=1", "--name=x", "--keep", "true", "--keep"});
    CHECK(line.argv == Words{"true", "--keep"});
    CHECK(line.values("env") == Words{"A=1"});
    CHECK(line.values("name") == Words{"x"});
    CHECK(line.has("tty"));
    CHECK(line.count("keep") == 1);
}

TEST_CASE("values are taken whole, whatever they look like") {
    const auto line = parse_line({"create", "--setup", "[ -f x ]", "--setup", "{}", "--setup", "--keep", "-e",
                                  "A=[1,2]", "--name=", "-l", "", "--setup", "%%"});
    CHECK(line.values("setup") == Words{"[ -f x ]", "{}", "--keep", "%%"});
    CHECK(line.values("env") == Words{"A=[1,2]"});
    CHECK(line.values("name") == Words{""});
    CHECK(line.values("label") == Words{""});
}

TEST_CASE("a repeated flag takes one value each time and leaves words alone") {
    const auto line = parse_line({"env", "set", "--unset", "A", "local/a", "--unset", "B", "X=[1]", "Y="});
    CHECK(line.command->full_name() == "env set");
    CHECK(line.values("unset") == Words{"A", "B"});
    CHECK(line.words == Words{"local/a", "X=[1]", "Y="});
}

TEST_CASE("global flags stand before and after the command") {
    const auto line =
        parse_line({"-o", "json", "--plugin-dir", "/a", "ls", "--plugin-dir", "/b", "-vv", "--provider", "p"});
    CHECK(line.command->full_name() == "ls");
    CHECK(line.values("output") == Words{"json"});
    CHECK(line.values("plugin-dir") == Words{"/a", "/b"});
    CHECK(line.count("verbose") == 2);
    CHECK(line.values("provider") == Words{"p"});
}

TEST_CASE("after --, words of other commands are no flags") {
    const auto line = parse_line({"cp", "--", "-odd", "local/a:/x"});
    CHECK(line.words == Words{"-odd", "local/a:/x"});
    CHECK(parse_line({"rm", "a/1", "--", "-x", "--", "b/2"}).words == Words{"a/1", "-x", "--", "b/2"});
}

TEST_CASE("words that are command names are words") {
    const auto line = parse_line({"cp", "ls", "local/a:/ls"});
    CHECK(line.words == Words{"ls", "local/a:/ls"});
    CHECK(parse_line({"exec", "local/a", "exec", "ls"}).argv == Words{"exec", "ls"});
}

TEST_CASE("help and version stand alone or with a command") {
    CHECK(parse_line({"--help"}).command == nullptr);
    CHECK(parse_line({"--version"}).has("version"));
    const auto line = parse_line({"snapshot", "create", "--help"});
    CHECK(line.has("help"));
    CHECK(line.command->full_name() == "snapshot create");
    CHECK(parse_line({"exec", "-h"}).has("help"));
}

TEST_CASE("help is a command, too, of berth, a group and a command") {
    CHECK(parse_line({"help"}).has("help"));
    CHECK(parse_line({"help"}).command == nullptr);
    CHECK(parse_line({"-v", "help", "snapshot"}).group == "snapshot");
    const auto line = parse_line({"help", "snapshot", "create"});
    CHECK(line.has("help"));
    CHECK(line.command->full_name() == "snapshot create");
    CHECK_FALSE(parse_line({"run", "help"}).has("help"));
    CHECK(parse_line({"run", "help"}).argv == Words{"help"});
    CHECK(usage_error({"help", "rnu"}) == "unknown command \"rnu\" | did you mean `berth run`?");
}

TEST_CASE("wrong usage names the nearest command or flag") {
    CHECK(usage_error({"rnu", "--", "true"}) == "unknown command \"rnu\" | did you mean `berth run`?");
    CHECK(usage_error({"snapshot", "creat", "x"}) ==
          "unknown command \"snapshot creat\" | did you mean `berth snapshot create`?");
    CHECK(usage_error({"env", "zap"}) == "unknown command \"env zap\" | there are: env get and set");
    CHECK(usage_error({"frobnicate"}) == "unknown command \"frobnicate\" | `berth --help` lists the commands");
    CHECK(usage_error({"run", "--memroy", "1GiB", "--", "true"}) ==
          "unknown flag \"--memroy\" | did you mean --memory?");
    CHECK(usage_error({"run", "--memroy=1GiB", "--", "true"}) == "unknown flag \"--memroy\" | did you mean --memory?");
    CHECK(usage_error({"exec", "--zzzzzz"}) == "unknown flag \"--zzzzzz\" | `berth exec --help` explains it");
    CHECK(usage_error({"ls", "-x"}) == "unknown flag \"-x\" | `berth ls --help` explains it");
}

TEST_CASE("wrong usage says what is missing or too much") {
    CHECK(usage_error({}) == "no command given | `berth --help` lists the commands");
    CHECK(usage_error({"snapshot"}) == "`berth snapshot` needs one word more | there are: create, restore, ls and rm");
    CHECK(usage_error({"inspect"}) == "too few words for `berth inspect` | usage: berth inspect REF");
    CHECK(usage_error({"cp", "a"}) == "too few words for `berth cp` | usage: berth cp SRC DST");
    CHECK(usage_error({"rm", "--ignore-missing"}) == "too few words for `berth rm` | usage: berth rm REF...");
    CHECK(usage_error({"cp", "a", "b", "--", "c"}).starts_with("unexpected word \"c\""));
    CHECK(usage_error({"ls", "local/a"}) == "unexpected word \"local/a\" | `berth ls` takes no words besides flags");
    CHECK(usage_error({"inspect", "a/b", "c/d"}) == "unexpected word \"c/d\" | usage: berth inspect REF");
    CHECK(usage_error({"create", "--memory"}).starts_with("`berth create`: --memory"));
    CHECK(usage_error({"create", "--name", "a", "--name", "b"}).starts_with("`berth create`: --name"));
    CHECK(usage_error({"run", "--keep=false", "--", "true"}).starts_with("`berth run`: "));
}

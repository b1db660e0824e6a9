// `${env:NAME}` and `${file:PATH}`: taken apart, and what they point at.
#include "config/reference.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "../../support/scratch_folder.hpp"
#include "config_support.hpp"

using namespace berth;

namespace {

/// "l:text v:NAME f:path", or "refused".
std::string apart(std::string_view text) {
    const auto found = take_apart(text);
    if (!found.problem.empty()) return "refused";
    std::string result;
    for (const auto& part : found.parts) {
        if (!result.empty()) result += ' ';
        result += part.kind == TextPart::Kind::literal ? "l:" : part.kind == TextPart::Kind::variable ? "v:" : "f:";
        result += part.text;
    }
    return result;
}

}  // namespace

TEST_CASE("a text is literals and references") {
    CHECK(apart("") == "");
    CHECK(apart("plain $HOME $5 $") == "l:plain $HOME $5 $");
    CHECK(apart("${env:A_1}") == "v:A_1");
    CHECK(apart("a${env:B}c${file:/d e}") == "l:a v:B l:c f:/d e");
    CHECK(apart("$${env:A}") == "l:${env:A}");
    CHECK(apart("$$${env:A}") == "l:$${env:A}");
    CHECK(apart("$$$") == "l:$$$");
}

TEST_CASE("what looks like a reference has to be one") {
    for (const char* text : {"${", "${env:", "${env:}", "${env:1A}", "${env:A B}", "${file:}", "${HOME}", "${ENV:A}",
                             "a${}b", "${env:${env:A}}"})
        CHECK(apart(text) == "refused");
    CHECK(take_apart("${hunter2").problem.find("hunter2") == std::string::npos);
}

TEST_CASE("only a text that is nothing else is one reference") {
    CHECK(take_apart("${env:A}").is_one_reference());
    CHECK_FALSE(take_apart("${env:A}${env:B}").is_one_reference());
    CHECK_FALSE(take_apart(" ${env:A}").is_one_reference());
    CHECK_FALSE(take_apart("a").is_one_reference());
    CHECK_FALSE(take_apart("$${env:A}").has_reference());
    CHECK(take_apart("x${env:A}").has_reference());
}

TEST_CASE("paths start from home, or from the folder of the file") {
    const auto environment = test_environment();
    CHECK(expand_path("/a/../b", "/etc/berth", environment).text == "/b");
    CHECK(expand_path("x/y", "/etc/berth", environment).text == "/etc/berth/x/y");
    CHECK(expand_path("~/x", "/etc/berth", environment).text == "/home/me/x");
    CHECK(expand_path("a~", "/etc/berth", environment).text == "/etc/berth/a~");
    CHECK_FALSE(expand_path("~root/x", "/etc", environment).problem.empty());
    CHECK_FALSE(expand_path("", "/etc", environment).problem.empty());
    CHECK_FALSE(expand_path("~/x", "/etc", EnvironmentVariables()).problem.empty());
}

TEST_CASE("a file is read whole, without the newline at its end") {
    const berth_test::ScratchFolder folder("config");
    const auto text_of = [&folder](const std::string& content) {
        std::ofstream(folder.path / "f", std::ios::binary | std::ios::trunc) << content;
        return read_reference_file(folder.path / "f");
    };
    CHECK(text_of("secret\n").text == "secret");
    CHECK(text_of("two\n\n").text == "two\n");
    CHECK(text_of("none").text == "none");
    CHECK(text_of("").text == "");
    CHECK(text_of(std::string(64 * 1024, 'x')).problem == "");
    CHECK(text_of(std::string(64 * 1024 + 1, 'x')).problem.find("more than 64 KiB") != std::string::npos);
}

TEST_CASE("a file that is missing or no file is said, and nothing waits") {
    const berth_test::ScratchFolder folder("config");
    CHECK(read_reference_file(folder.path / "none").problem.find("No such file") != std::string::npos);
    CHECK(read_reference_file(folder.path).problem.find("not a regular file") != std::string::npos);
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    CHECK(read_reference_file(folder.path / "pipe").problem.find("not a regular file") != std::string::npos);
}

TEST_CASE("a variable that is not set is said, an empty one is empty") {
    CHECK(read_variable("NAME", test_environment()).text == "value");
    CHECK(read_variable("EMPTY", test_environment()).problem == "");
    CHECK(read_variable("OTHER", test_environment()).problem == "the environment variable OTHER is not set");
}

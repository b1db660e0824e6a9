// Help texts: every command and flag is explained.
#include "cli/help.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::cli;

TEST_CASE("the main help names every command that is not hidden, and the exit codes") {
    const auto text = main_help();
    for (const auto& command : commands()) {
        CAPTURE(command.full_name());
        const bool shown = text.find("\n  " + command.full_name() + " ") != std::string::npos;
        CHECK(shown == !command.hidden);
    }
    for (const auto* code : {"123", "124", "125", "128+N", "130"}) {
        CHECK(text.find(code) != std::string::npos);
    }
}

TEST_CASE("every command has a sentence, a usage line, its flags and an example") {
    for (const auto& command : commands()) {
        if (command.hidden) continue;
        CAPTURE(command.full_name());
        const auto text = command_help(command);
        CHECK(text.find("Usage: berth " + command.full_name()) != std::string::npos);
        CHECK(text.find("\nExample:\n  ") != std::string::npos);
        CHECK_FALSE(command.summary.empty());
        CHECK(command.summary.back() != '.');
        for (const auto& flag : command.flags) {
            CHECK(text.find("--" + std::string(flag.name)) != std::string::npos);
        }
    }
}

TEST_CASE("lines fit on a terminal") {
    const auto check = [](const std::string& text) {
        std::size_t begin = 0;
        while (begin < text.size()) {
            const auto end = text.find('\n', begin);
            CAPTURE(text.substr(begin, end - begin));
            CHECK(end - begin <= 110);
            begin = end + 1;
        }
    };
    check(main_help());
    for (const auto& command : commands()) {
        check(command_help(command));
    }
}

TEST_CASE("the help of one command, as a whole") {
    CHECK(command_help(*find_command("env", "set")) ==
          "Set variables for later commands.\n"
          "\n"
          "Usage: berth env set REF [K=V...]\n"
          "\n"
          "Flags:\n"
          "      --unset K  Remove a variable\n"
          "\n"
          "Example:\n"
          "  berth env set \"$ref\" LANG=C.UTF-8 --unset DEBUG\n"
          "\n"
          "Global flags and exit codes: berth --help\n");
}

TEST_CASE("the help of a group lists its commands") {
    CHECK(group_help("snapshot").find("Usage: berth snapshot COMMAND ...\n") != std::string::npos);
    CHECK(group_help("snapshot").find("  snapshot restore ") != std::string::npos);
    CHECK(group_help("snapshot").find("  run ") == std::string::npos);
}

// Lines of the log.
#include "service/log.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace berth;

namespace {

struct Fixture {
    std::vector<std::pair<LogLevel, std::string>> lines;
    Log log{LogLevel::info, [this](LogLevel level, std::string_view line) { lines.emplace_back(level, line); }};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a message is one line with its source and level") {
    log.write(LogLevel::warning, "acme", "first\nsecond\x1b[31m {} {0} \xff");
    log.write(LogLevel::error, "", "no source");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].first == LogLevel::warning);
    CHECK(lines[0].second == "acme: first\\nsecond\\x1b[31m {} {0} \\xff");
    CHECK(lines[1].first == LogLevel::error);
    CHECK(lines[1].second == "no source");
}

TEST_CASE_FIXTURE(Fixture, "what matters less than asked for is not written") {
    log.write(LogLevel::trace, "acme", "x");
    log.write(LogLevel::debug, "acme", "x");
    CHECK(lines.empty());
    log.write(LogLevel::info, "acme", "x");
    CHECK(lines.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "secrets are masked, also where a cut would go through them") {
    log.secrets().add("token-canary");
    log.write(LogLevel::info, "acme", "uses token-canary");
    CHECK(lines[0].second == "acme: uses ***");
    log.secrets().add("multi\nline-canary");
    log.write(LogLevel::info, "acme", "key multi\nline-canary");
    CHECK(lines[1].second == "acme: key ***");
    log.write(LogLevel::info, "acme", std::string(Log::longest_message - 5, 'x') + "token-canary");
    CHECK(lines[2].second.find("toke") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a long message is cut at a character and says so") {
    log.write(LogLevel::info, "", std::string(Log::longest_message - 1, 'x') + "\xc3\xa4 and more");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].second == std::string(Log::longest_message - 1, 'x') + "... (cut)");
}

TEST_CASE("a handler that throws, and no handler at all, harm nobody") {
    Log throwing(LogLevel::trace, [](LogLevel, std::string_view) { throw std::runtime_error("full"); });
    CHECK_NOTHROW(throwing.write(LogLevel::error, "acme", "x"));
    Log silent(LogLevel::trace, Log::Handler());
    CHECK_NOTHROW(silent.write(LogLevel::error, "acme", "x"));
}

TEST_CASE("many threads write whole lines") {
    std::vector<std::string> lines;
    Log log(LogLevel::trace, [&lines](LogLevel, std::string_view line) { lines.emplace_back(line); });
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&log] {
            for (int round = 0; round < 50; ++round)
                log.write(LogLevel::debug, "acme", "line");
        });
    }
    for (auto& writer : writers)
        writer.join();
    CHECK(lines == std::vector<std::string>(200, "acme: line"));
}

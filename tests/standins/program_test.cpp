// What the programs of all stand-ins do alike: what they say to people and to programs, and what they refuse.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>

#include "stand_in.hpp"

using namespace standin_test;

namespace {

struct Said {
    std::string text;
    int exit_code = -1;
};

/// With stdin at its end from the start.
Said run(const std::string& program, const std::string& words) {
    auto* pipe = ::popen((program + " " + words + " --end-with-input </dev/null 2>&1").c_str(), "r");
    Said said;
    char buffer[4096];
    while (const auto count = std::fread(buffer, 1, sizeof buffer, pipe)) {
        said.text.append(buffer, count);
    }
    said.exit_code = WEXITSTATUS(::pclose(pipe));
    return said;
}

void check_lines(const Said& said, const std::vector<std::string>& lines) {
    CHECK(said.exit_code == 0);
    for (const auto& line : lines) {
        CHECK_MESSAGE(said.text.find(line) != std::string::npos, line);
    }
}

const std::string programs[] = {VercelStandIn::program(), DaytonaStandIn::program()};

}  // namespace

TEST_CASE("it shows people what belongs into berth.yaml, and ends when told") {
    check_lines(run(VercelStandIn::program(), "--berth --token t0 --team team_x --project prj_x"),
                {"plugin: vercel\n", "api_url: \"http://127.0.0.1:", "api_token: \"${env:VERCEL_TOKEN}\"\n",
                 "team_id: team_x\n", "project_id: prj_x\n", "export VERCEL_TOKEN=t0\n"});
    check_lines(run(DaytonaStandIn::program(), "--berth --key k0"),
                {"plugin: daytona\n", "api_url: \"http://127.0.0.1:", "api_key: \"${env:DAYTONA_API_KEY}\"\n",
                 "export DAYTONA_API_KEY=k0\n"});
}

TEST_CASE("its first line is JSON for programs") {
    for (const auto& program : programs) {
        const auto said = run(program, "");
        CHECK(said.exit_code == 0);
        const auto about = Json::parse(said.text);
        CHECK(about["api_url"].get<std::string>().rfind("http://127.0.0.1:", 0) == 0);
        CHECK(about["control_url"].get<std::string>().rfind("http://127.0.0.1:", 0) == 0);
    }
}

TEST_CASE("wrong words are refused with what was wrong") {
    for (const auto& program : programs) {
        for (const auto& [words, wrong] : {std::pair("--port 70000", "70000"), std::pair("--port x", "x"),
                                           std::pair("--colour red", "--colour"), std::pair("extra", "extra")}) {
            const auto refused = run(program, words);
            CHECK(refused.exit_code == 2);
            CHECK_MESSAGE(refused.text.find(wrong) != std::string::npos, refused.text);
            CHECK(refused.text.find("--directory") != std::string::npos);  // and what there is
        }
    }
}

TEST_CASE("a port that is taken is an error") {
    const VercelStandIn stand_in;
    for (const auto& program : programs) {
        const auto taken = run(program, "--port " + std::to_string(stand_in.port()));
        CHECK(taken.exit_code == 1);
        CHECK(taken.text.find("_standin: ") != std::string::npos);
    }
}

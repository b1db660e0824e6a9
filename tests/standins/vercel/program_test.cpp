// The program itself: what it says to people, what it refuses, how it ends.
#include <sys/wait.h>

#include <cstdio>

#include "scene.hpp"

using namespace standin_test;

namespace {

struct Said {
    std::string text;
    int exit_code = -1;
};

/// With stdin at its end from the start.
Said run(const std::string& words) {
    auto* pipe = ::popen((VercelStandIn::program() + " " + words + " --end-with-input </dev/null 2>&1").c_str(), "r");
    Said said;
    char buffer[4096];
    while (const auto count = std::fread(buffer, 1, sizeof buffer, pipe)) {
        said.text.append(buffer, count);
    }
    said.exit_code = WEXITSTATUS(::pclose(pipe));
    return said;
}

}  // namespace

TEST_CASE("it shows people what belongs into berth.yaml, and ends when told") {
    const auto said = run("--berth --token t0 --team team_x --project prj_x");
    CHECK(said.exit_code == 0);
    for (const auto* line : {"plugin: vercel\n", "api_url: \"http://127.0.0.1:", "api_token: \"${env:VERCEL_TOKEN}\"\n",
                             "team_id: team_x\n", "project_id: prj_x\n", "export VERCEL_TOKEN=t0\n"}) {
        CHECK_MESSAGE(said.text.find(line) != std::string::npos, line);
    }
}

TEST_CASE("its first line is JSON for programs") {
    const auto said = run("");
    CHECK(said.exit_code == 0);
    const auto about = Json::parse(said.text);
    CHECK(about["api_url"].get<std::string>().rfind("http://127.0.0.1:", 0) == 0);
    CHECK(about["token"] == "standin-token");
}

TEST_CASE("wrong words are refused with what was wrong") {
    for (const auto& [words, said] : {std::pair("--port 70000", "70000"), std::pair("--port x", "x"),
                                      std::pair("--colour red", "--colour"), std::pair("extra", "extra")}) {
        const auto refused = run(words);
        CHECK(refused.exit_code == 2);
        CHECK_MESSAGE(refused.text.find(said) != std::string::npos, refused.text);
    }
    const Scene scene;
    const auto taken = run("--port " + std::to_string(scene.port()));
    CHECK(taken.exit_code == 1);
    CHECK(taken.text.find("vercel_standin: ") != std::string::npos);
}

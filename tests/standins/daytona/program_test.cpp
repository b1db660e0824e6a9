// The program itself: what it says to people and to programs, and that both its servers let in nobody without the key.
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
    auto* pipe = ::popen((DaytonaStandIn::program() + " " + words + " --end-with-input </dev/null 2>&1").c_str(), "r");
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
    const auto said = run("--berth --key k0");
    CHECK(said.exit_code == 0);
    for (const auto* line : {"plugin: daytona\n", "api_url: \"http://127.0.0.1:",
                             "api_key: \"${env:DAYTONA_API_KEY}\"\n", "export DAYTONA_API_KEY=k0\n"}) {
        CHECK_MESSAGE(said.text.find(line) != std::string::npos, line);
    }
}

TEST_CASE("wrong words are refused with what was wrong") {
    for (const auto& [words, said] : {std::pair("--port 70000", "70000"), std::pair("--colour red", "--colour")}) {
        const auto refused = run(words);
        CHECK(refused.exit_code == 2);
        CHECK_MESSAGE(refused.text.find(said) != std::string::npos, refused.text);
    }
}

TEST_CASE("the toolbox is at another port than the API, and both want the key") {
    const Scene scene;
    CHECK(scene.port() != scene.toolbox_port());
    const auto id = scene.sandbox("one");
    CHECK(scene.get("one")["toolboxProxyUrl"] == scene.about("toolbox_url"));
    CHECK(scene.toolbox(id, "GET", "/version").json()["version"] == "0.218.0");
    for (const auto& headers : {Headers(), Headers{{"authorization", "Bearer wrong"}}}) {
        RawClient api(scene.port());
        api.send("GET", "/api/sandbox", headers, "");
        const auto refused = api.receive();
        CHECK(refused.status == 401);
        CHECK(refused.json()["error"] == "Unauthorized");
        RawClient toolbox(scene.toolbox_port());
        toolbox.send("GET", Scene::toolbox_target(id, "/version"), headers, "");
        CHECK(toolbox.receive().status == 401);
    }
    CHECK(scene.toolbox("00000000-0000-4000-8000-000000000000", "GET", "/version").status == 401);
    CHECK(scene.toolbox("one", "GET", "/version").status == 401);  // a name is no id
}

TEST_CASE("a GET beside the API is answered by the dashboard") {
    const Scene scene;
    RawClient client(scene.port());
    client.send("GET", "/sandbox/one", scene.headers(), "");
    const auto page = client.receive();
    CHECK(page.status == 200);
    CHECK(page.header("content-type") == "text/html; charset=utf-8");
    CHECK(scene.call("GET", "/nonsense").json()["message"] == "Cannot GET /api/nonsense");
}

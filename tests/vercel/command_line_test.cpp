// The built `berth` on a Vercel that dies, hangs or talks nonsense: every command ends by itself with an error that says
// why, prints nothing that did not happen, and what was there before is still there. A hang is seen by the test's own limit.
#include <doctest/doctest.h>
#include <signal.h>

#include <array>

#include "berth_program.hpp"
#include "stand_in.hpp"

using berth_test::Ended;
using berth_test::Words;
using standin_test::Json;
using standin_test::StandIn;

namespace {

struct Scene {
    Scene() {
        workspace.configure(
            "version: 1\nplugins: { paths: [\"PLUGINS\"] }\nproviders:\n  vercel:\n    plugin: vercel\n"
            "    deadlines: { create: 2s, get: 1s, list: 1s, execute: 2s, execute_stream: 2s, destroy: 2s,\n"
            "      upload_files: 2s, download_files: 2s, get_resource_usage: 1s, restart: 2s }\n"
            "    config: { api_url: \"" +
            standin.api_url() + "\", token: \"${env:STAND_IN_TOKEN}\", team_id: \"" + standin.about("team_id") +
            "\", project_id: \"" + standin.about("project_id") + "\" }\n");
        sandbox = berth({"create", "-o", "name"}).output;
        sandbox.erase(sandbox.find_last_not_of('\n') + 1);
        REQUIRE(sandbox.rfind("vercel/", 0) == 0);
        REQUIRE(berth({"exec", sandbox, "--", "sh", "-c", "echo kept >file"}).exit_code == 0);
    }

    [[nodiscard]] Ended berth(const Words& words) const {
        berth_test::Started how;
        how.variables["STAND_IN_TOKEN"] = standin.about("token");
        return workspace.berth(words, how);
    }

    /// What Vercel does with every request from now on.
    void make_always(const Json& what) const {
        standin.fault({{"method", ""}, {"path", "**"}, {"times", -1}, {"what", what}});
    }

    /// Runs every command that talks to Vercel; each has to fail by itself and to say why in one of these words.
    void check_failures(const std::vector<std::string>& reasons) const {
        const auto file = workspace.file("sent", "new");
        for (const Words& words : {Words{"create"}, Words{"inspect", sandbox}, Words{"ls"}, Words{"stats", sandbox},
                                   Words{"restart", sandbox}, Words{"exec", sandbox, "--", "sh", "-c", "echo claimed"},
                                   Words{"cp", file, sandbox + ":file"},
                                   Words{"cp", sandbox + ":file", workspace.path("fetched")}, Words{"rm", sandbox}}) {
            const Ended ended = berth(words);
            CAPTURE(words.front());
            CAPTURE(ended.output);
            CAPTURE(ended.error);
            // Outcome unknown, over the deadline, or failed; by no signal and without a crash.
            CHECK((ended.exit_code >= 123 && ended.exit_code <= 125));
            CHECK(ended.output.find("claimed") == std::string::npos);
            CHECK(ended.output.find("vercel/") == std::string::npos);
            CHECK(ended.error.find("BERTH-") != std::string::npos);
            CHECK(std::any_of(reasons.begin(), reasons.end(), [&](const std::string& reason) {
                return ended.error.find(reason) != std::string::npos;
            }));
            CHECK(ended.error.find(standin.about("token")) == std::string::npos);
        }
        CHECK_FALSE(std::filesystem::exists(workspace.path("fetched")));
        CHECK(berth({"ready", sandbox}).exit_code != 0);
    }

    /// Vercel is itself again: nothing came, nothing went, nothing was changed.
    void check_unchanged() const {
        CHECK(berth({"exec", sandbox, "--", "cat", "file"}).output == "kept\n");
        CHECK(berth({"ls", "-o", "name"}).output == sandbox + "\n");
        CHECK(berth({"rm", sandbox}).exit_code == 0);
        CHECK(standin.state().at("bills") == Json{{"running_sessions", 0}, {"stored_bytes", 0}});
    }

    StandIn standin{STANDIN_PROGRAM};
    berth_test::Workspace workspace;
    std::string sandbox;
};

}  // namespace

TEST_CASE("on a Vercel that died every command says that it cannot be reached") {
    const Scene scene;
    ::kill(scene.standin.pid(), SIGKILL);
    // "Not answered": a create that failed takes back what it may have made, and when that fails, too, its words are lost.
    scene.check_failures({"cannot be reached", "was not answered"});
}

TEST_CASE("on a Vercel that hangs every command ends at its deadline") {
    const Scene scene;
    scene.make_always({{"hang", true}});
    scene.check_failures({"deadline"});
    scene.standin.clear_faults();
    scene.check_unchanged();
}

TEST_CASE("on a Vercel that talks nonsense every command says so") {
    const Scene scene;
    for (const Json& nonsense :
         {Json{{"garbage", 2000}}, Json{{"status", 200}, {"body", "{\"sandbox\": ["}},
          Json{{"status", 200}, {"body", std::string(1000, '[')}}, Json{{"status", 200}, {"body", "null"}}}) {
        CAPTURE(nonsense.dump());
        scene.make_always(nonsense);
        scene.check_failures({"cannot be understood", "lacks", "no NDJSON", "no file's content", "was not answered"});
        scene.standin.clear_faults();
    }
    scene.check_unchanged();
}

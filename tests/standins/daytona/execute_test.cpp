// Commands run at once, files' homes and what a daemon says of itself.
#include "scene.hpp"

using namespace standin_test;

TEST_CASE("a command is read by a shell from its standard input, and both outputs are mixed") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"env", {{"GREETING", "hi"}}}});
    const auto mixed = scene
                           .execute(id, "echo a; echo b >&2; echo c; echo $GREETING $A; pwd; exit 5",
                                    {{"envs", {{"A", "x y"}}}, {"cwd", "/tmp"}})
                           .json();
    CHECK(mixed["exitCode"] == 5);
    CHECK(mixed["result"] == "a\nb\nc\nhi x y\n/tmp\n");
    // Whoever reads the standard input reads the rest of the script.
    CHECK(scene.output(id, "cat\necho x") == "echo x\n");
    CHECK(scene.execute(id, "no_such_program").json()["exitCode"] == 127);
    CHECK(scene.execute(id, "kill -9 $$").json()["exitCode"] == 137);
}

TEST_CASE("when the time is over everything is killed, and 408 comes without any output") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    RawClient client(scene.toolbox_port());
    client.send("POST", Scene::toolbox_target(id, "/process/execute"), scene.headers(),
                Json{{"command", "echo $$ > started; echo written; sleep 1003"}, {"timeout", 5}}.dump());
    while (scene.execute(id, "cat started").json()["result"] == "" ||
           scene.execute(id, "cat started").json()["exitCode"] != 0) {
    }
    scene.advance(6000);
    const auto late = client.receive();
    CHECK(late.status == 408);
    CHECK(late.body.find("written") == std::string::npos);
    CHECK(late.json()["code"] == "PROCESS_EXECUTION_TIMEOUT");
    CHECK(late.json()["source"] == "DAYTONA_DAEMON");
    CHECK(late.json()["path"] == "/process/execute");
    while (scene.output(id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; true").find("sleep 1003") != std::string::npos) {
    }
}

TEST_CASE("what cannot be run is refused, or answered with -1") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.execute(id, "").status == 400);
    CHECK(scene.execute(id, "true", {{"timeout", -1}}).status == 400);
    CHECK(scene.execute(id, "true", {{"timeout", 1.5}}).status == 400);
    CHECK(scene.execute(id, "true", {{"envs", {{"1A", "x"}}}}).status == 400);
    const auto nowhere = scene.execute(id, "true", {{"cwd", "/none"}});
    CHECK(nowhere.status == 200);
    CHECK(nowhere.json()["exitCode"] == -1);
    CHECK(nowhere.json()["result"].get<std::string>().find("/none") != std::string::npos);
    CHECK(scene.output(id, "printf '\\377'") == "\xEF\xBF\xBD");
}

TEST_CASE("a daemon tells its version, folders and metrics") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    for (const auto* name : {"/work-dir", "/user-home-dir"}) {
        CHECK(scene.toolbox(id, "GET", name).json()["dir"] == "/home/daytona");
    }
    const auto metrics = scene.toolbox(id, "GET", "/system/metrics").json();
    CHECK(metrics["cpuCount"] == 1);
    CHECK(metrics["memTotal"] == std::int64_t{1} << 30U);
    CHECK(metrics["memUsed"] > 0);
    CHECK(metrics["diskTotal"] == std::int64_t{3} << 30U);
    CHECK(scene.toolbox(id, "GET", "/port").json()["ports"] == Json::array());
    CHECK(scene.toolbox(id, "GET", "/port/80/in-use").json()["isInUse"] == false);
}

TEST_CASE("the daemon's environment can be changed for what starts afterwards; a stop loses that, and sessions") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"env", {{"A", "first"}, {"B", "kept"}}}});
    scene.session(id, "s");
    CHECK(scene.toolbox(id, "POST", "/env", {{"set", {{"A", "second"}}}, {"unset", {"NONE"}}}).status == 200);
    CHECK(scene.toolbox(id, "POST", "/env", {{"set", {{"1", "x"}}}}).status == 400);
    CHECK(scene.output(id, "echo $A $B; echo left > file") == "second kept\n");
    CHECK(scene.run(id, "s", "echo $A").json()["stdout"] == "first\n");
    CHECK(scene.call("POST", "/sandbox/one/stop?force=false").status == 200);
    scene.await("one", "stopped");
    CHECK(scene.execute(id, "true").json()["message"] == "no IP address found. Is the Sandbox started?");
    CHECK(scene.call("POST", "/sandbox/one/start").status == 200);
    scene.await("one", "started");
    CHECK(scene.output(id, "echo $A; cat file") == "first\nleft\n");
    CHECK(scene.toolbox(id, "GET", "/process/session").json() == Json::array());
}

TEST_CASE("older daemons know neither metrics nor the environment") {
    const Scene scene;
    scene.behave({{"daemon_version", "0.190.0"}});
    const auto id = scene.sandbox("one");
    CHECK(scene.get("one")["daemonVersion"] == "0.190.0");
    for (const auto& [method, path] : {std::pair("GET", "/system/metrics"), std::pair("POST", "/env")}) {
        const auto unknown = scene.toolbox(id, method, path);
        CHECK(unknown.status == 404);
        CHECK(unknown.body == "404 page not found");
    }
    scene.behave({{"daemon_version", "0.199.0"}});
    CHECK(scene.toolbox(id, "GET", "/system/metrics").status == 200);
    CHECK(scene.toolbox(id, "POST", "/env").status == 404);
}

TEST_CASE("a sandbox may be started before its daemon answers") {
    const Scene scene;
    scene.behave({{"late_toolbox", 1}});
    const auto id = scene.sandbox("one");
    const auto early = scene.toolbox(id, "GET", "/version");
    CHECK(early.status == 502);
    CHECK(early.body == "");
    CHECK(scene.toolbox(id, "GET", "/version").status == 200);
}

TEST_CASE("with no work to do, every command ends at once with 0") {
    const Scene scene;
    scene.behave({{"work", "none"}});
    const auto id = scene.sandbox("one");
    CHECK(scene.execute(id, "exit 3").json() == Json{{"exitCode", 0}, {"result", ""}});
    scene.session(id, "s");
    CHECK(scene.exit_code(id, "s", scene.start(id, "s", "exit 3")) == 0);
    const auto wrapped = scene.start(id, "s", "echo \":x $x $y\"");
    CHECK(scene.logs(id, "s", wrapped)["stdout"] == ":p 7\n:x 0 \n");
    CHECK(scene.logs(id, "s", wrapped)["stderr"] == ":z\n");
}

TEST_CASE("with no work to do, logs may be long, on both streams, and the same for every command") {
    const Scene scene;
    scene.behave({{"work", "none"}, {"log_bytes", 200'000}, {"log_close_after_ms", 0}});
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto first = scene.start(id, "s", "true");
    const auto logs = scene.logs(id, "s", first);
    const auto said = [&](const char* stream) { return logs[stream].get<std::string>(); };
    CHECK(said("stdout").rfind(":p 7\n", 0) == 0);
    CHECK(said("stderr").size() > 90'000);
    CHECK(said("stdout").size() > 90'000);
    auto followed = scene.follow(id, "s", scene.start(id, "s", "true"));
    const auto whole = followed.receive_all();
    CHECK(whole.size() >= 200'000);
    CHECK(whole == said("output"));
    REQUIRE(scene.toolbox(id, "DELETE", "/process/session/s").status == 204);
    scene.session(id, "s");
    CHECK(scene.logs(id, "s", scene.start(id, "s", "true"))["output"] == whole);  // its files went, not the log itself
}

// Sessions: one real shell each, with everything that follows from that.
#include <sstream>

#include "scene.hpp"

using namespace standin_test;

TEST_CASE("a session's shell keeps folder and variables from one command to the next") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    CHECK(scene.run(id, "s", "cd /tmp; export A=1; f() { echo f$A; }").json()["exitCode"] == 0);
    const auto second = scene.run(id, "s", "pwd; f; echo wrong >&2; (exit 4)").json();
    CHECK(second["exitCode"] == 4);
    CHECK(second["stdout"] == "/tmp\nf1\n");
    CHECK(second["stderr"] == "wrong\n");
}

TEST_CASE("a command that ends its shell never has an exit code, and the session takes no more") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    int number = 0;
    for (const auto* text :
         {"echo before; exit 3", "echo before; exec true", "set -e; echo before; false; echo after"}) {
        const auto session = "s" + std::to_string(++number);
        scene.session(id, session);
        const auto command = scene.start(id, session, text);
        // The shell is gone when it takes no further command.
        while (
            scene
                .toolbox(id, "POST", "/process/session/" + session + "/exec", {{"command", "true"}, {"runAsync", true}})
                .status != 410) {
        }
        CHECK_FALSE(scene.command(id, session, command).contains("exitCode"));
        // What it wrote may still be on its way into the log when its shell is gone.
        while (scene.logs(id, session, command)["stdout"] == "") {
        }
        CHECK(scene.logs(id, session, command)["stdout"] == "before\n");
        const auto input = scene.toolbox(id, "POST", Scene::command_path(session, command) + "/input", {{"data", "x"}});
        CHECK(input.status == 410);
    }
}

TEST_CASE("a command in the background answers 202 with nulls, and has no exit code while it runs") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto reply = scene.toolbox(id, "POST", "/process/session/s/exec",
                                     {{"command", "read line; echo got $line; (exit 7)"}, {"runAsync", true}});
    CHECK(reply.status == 202);
    const auto answer = reply.json();
    for (const auto* name : {"output", "stdout", "stderr", "exitCode"}) {
        CHECK(answer.at(name).is_null());
    }
    const std::string command = answer["cmdId"];
    CHECK_FALSE(scene.command(id, "s", command).contains("exitCode"));
    // The newline is added, and without suppressInputEcho the input is in the log.
    CHECK(scene.toolbox(id, "POST", Scene::command_path("s", command) + "/input", {{"data", "yes"}}).status == 204);
    CHECK(scene.exit_code(id, "s", command) == 7);
    CHECK(scene.logs(id, "s", command)["stdout"] == "yes\ngot yes\n");
    CHECK(scene.toolbox(id, "POST", Scene::command_path("s", command) + "/input", {{"data", "x"}}).status == 410);
}

TEST_CASE("logs are whole lines behind markers: a last newline is added, NUL is dropped, other bytes pass") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto done = scene.run(id, "s", R"(printf 'a\0b\n\001x'; printf '\002\002' >&2)").json();
    CHECK(done["stdout"] == "ab\n\x01x\n");
    CHECK(done["stderr"] == "\x02\x02\n");
    CHECK(done["output"].get<std::string>().find("\x01\x01\x01"
                                                 "ab\n") != std::string::npos);
}

TEST_CASE("a session runs one command at a time, and one is running until its output is closed") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    CHECK(scene.output(id, "mkfifo /tmp/gate") == "");
    const auto first = scene.start(id, "s", "(read x < /tmp/gate; echo late) & echo early");
    const auto second = scene.start(id, "s", "echo second");
    while (scene.logs(id, "s", first)["stdout"] != "early\n") {
    }
    CHECK_FALSE(scene.command(id, "s", first).contains("exitCode"));
    CHECK(scene.logs(id, "s", second)["stdout"] == "");
    CHECK(scene.output(id, "echo go > /tmp/gate") == "");
    CHECK(scene.exit_code(id, "s", second) == 0);
    CHECK(scene.logs(id, "s", first)["stdout"] == "early\nlate\n");
}

TEST_CASE("the end of a session ends all that descends from it, the stubborn after a while, and its logs") {
    const Scene scene;
    scene.behave({{"kill_grace_ms", 100}});
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto command =
        scene.start(id, "s", "setsid sleep 1001 & trap '' TERM; echo ready; while :; do sleep 1002; done");
    while (scene.logs(id, "s", command)["stdout"] != "ready\n") {
    }
    CHECK(scene.toolbox(id, "DELETE", "/process/session/s").status == 204);
    CHECK(scene.toolbox(id, "GET", "/process/session/s").status == 404);
    CHECK(scene.toolbox(id, "GET", Scene::command_path("s", command) + "/logs").status == 404);
    const auto left = scene.output(id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; true");
    CHECK_MESSAGE(left.find("sleep 100") == std::string::npos, left);
}

TEST_CASE("sessions are listed with their commands; names are taken once") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    CHECK(scene.run(id, "s", "true").status == 200);
    const auto all = scene.toolbox(id, "GET", "/process/session").json();
    REQUIRE(all.size() == 1);
    CHECK(all[0]["sessionId"] == "s");
    CHECK(all[0]["commands"][0]["exitCode"] == 0);
    for (const auto* name : {"s", "entrypoint"}) {
        CHECK(scene.toolbox(id, "POST", "/process/session", {{"sessionId", name}}).status == 409);
    }
    CHECK(scene.toolbox(id, "GET", "/process/session/none").status == 404);
    CHECK(scene.run(id, "none", "true").status == 404);
    CHECK(scene.run(id, "s", "").status == 400);
}

TEST_CASE("older daemons answer an unknown session with 500, and a bad command with nothing but 400") {
    const Scene scene;
    scene.behave({{"daemon_version", "0.190.0"}});
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto unknown = scene.run(id, "none", "true");
    CHECK(unknown.status == 500);
    CHECK(unknown.json()["message"] == "failed to execute command: session not found");
    const auto bad = scene.run(id, "s", "");
    CHECK(bad.status == 400);
    CHECK(bad.body == "");
}

TEST_CASE("the form of answers is chosen by the client's version") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto command = scene.start(id, "s", "echo out; echo err >&2");
    CHECK(scene.exit_code(id, "s", command) == 0);
    const auto get = [&](const Headers& more) {
        Headers headers{{"authorization", "Bearer standin-key"}};
        headers.insert(headers.end(), more.begin(), more.end());
        RawClient client(scene.toolbox_port());
        client.send("GET", Scene::toolbox_target(id, Scene::command_path("s", command) + "/logs"), headers, "");
        return client.receive();
    };
    const auto has_markers = [](const Reply& reply) { return reply.body.find('\x01') != std::string::npos; };
    CHECK_FALSE(has_markers(get({})));
    CHECK(get({}).body.size() == 8);
    CHECK(has_markers(get({{"x-daytona-split-output", "true"}})));
    CHECK_FALSE(has_markers(get({{"x-daytona-sdk-version", "0.26.9"}})));
    CHECK(has_markers(get({{"x-daytona-sdk-version", "0.27.0"}})));
    CHECK(has_markers(get({{"x-daytona-sdk-version", "0.166.9"}})));
    CHECK(get({{"x-daytona-sdk-version", "0.167.0"}}).json()["stderr"] == "err\n");
    CHECK(get({{"x-daytona-sdk-version", "0.0.0-dev"}}).json()["stdout"] == "out\n");
}

TEST_CASE("an image's own program has its log, and where there is none there is no session of that name") {
    const Scene scene;
    const auto without = scene.sandbox("without");
    CHECK(scene.toolbox(without, "GET", "/process/session/entrypoint/logs").status == 404);
    scene.behave({{"entrypoint", "started\nready\n"}});
    const auto with = scene.sandbox("with");
    CHECK(scene.toolbox(with, "GET", "/process/session/entrypoint/logs").json()["stdout"] == "started\nready\n");
}

// Commands: streams, exit codes, detached ones, signals, accounts, what a session's end does to them.
#include "scene.hpp"

using namespace standin_test;

TEST_CASE("a waiting command streams its start, its output and its exit code") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto reply = scene.run(id, "echo out; echo err >&2; exit 3");
    CHECK(reply.status == 200);
    CHECK(reply.header("content-type") == "application/x-ndjson");
    CHECK(reply.complete);
    const auto lines = reply.lines();
    REQUIRE(lines.size() >= 4);
    CHECK(lines.front()["command"]["exitCode"].is_null());
    CHECK(lines.front()["command"]["sessionId"] == id);
    CHECK(output(reply) == "out\n");
    CHECK(output(reply, "stderr") == "err\n");
    CHECK(exit_code(reply) == 3);
    CHECK(lines.back()["command"]["durationMs"].is_number());
    CHECK(lines.back()["command"]["id"] == lines.front()["command"]["id"]);
}

TEST_CASE("without logs the stream has only the two command lines") {
    const Scene scene;
    auto body = Scene::waiting("echo out");
    body["logs"] = false;
    const auto reply = scene.call("POST", Scene::session(scene.sandbox("one"), "/cmd"), body);
    CHECK(reply.lines().size() == 2);
    CHECK(exit_code(reply) == 0);
}

TEST_CASE("a detached command is answered at once, waited for, and its logs begin at the beginning each time") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto started =
        scene.call("POST", Scene::session(id, "/cmd"), Scene::shell("echo first; read x < gate; echo $x; exit 4"));
    CHECK(started.json()["command"]["exitCode"].is_null());
    const std::string command = started.json()["command"]["id"];
    CHECK(scene.call("GET", Scene::session(id, "/cmd/" + command)).json()["command"]["id"] == command);
    // The gate is missing, so the shell goes on by itself.
    const auto ended = scene.call("GET", Scene::session(id, "/cmd/" + command + "?wait=true"));
    CHECK(ended.json()["command"]["exitCode"] == 4);
    for (int time = 0; time < 2; ++time) {
        const auto logs = scene.call("GET", Scene::session(id, "/cmd/" + command + "/logs"));
        CHECK(logs.header("content-type") == "application/x-ndjson");
        CHECK(output(logs) == "first\n\n");
        CHECK(exit_code(logs).is_null());
    }
}

TEST_CASE("logs of a running command stay open until it ends") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "mkfifo gate").status == 200);
    const auto command = scene.start(id, "echo begun; cat gate");
    auto client = scene.begin("GET", Scene::session(id, "/cmd/" + command + "/logs"));
    CHECK(client.receive_head().status == 200);
    CHECK(client.receive_piece().find("begun") != std::string::npos);
    CHECK(exit_code(scene.run(id, "echo opened > gate")) == 0);
    CHECK(client.receive_piece().find("opened") != std::string::npos);
    CHECK(client.receive_piece().empty());
}

TEST_CASE("commands are listed, the newest first") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto first = scene.start(id, "true");
    const auto second = scene.start(id, "true");
    const auto commands = scene.call("GET", Scene::session(id, "/cmd")).json()["commands"];
    REQUIRE(commands.size() == 2);
    CHECK(commands[0]["id"] == second);
    CHECK(commands[1]["id"] == first);
}

TEST_CASE("a signal ends a command, and its number is in the exit code") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto command = scene.start(id, "exec sleep 1000");
    CHECK(scene.call("POST", Scene::session(id, "/cmd/" + command + "/kill"), {{"signal", 15}}).status == 200);
    const auto ended = scene.call("GET", Scene::session(id, "/cmd/" + command + "?wait=true"));
    CHECK(ended.json()["command"]["exitCode"] == 143);
}

TEST_CASE("a signal reaches the process alone, or its group when a test says so") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const std::string path = "/cmd/";
    const auto script = "sleep 1000 & echo $! > child; wait";
    const auto child_lives = "until [ -s child ]; do :; done; kill -0 $(cat child)";
    const auto first = scene.start(id, script);
    CHECK(exit_code(scene.run(id, child_lives)) == 0);
    CHECK(scene.call("POST", Scene::session(id, path + first + "/kill"), {{"signal", 9}}).status == 200);
    CHECK(scene.call("GET", Scene::session(id, path + first + "?wait=true")).json()["command"]["exitCode"] == 137);
    CHECK(exit_code(scene.run(id, "kill -0 $(cat child) && rm child")) == 0);

    scene.behave({{"kill_reaches", "group"}});
    const auto second = scene.start(id, script);
    CHECK(exit_code(scene.run(id, child_lives)) == 0);
    CHECK(scene.call("POST", Scene::session(id, path + second + "/kill"), {{"signal", 9}}).status == 200);
    CHECK(exit_code(scene.run(id, "while kill -0 $(cat child); do :; done")) == 0);
}

TEST_CASE("a command's timeout kills it on the stand-in's clock") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    auto body = Scene::shell("exec sleep 1000");
    body["timeout"] = 60000;
    const std::string command = scene.call("POST", Scene::session(id, "/cmd"), body).json()["command"]["id"];
    scene.advance(60001);
    const auto ended = scene.call("GET", Scene::session(id, "/cmd/" + command + "?wait=true"));
    CHECK(ended.json()["command"]["exitCode"] == 137);
}

TEST_CASE("a command runs as the sandbox's user in its home, and with sudo as root") {
    const Scene scene;
    const auto id = scene.sandbox("one", {{"env", {{"FROM", "sandbox"}, {"BOTH", "sandbox"}}}});
    auto body = Scene::waiting("id -un; pwd; echo $HOME $FROM $BOTH; touch /opt/mine");
    body["env"] = {{"BOTH", "command"}};
    auto reply = scene.call("POST", Scene::session(id, "/cmd"), body);
    CHECK(output(reply) == "ubuntu\n/vercel\n/vercel sandbox command\n");
    CHECK(exit_code(reply) != 0);
    body["sudo"] = true;
    reply = scene.call("POST", Scene::session(id, "/cmd"), body);
    CHECK(output(reply) == "root\n/vercel\n/root sandbox command\n");
    CHECK(exit_code(reply) == 0);
}

TEST_CASE("no shell stands between: a program's arguments arrive as they are") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const Json body{{"command", "printf"}, {"args", {"%s|", "a b", "$HOME", "*", ""}}, {"wait", true}, {"logs", true}};
    CHECK(output(scene.call("POST", Scene::session(id, "/cmd"), body)) == "a b|$HOME|*||");
    const auto unknown = scene.call("POST", Scene::session(id, "/cmd"), {{"command", "nonesuch"}, {"wait", true}});
    CHECK(exit_code(unknown) == 127);
    const auto nowhere = scene.call("POST", Scene::session(id, "/cmd"), {{"command", "true"}, {"cwd", "/nowhere"}});
    CHECK(nowhere.status == 400);
    CHECK(nowhere.json()["error"]["message"].get<std::string>().find("cwd") != std::string::npos);
}

TEST_CASE("what a command left running is not ended by a broken pipe") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.run(id, "mkfifo gate").status == 200);
    const auto reply = scene.run(id, "(cat gate; echo written; echo done > result) & exit 0");
    CHECK(exit_code(reply) == 0);
    CHECK(exit_code(scene.run(id, "echo go > gate; until [ -s result ]; do :; done")) == 0);
}

TEST_CASE("a command can be made to last as long as what it left running can write") {
    const Scene scene;
    scene.behave({{"commands_end", "output"}});
    const auto id = scene.sandbox("one");
    CHECK(exit_code(scene.run(id, "mkfifo gate")) == 0);
    auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("(cat gate; echo late) & exit 3"));
    CHECK(client.receive_head().status == 200);
    CHECK(exit_code(scene.run(id, "echo go > gate")) == 0);
    std::string body;
    for (auto piece = client.receive_piece(); !piece.empty(); piece = client.receive_piece()) {
        body += piece;
    }
    CHECK(body.find("late") != std::string::npos);
    CHECK(body.find("\"exitCode\":3") != std::string::npos);
}

TEST_CASE("bodies that are wrong are refused with the member's name") {
    const Scene scene;
    const auto cmd = Scene::session(scene.sandbox("one"), "/cmd");
    const auto refused = [&](const Json& body, const std::string& name) {
        const auto reply = scene.call("POST", cmd, body);
        CHECK(reply.status == 400);
        CHECK(reply.code() == "bad_request");
        CHECK_MESSAGE(reply.json()["error"]["message"].get<std::string>().find(name) != std::string::npos, reply.body);
    };
    refused(Json::object(), "command");
    refused({{"command", 7}}, "command");
    refused({{"command", "true"}, {"args", "x"}}, "args");
    refused({{"command", "true"}, {"args", {1}}}, "args");
    refused({{"command", "true"}, {"env", {{"A", 1}}}}, "env");
    refused({{"command", "true"}, {"timeout", 99}}, "timeout");
    refused({{"command", "true"}, {"logs", true}}, "logs");
    refused({{"command", "true"}, {"stdin", "x"}}, "stdin");
}

TEST_CASE("a stop in the middle of a stream ends it with an error line, or early when a test says so") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    auto client = scene.begin("POST", Scene::session(id, "/cmd"), Scene::waiting("echo begun; exec sleep 1000"));
    CHECK(client.receive_head().status == 200);
    CHECK(client.receive_piece().find("\"command\"") != std::string::npos);
    CHECK(client.receive_piece().find("begun") != std::string::npos);
    CHECK(scene.stop(id).status == 200);
    CHECK(Json::parse(client.receive_piece())["data"]["code"] == "sandbox_stream_closed");
    CHECK(client.receive_piece().empty());

    scene.behave({{"stopped_streams_end", "early"}});
    const std::string again = scene.resume("one")["session"]["id"];
    auto second = scene.begin("POST", Scene::session(again, "/cmd"), Scene::waiting("exec sleep 1000"));
    CHECK(second.receive_head().status == 200);
    CHECK(second.receive_piece().find("\"command\"") != std::string::npos);
    CHECK(scene.stop(again).status == 200);
    CHECK(second.receive_piece().empty());
}

TEST_CASE("after the session's end its commands are gone") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto command = scene.start(id, "true");
    CHECK(scene.stop(id).status == 200);
    for (const auto* rest : {"", "/logs", "?wait=true"}) {
        const auto reply = scene.call("GET", Scene::session(id, "/cmd/" + command + rest));
        CHECK(reply.status == 410);
        CHECK(reply.code() == "sandbox_stopped");
    }
    CHECK(scene.call("GET", Scene::session("sbx_none", "/cmd/x")).status == 404);
    const std::string again = scene.resume("one")["session"]["id"];
    CHECK(scene.call("GET", Scene::session(again, "/cmd/" + command)).code() == "not_found");
}

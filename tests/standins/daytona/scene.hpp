// What the tests of the stand-in for Daytona share: a stand-in, and the short ways to a sandbox, its shells and their logs.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "stand_in.hpp"
#include "web_socket.hpp"

namespace standin_test {

class Scene : public DaytonaStandIn {
public:
    using DaytonaStandIn::DaytonaStandIn;

    [[nodiscard]] Json get(const std::string& name) const { return call("GET", "/sandbox/" + name).json(); }
    /// Asks until it is in that state; fails when it comes to rest in another one.
    void await(const std::string& name, const std::string& state) const {
        for (auto sandbox = get(name); sandbox.value("state", "gone") != state; sandbox = get(name)) {
            const auto now = sandbox.value("state", "gone");
            const bool rests = now == "gone" || now == "error" || now == "build_failed";
            REQUIRE_MESSAGE(!rests, sandbox.dump());
        }
    }
    /// Until there is none of that name or id.
    void await_gone(const std::string& name) const {
        while (call("GET", "/sandbox/" + name).status != 404) {
        }
    }
    /// Makes a sandbox with these members beside its name, waits until it is started, and gives its id.
    [[nodiscard]] std::string sandbox(const std::string& name, Json more = Json::object()) const {
        more["name"] = name;
        const auto reply = call("POST", "/sandbox", more);
        REQUIRE_MESSAGE(reply.status == 200, reply.body);
        await(name, "started");
        return reply.json()["id"];
    }
    [[nodiscard]] Reply execute(const std::string& id, const std::string& command, Json more = Json::object()) const {
        more["command"] = command;
        return toolbox(id, "POST", "/process/execute", more);
    }
    /// What it wrote, of a command that ended well.
    [[nodiscard]] std::string output(const std::string& id, const std::string& command) const {
        const auto reply = execute(id, command);
        CHECK_MESSAGE(reply.json()["exitCode"] == 0, reply.body);
        return reply.json()["result"];
    }
    void session(const std::string& id, const std::string& name) const {
        REQUIRE(toolbox(id, "POST", "/process/session", {{"sessionId", name}}).status == 201);
    }
    [[nodiscard]] Reply run(const std::string& id, const std::string& name, const std::string& command) const {
        return toolbox(id, "POST", "/process/session/" + name + "/exec", {{"command", command}});
    }
    /// Starts a command in the background and gives its id.
    [[nodiscard]] std::string start(const std::string& id, const std::string& name, const std::string& command) const {
        const auto reply = toolbox(id, "POST", "/process/session/" + name + "/exec",
                                   {{"command", command}, {"runAsync", true}, {"suppressInputEcho", true}});
        REQUIRE_MESSAGE(reply.status == 202, reply.body);
        return reply.json()["cmdId"];
    }
    [[nodiscard]] static std::string command_path(const std::string& name, const std::string& command) {
        return "/process/session/" + name + "/command/" + command;
    }
    [[nodiscard]] Json command(const std::string& id, const std::string& name, const std::string& command) const {
        return toolbox(id, "GET", command_path(name, command)).json();
    }
    /// Asks until it has an exit code.
    [[nodiscard]] int exit_code(const std::string& id, const std::string& name, const std::string& wanted) const {
        auto now = command(id, name, wanted);
        while (!now.contains("exitCode")) {
            REQUIRE(now.contains("id"));
            now = command(id, name, wanted);
        }
        return now["exitCode"];
    }
    [[nodiscard]] Json logs(const std::string& id, const std::string& name, const std::string& command) const {
        return toolbox(id, "GET", command_path(name, command) + "/logs").json();
    }
    [[nodiscard]] WebSocket follow(const std::string& id, const std::string& name, const std::string& command) const {
        return follow(id, name, command, headers());
    }
    [[nodiscard]] WebSocket follow(const std::string& id, const std::string& name, const std::string& command,
                                   const Headers& own) const {
        return {toolbox_port(), toolbox_target(id, command_path(name, command) + "/logs?follow=true"), own};
    }
};

}  // namespace standin_test

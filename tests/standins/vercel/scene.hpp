// What the tests of the stand-in for Vercel share: a stand-in, and the short ways to a sandbox and its commands.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "stand_in.hpp"

namespace standin_test {

class Scene : public VercelStandIn {
public:
    using VercelStandIn::VercelStandIn;

    /// Makes a sandbox with these members beside name and project, and gives its session's id.
    std::string sandbox(const std::string& name, Json more = Json::object()) const {
        more.update({{"projectId", about("project_id")}, {"ports", Json::array()}, {"name", name}});
        const auto reply = call("POST", "/v3/sandboxes", more);
        REQUIRE_MESSAGE(reply.status == 200, reply.body);
        return reply.json()["session"]["id"];
    }
    static std::string session(const std::string& id, const std::string& rest = "") {
        return "/v2/sandboxes/sessions/" + id + rest;
    }
    /// The record, without resuming.
    [[nodiscard]] Json get(const std::string& name) const { return call("GET", "/v2/sandboxes/" + name).json(); }
    [[nodiscard]] Json resume(const std::string& name) const {
        return call("GET", "/v2/sandboxes/" + name + "?resume=true").json();
    }
    static Json shell(const std::string& script) {
        return {{"command", "sh"}, {"args", {"-c", script}}, {"env", Json::object()}, {"sudo", false}};
    }
    static Json waiting(const std::string& script) {
        auto body = shell(script);
        body.update({{"wait", true}, {"logs", true}});
        return body;
    }
    [[nodiscard]] Reply run(const std::string& id, const std::string& script) const {
        return call("POST", session(id, "/cmd"), waiting(script));
    }
    /// Starts a command in the background and gives its id.
    [[nodiscard]] std::string start(const std::string& id, const std::string& script) const {
        return call("POST", session(id, "/cmd"), shell(script)).json()["command"]["id"];
    }
    [[nodiscard]] Reply read(const std::string& id, const std::string& path) const {
        return call("POST", session(id, "/fs/read"), {{"path", path}});
    }
    Reply stop(const std::string& id) const { return call("POST", session(id, "/stop")); }
};

/// What a stream said on stdout, or on `stream`.
inline std::string output(const Reply& reply, const std::string& stream = "stdout") {
    std::string text;
    for (const auto& line : reply.lines()) {
        if (line.value("stream", "") == stream) text += line["data"].get<std::string>();
    }
    return text;
}

/// The exit code of the last line, or null.
inline Json exit_code(const Reply& reply) {
    const auto lines = reply.lines();
    if (lines.empty() || !lines.back().contains("command")) return nullptr;
    return lines.back()["command"]["exitCode"];
}

}  // namespace standin_test

// A Daytona that is scripted: answers as JSON texts, and a sandbox that runs. For tests of daytona.so over the fake host.
#pragma once

#include <berth/provider.hpp>
#include <berth/testing.hpp>
#include <string>

#include "cloud/text.hpp"

namespace scripted {

using berth::testing::FakeHost;
using berth::testing::SandboxRequest;

inline const std::string api = "/api/sandbox";
inline const std::string box = "/toolbox/sb-1";  // of the sandbox sb-1, on another server than the API

/// The id that create makes of this idempotency key.
inline std::string id_for(const std::string& key) {
    return "berth-" + berth_cloud::digest("test\n" + key);
}

inline const std::string id = id_for("key");
inline const std::string named = api + "/" + id;
inline const std::string by_id = api + "/sb-1";

inline SandboxRequest keyed() {
    SandboxRequest request;
    request.idempotency_key = "key";
    return request;
}

struct Shown {
    std::string state = "started";
    std::string backend_id = "sb-1";
    int generation = 1;
    std::string more;  // members, each with a comma before it
    std::string labels;
};

inline std::string sandbox(const Shown& shown = {}) {
    return R"({"id":")" + shown.backend_id + R"(","name":"n","state":")" + shown.state +
           R"(","createdAt":"2026-01-02T03:04:05.678Z","toolboxProxyUrl":"https://box.example/toolbox","labels":{)"
           R"("berth":"test","berth-key":"key","berth-id":")" +
           id + R"(","berth-generation":")" + std::to_string(shown.generation) + "\"" + shown.labels + "}" +
           shown.more + "}";
}

inline std::string page(const std::string& items) {
    return R"({"items":[)" + items + R"(],"nextCursor":null})";
}

inline std::string complaint(const std::string& message) {
    return R"({"statusCode":400,"error":"Bad Request","message":")" + message + "\"}";
}

inline void configure(FakeHost& host) {
    host.setting("/api_url", std::string{"https://d.example/api"})
        .setting("/auto_stop_minutes", std::int64_t{15})
        .secret("/api_key", "s3cret-key-value");
    host.http().on("GET", api).reply(200, page(""));  // no other generation
}

/// A sandbox that runs and whose toolbox answers.
inline void ready(FakeHost& host) {
    configure(host);
    host.http().on("GET", named).reply(200, sandbox());
    host.http().on("GET", by_id).reply(200, sandbox());
    host.http().on("GET", box + "/version").reply(200, R"({"version":"0.218.0"})");
    host.http().on("GET", box + "/work-dir").reply(200, R"({"dir":"/home/daytona"})");
}

inline const std::string sessions = box + "/process/session";
inline const std::string exec = sessions + "/*/exec";
inline const std::string command = sessions + "/*/command/*";
inline const std::string logs = command + "/logs";

inline std::string labelled(berth::Stream stream, const std::string& lines) {
    std::string text;
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = lines.find('\n', at) + 1;
        text += (stream == berth::Stream::out ? "\001\001\001" : "\002\002\002") + lines.substr(at, end - at);
        at = end;
    }
    return text;
}

/// What the wrapper leaves in a command's log around this output.
inline std::string log_of(const std::string& output, int status = 0) {
    using berth::Stream;
    return labelled(Stream::out, ":p 42\n" + berth_cloud::base64(output) + "\n") + labelled(Stream::err, ":z\n") +
           labelled(Stream::out, ":x " + std::to_string(status) + " \n");
}

inline std::string answered_log(const std::string& output, int status = 0) {
    return R"({"output":"","stdout":":p 42\n)" + berth_cloud::base64(output) + R"(\n:x )" + std::to_string(status) +
           R"( \n","stderr":":z\n"})";
}

/// A command that is taken, heard over one socket in one message, and known by its exit code.
inline void runs_commands(FakeHost& host, const std::string& output, int status = 0) {
    ready(host);
    host.http().on("POST", sessions).reply(201);
    host.http().on("POST", exec).reply(202, R"({"cmdId":"cmd-1"})");
    host.http().on("DELETE", sessions + "/*").reply(204);
    host.http().on("GET", command).reply(200, R"({"id":"cmd-1","exitCode":)" + std::to_string(status) + "}");
    host.http().on("GET", logs).reply(200, answered_log(output, status));
    host.websockets().on(logs) = {{berth::MessageKind::binary, log_of(output, status)}};
}

inline std::size_t count(FakeHost& host, std::string_view method, std::string_view part_of_path) {
    std::size_t found = 0;
    for (const auto& request : host.http().requests)
        if (request.method == method && request.url.find(part_of_path) != std::string::npos) ++found;
    return found;
}

/// How often a command was sent.
inline std::size_t commands_sent(FakeHost& host) {
    std::size_t found = 0;
    for (const auto& request : host.http().requests)
        if (request.method == "POST" && request.url.size() > 5 && request.url.substr(request.url.size() - 5) == "/exec")
            ++found;
    return found;
}

}  // namespace scripted

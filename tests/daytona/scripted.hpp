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

inline void configure(FakeHost& host) {
    host.setting("/api_url", std::string{"https://d.example/api"})
        .setting("/auto_stop_minutes", std::int64_t{15})
        .secret("/api_key", "s3cret-key-value");
}

/// The id that create makes of this idempotency key.
inline std::string id_for(const std::string& key) {
    return "berth-" + berth_cloud::digest("test\n" + key);
}

inline const std::string id = id_for("key");
inline const std::string named = api + "/" + id;
inline const std::string one = api + "/sb-1";

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

/// A sandbox that runs and whose toolbox answers.
inline void ready(FakeHost& host) {
    configure(host);
    host.http().on("GET", named).reply(200, sandbox());
    host.http().on("GET", one).reply(200, sandbox());
    host.http().on("GET", box + "/version").reply(200, R"({"version":"0.218.0"})");
    host.http().on("GET", box + "/work-dir").reply(200, R"({"dir":"/home/daytona"})");
}

inline std::size_t count(FakeHost& host, std::string_view method, std::string_view part_of_path) {
    std::size_t found = 0;
    for (const auto& request : host.http().requests)
        if (request.method == method && request.url.find(part_of_path) != std::string::npos) ++found;
    return found;
}

}  // namespace scripted

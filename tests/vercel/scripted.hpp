// A Vercel that is scripted: answers as JSON texts, and a sandbox that runs. For tests of vercel.so over the fake host.
#pragma once

#include <berth/provider.hpp>
#include <berth/testing.hpp>
#include <string>

#include "cloud/text.hpp"

namespace scripted {

using berth::testing::FakeHost;

inline const std::string base = "/api/v2/sandboxes";
inline const std::string session = base + "/sessions/sbx_1";

inline void configure(FakeHost& host) {
    host.setting("/api_url", std::string{"https://v.example/api"})
        .setting("/team_id", std::string{"team_1"})
        .setting("/project_id", std::string{"prj_1"})
        .setting("/persistent", true)
        .setting("/snapshot_expiration_days", std::int64_t{7})
        .secret("/token", "s3cret-token-value");
}

/// The id that create makes of this idempotency key.
inline std::string id_for(const std::string& key) {
    return "berth-" + berth_cloud::digest("test\n" + key);
}

inline std::string sandbox(const std::string& id, const std::string& key, const std::string& status = "running",
                           const std::string& session_id = "sbx_1", const std::string& snapshot = "") {
    return R"({"sandbox":{"name":")" + id + R"(","status":")" + status + R"(","persistent":true,"currentSessionId":")" +
           session_id + R"(","createdAt":1700000000000,)" +
           (snapshot.empty() ? "" : R"("currentSnapshotId":")" + snapshot + R"(",)") +
           R"("tags":{"berth":"test","berth-key":")" + key + R"("}},"session":{"id":")" + session_id +
           R"(","status":")" + status + R"(","cwd":"/vercel","memory":4096,"vcpus":2}})";
}

inline std::string out_line(const std::string& text) {
    std::string escaped;
    for (const char c : text)
        escaped += c == '\n' ? std::string{"\\n"} : std::string(1, c);
    return R"({"stream":"stdout","data":")" + escaped + "\"}\n";
}

/// What the wrapper prints around this output.
inline std::string stream_of(const std::string& output, int status = 0) {
    return R"({"command":{"id":"cmd_1","exitCode":null}})"
           "\n" +
           out_line(":p 42\n") + out_line(berth_cloud::base64(output) + "\n") +
           out_line(":x " + std::to_string(status) + " \n") + R"({"stream":"stderr","data":":z\n"})" + "\n" +
           R"({"command":{"id":"cmd_1","exitCode":0}})"
           "\n";
}

inline const berth::Variables lines{{"content-type", "application/x-ndjson"}};
inline const std::string command = R"({"command":{"id":"cmd_2","exitCode":null}})";

/// How often a command that the caller asked for was sent: our own small ones are not waited for with its wrapper.
inline std::size_t commands_sent(FakeHost& host) {
    std::size_t count = 0;
    for (const auto& request : host.http().requests)
        if (request.method == "POST" && request.body.find("mkfifo") != std::string::npos) ++count;
    return count;
}

inline std::string error(const std::string& code, const std::string& message = "no") {
    return R"({"error":{"code":")" + code + R"(","message":")" + message + R"("}})";
}

}  // namespace scripted

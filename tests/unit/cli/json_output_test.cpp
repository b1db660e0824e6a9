// JSON of errors and sandboxes, exactly.
#include "cli/json_output.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::cli;

namespace {
constexpr Diagnostic upload{"BERTH-F-01", Code::file_not_found};
}

TEST_CASE("an error has every key, null where nothing is known") {
    CHECK(compact(json_of(Error(upload, "no such file", "look again"))) ==
          R"({"code":"FILE_NOT_FOUND","diagnostic":"BERTH-F-01","message":"no such file","provider":null,"op":null,)"
          R"("sandbox":null,"path":null,"index":null,"details":{},"retryable":false,"retry_after_ms":null,)"
          R"("outcome":"none","hint":"look again","upstream_code":null,"request_id":null})"
          "\n");
}

TEST_CASE("an error says all it knows, bytes as base64") {
    ErrorFields fields;
    fields.message = "rate";
    fields.location = "/etc/berth.yaml:1:2";
    fields.provider = "p";
    fields.operation = "create";
    fields.sandbox = "s";
    fields.path = std::string("\xff\x00", 2);
    fields.index = 0;
    fields.details = {{"exit_code", "7"}, {"output", "\xfe"}};
    fields.retry_after = std::chrono::milliseconds(1500);
    fields.outcome = Outcome::none;
    fields.upstream_code = "429";
    fields.upstream_request_id = "r1";
    const auto json = json_of(Error(upload, Code::rate_limited, fields));
    CHECK(json["code"] == "RATE_LIMITED");
    CHECK(json["path"] == Json{{"base64", "/wA="}});
    CHECK(json["index"] == 0);
    CHECK(json["details"] == Json{{"exit_code", "7"}, {"output", {{"base64", "/g=="}}}});
    CHECK(json["retryable"] == true);
    CHECK(json["retry_after_ms"] == 1500);
    CHECK(json["location"] == "/etc/berth.yaml:1:2");
    CHECK(json["upstream_code"] == "429");
    CHECK(json["request_id"] == "r1");
}

TEST_CASE("a sandbox keeps absent apart from zero") {
    SandboxInfo info;
    info.provider = "local";
    info.id = "x";
    info.state = SandboxState::ready;
    info.environment.env = {{"A", "\xff"}};
    info.environment.memory_limit_mib = 0;
    info.usage = ResourceUsage{};
    info.usage->disk_bytes = 0;
    const auto json = json_of(info);
    CHECK(json["full_name"] == "local/x");
    CHECK(json["status"] == "ready");
    CHECK(json["created_at"] == "1970-01-01T00:00:00.000Z");
    CHECK(json["last_used_at"].is_null());
    CHECK(json["environment"]["env"] == Json{{"A", {{"base64", "/w=="}}}});
    CHECK(json["environment"]["memory_limit_mib"] == 0);
    CHECK(json["environment"]["timeout_ms"].is_null());
    CHECK(json["usage"]["disk_bytes"] == 0);
    CHECK(json["usage"]["memory_bytes"].is_null());
}

TEST_CASE("nothing a plugin says makes JSON fail") {
    Variables labels{{"\xff", "x"}};
    CHECK(compact(json_of(labels)) == "{\"\\\\xff\":\"x\"}\n");
    ResourceUsage usage;
    usage.cpu_percent = std::numeric_limits<double>::quiet_NaN();
    CHECK(json_of(usage)["cpu_percent"].is_null());
}

TEST_CASE("no character that a terminal obeys is left in what is printed") {
    const Json value{{"text",
                      "a\xc2\x9b"
                      "2J\x7f"
                      "b\xc2\x80\xc2\xa0\x1b[1m"}};
    const auto line = compact(value);
    CHECK(line == "{\"text\":\"a\\u009b2J\\u007fb\\u0080\xc2\xa0\\u001b[1m\"}\n");
    CHECK(Json::parse(line) == value);
    CHECK(Json::parse(pretty(value)) == value);
    CHECK(pretty(value).find('\x7f') == std::string::npos);
}

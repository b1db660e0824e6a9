// What a plugin gets from `berth_host`.
#include "service/host_services.hpp"
#include "fake_call.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace berth;
using berth_test::FakeCall;

namespace {

struct CollectingSink {
    CollectingSink() : face{sizeof face, 0, this, &write} {}
    static berth_status write(berth_bytes_sink* sink, berth_bytes bytes) {
        auto& self = *static_cast<CollectingSink*>(sink->host_data);
        if (self.throws) throw 42;
        self.seen.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
        return self.answer;
    }
    berth_bytes_sink face;
    std::string seen;
    berth_status answer = BERTH_OK;
    bool throws = false;
};

berth_str text(std::string_view view) {
    return {view.data(), view.size()};
}

std::string string_of(berth_str view) {
    return view.data == nullptr ? "(absent)" : std::string(view.data, view.size);
}

Settings example_settings() {
    Settings settings;
    settings.values = {{"port", 8080},
                       {"ratio", 0.5},
                       {"on", true},
                       {"nothing", nullptr},
                       {"big", std::numeric_limits<std::uint64_t>::max()},
                       {"git", {{"us/er~", "me"}, {"empty", ""}}},
                       {"regions", {"fra1", "iad1"}}};
    settings.secrets["/token"] = {SecretSource::Kind::variable, "ACME_TOKEN", "${env:ACME_TOKEN}", "berth.yaml:4:7"};
    settings.secrets["/gone"] = {SecretSource::Kind::variable, "NOT_SET", "${env:NOT_SET}", "berth.yaml:5:7"};
    return settings;
}

struct Fixture {
    std::string lines;
    std::shared_ptr<Log> log = std::make_shared<Log>(
        LogLevel::trace, [this](LogLevel, std::string_view line) { lines += std::string(line) + "\n"; });
    HostServices services{"acme", example_settings(),
                          EnvironmentVariables(EnvironmentVariables::Variables{{"ACME_TOKEN", "token-canary"}}), log};
    const berth_host* host = services.face();
    FakeCall call;
    CollectingSink sink;

    berth_setting setting(std::string_view pointer, berth_status expected = BERTH_OK) {
        berth_setting value{};
        value.size = sizeof value;
        CHECK(host->settings->get(host, text(pointer), &value) == expected);
        return value;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the host says who it is") {
    CHECK(host->size == sizeof(berth_host));
    CHECK(host->minor == BERTH_CONTRACT_MINOR);
    CHECK(string_of(host->provider_name) == "acme");
}

TEST_CASE_FIXTURE(Fixture, "settings have their pointer, kind and value") {
    CHECK(setting("/port").kind == BERTH_SETTING_INTEGER);
    CHECK(setting("/port").integer == 8080);
    CHECK(setting("/port").number == 8080.0);
    CHECK(setting("/ratio").kind == BERTH_SETTING_NUMBER);
    CHECK(setting("/ratio").number == 0.5);
    CHECK(setting("/on").boolean == 1);
    CHECK(setting("/nothing").kind == BERTH_SETTING_NULL);
    CHECK(setting("/big").kind == BERTH_SETTING_NUMBER);
    CHECK(setting("/git").kind == BERTH_SETTING_MAP);
    CHECK(setting("/git").integer == 2);
    CHECK(string_of(setting("/git/us~1er~0").text) == "me");
    CHECK(string_of(setting("/git/empty").text).empty());
    CHECK(string_of(setting("/port").text) == "(absent)");
    CHECK(setting("/regions").integer == 2);
    CHECK(string_of(setting("/regions/1").text) == "iad1");
    CHECK(setting("").kind == BERTH_SETTING_MAP);
    (void)setting("/none", BERTH_END);
    (void)setting("/token", BERTH_END);
}

TEST_CASE_FIXTURE(Fixture, "settings can be walked, parents before children") {
    std::vector<std::string> pointers;
    berth_setting value{};
    value.size = sizeof value;
    for (std::uint64_t index = 0; host->settings->at(host, index, &value) == BERTH_OK; ++index)
        pointers.push_back(string_of(value.pointer));
    CHECK(pointers == std::vector<std::string>{"", "/big", "/git", "/git/empty", "/git/us~1er~0", "/nothing", "/on",
                                               "/port", "/ratio", "/regions", "/regions/0", "/regions/1"});
    CHECK(host->settings->at(host, std::numeric_limits<std::uint64_t>::max(), &value) == BERTH_END);
}

TEST_CASE_FIXTURE(Fixture, "a setting without room is refused") {
    berth_setting value{};
    value.size = sizeof value - 8;
    CHECK(host->settings->get(host, text("/port"), &value) == BERTH_CONTRACT);
    CHECK(host->settings->get(host, text("/port"), nullptr) == BERTH_CONTRACT);
    CHECK(host->settings->get(host, berth_str{nullptr, 9}, &value) == BERTH_CONTRACT);
}

TEST_CASE_FIXTURE(Fixture, "a secret is read when asked for, and then masked in the log") {
    log->write(LogLevel::info, "", "before token-canary");
    CHECK(host->secrets->get(host, &call.face, text("/token"), &sink.face) == BERTH_OK);
    CHECK(sink.seen == "token-canary");
    host->log(host, BERTH_LOG_DEBUG, text("after token-canary"));
    CHECK(lines == "before token-canary\nacme: after ***\n");
}

TEST_CASE_FIXTURE(Fixture, "a secret that is not configured is END, one that cannot be read AUTH_FAILED") {
    CHECK(host->secrets->get(host, &call.face, text("/other"), &sink.face) == BERTH_END);
    CHECK_FALSE(call.failure);
    CHECK(host->secrets->get(host, &call.face, text("/gone"), &sink.face) == BERTH_AUTH_FAILED);
    REQUIRE(call.failure);
    CHECK(std::string(call.failure->what()).find("NOT_SET") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "after a cancel no secret is handed out") {
    call.is_stopped = true;
    CHECK(host->secrets->get(host, &call.face, text("/token"), &sink.face) == BERTH_CANCELLED);
    CHECK(sink.seen.empty());
}

TEST_CASE_FIXTURE(Fixture, "a misused secrets service harms nobody") {
    CHECK(host->secrets->get(host, nullptr, text("/token"), &sink.face) == BERTH_CONTRACT);
    CHECK(host->secrets->get(host, &call.face, text("/token"), nullptr) == BERTH_CONTRACT);
    CHECK(call.failure->diagnostic() == "BERTH-S-02");
    sink.face.size = 8;
    CHECK(host->secrets->get(host, &call.face, text("/token"), &sink.face) == BERTH_CONTRACT);
    sink.face.size = sizeof sink.face;
    sink.throws = true;
    CHECK(host->secrets->get(host, &call.face, text("/token"), &sink.face) == BERTH_INTERNAL);
    CHECK(call.failure->diagnostic() == "BERTH-S-03");
    sink.throws = false;
    sink.answer = BERTH_UNAVAILABLE;
    CHECK(host->secrets->get(host, &call.face, text("/token"), &sink.face) == BERTH_INTERNAL);
}

TEST_CASE_FIXTURE(Fixture, "the log takes any level and any text") {
    host->log(host, 99, text("odd level"));
    host->log(host, BERTH_LOG_ERROR, berth_str{nullptr, 500});
    CHECK(lines == "acme: odd level\nacme: \n");
}

TEST_CASE_FIXTURE(Fixture, "services that this host lacks say which one it was") {
    std::uint64_t revision = 0;
    const auto* const state = host->state;
    const auto* const http = host->http;
    const auto* const websocket = host->websocket;
    SUBCASE("state") {
        CHECK(state->get(host, &call.face, text("k"), &sink.face, &revision) == BERTH_UNSUPPORTED);
        CHECK(state->put(host, &call.face, text("k"), {}, 0, &revision) == BERTH_UNSUPPORTED);
        CHECK(state->remove(host, &call.face, text("k"), 0) == BERTH_UNSUPPORTED);
        CHECK(state->list(host, &call.face, text("k"), nullptr) == BERTH_UNSUPPORTED);
        CHECK(call.failure->fields().message.find("the state service") != std::string::npos);
    }
    SUBCASE("http") {
        berth_http_request request{};
        request.size = sizeof request;
        auto* exchange = reinterpret_cast<berth_exchange*>(&revision);
        CHECK(http->open(host, &call.face, &request, &exchange) == BERTH_UNSUPPORTED);
        CHECK(exchange == nullptr);
        CHECK(http->read(exchange, &revision, 8, &revision) == BERTH_CONTRACT);
        CHECK(http->fd(exchange) == -1);
        http->close(exchange);
        CHECK(call.failure->fields().message.find("the http service") != std::string::npos);
    }
    SUBCASE("websocket") {
        auto* socket = reinterpret_cast<berth_socket*>(&revision);
        CHECK(websocket->open(host, &call.face, nullptr, &socket) == BERTH_UNSUPPORTED);
        CHECK(socket == nullptr);
        CHECK(websocket->send(socket, BERTH_SOCKET_TEXT, {}) == BERTH_CONTRACT);
        CHECK(websocket->fd(socket) == -1);
        websocket->close(socket, 1000);
        CHECK(call.failure->fields().message.find("the websocket service") != std::string::npos);
    }
    CHECK(call.failure->diagnostic() == "BERTH-S-01");
    call.is_stopped = true;
    CHECK(state->get(host, &call.face, text("k"), &sink.face, &revision) == BERTH_CANCELLED);
    CHECK(state->get(host, nullptr, text("k"), &sink.face, &revision) == BERTH_CONTRACT);
}

// What each answer of Daytona's comes to, and how a command is sent and heard, over scripted answers: every status, bodies that are
// cut, slow or nonsense, sockets that are refused or missing. A command is never sent twice.
#include <doctest/doctest.h>

#include <algorithm>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::for_each_interruption;
using testing::HttpRoute;
using testing::Instance;

namespace {

/// The error of a get whose answer is scripted.
Error failure_of(const std::function<void(HttpRoute&)>& answer) {
    FakeHost host;
    configure(host);
    answer(host.http().on("GET", named));
    Instance instance{host};
    const auto got = instance.get(id);
    REQUIRE(got.error);
    return *got.error;
}

Error failure_of(int status, const std::string& body) {
    return failure_of([&](HttpRoute& route) { route.reply(status, body); });
}

std::size_t warnings(FakeHost& host, const std::string& about) {
    const auto lines = host.log_lines();
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
        return line.level == LogLevel::warning && line.text.find(about) != std::string::npos;
    }));
}

}  // namespace

TEST_CASE("what each status stands for") {
    const std::pair<int, Code> all[] = {
        {400, Code::invalid_argument}, {401, Code::auth_failed},        {402, Code::resource_exhausted},
        {403, Code::auth_failed},      {404, Code::not_found},          {408, Code::timeout},
        {409, Code::conflict},         {410, Code::not_ready},          {413, Code::resource_exhausted},
        {418, Code::protocol_error},   {422, Code::unsupported},        {429, Code::rate_limited},
        {500, Code::unavailable},      {502, Code::unavailable},        {503, Code::unavailable},
        {504, Code::timeout},          {507, Code::resource_exhausted},
    };
    for (const auto& one : all) {
        CAPTURE(one.first);
        CHECK(failure_of(one.first, complaint("no")).code() == one.second);
        CHECK(failure_of(one.first, "").code() == one.second);  // some come without a word
    }
    const Error limited = failure_of(
        [](HttpRoute& route) { route.reply(429, complaint("slow down")).retry_after(std::chrono::seconds{60}); });
    CHECK(limited.retry_after() == std::chrono::seconds{60});
    CHECK(limited.outcome() == Outcome::none);
}

TEST_CASE("what Daytona says goes before its status, and what to do next is said") {
    const auto said = [](int status, const char* text) { return failure_of(status, complaint(text)); };
    for (const int status : {400, 409}) {
        CHECK(said(status, "Sandbox state change in progress").code() == Code::conflict);
        CHECK(said(status, "Sandbox was modified by another operation").code() == Code::conflict);
    }
    CHECK(said(400, "no IP address found. Is the Sandbox started?").code() == Code::not_ready);
    CHECK(said(404, "sandbox container not found").code() == Code::not_ready);
    for (const int status : {400, 403}) {
        CHECK(said(status, "Total CPU quota exceeded").code() == Code::resource_exhausted);
        CHECK(said(status, "Total memory limit exceeded. Maximum allowed: 10").code() == Code::resource_exhausted);
    }
    CHECK(failure_of(401, complaint("no")).hint()->find("key") != std::string::npos);
    CHECK(failure_of(403, complaint("no")).hint()->find("write:sandboxes") != std::string::npos);
    CHECK(failure_of(500, R"({"error":"of the PTY's form"})").message().find("of the PTY's form") != std::string::npos);
    CHECK(failure_of(400, R"({"errors":["/x: denied"],"files":[]})").message().find("/x: denied") != std::string::npos);
    CHECK(failure_of(403, R"({"message":"no","code":"FILE_ACCESS_DENIED"})").upstream_code() == "FILE_ACCESS_DENIED");
}

TEST_CASE("answers that are none are errors, whatever they are") {
    for (const std::string& body :
         {std::string{}, std::string{"<!doctype html>"}, std::string{"[]"}, std::string{"{}"}, std::string{R"("text")"},
          std::string{R"({"id":7})"}, std::string{R"({"id":""})"}, std::string(100'000, '['),
          std::string{R"({"id":"sb-1","labels":[]})"}.substr(0, 12)}) {
        CAPTURE(body.substr(0, 20));
        CHECK(failure_of(200, body).code() == Code::protocol_error);
    }
    CHECK(failure_of(200, "<html>").hint()->find("api_url") != std::string::npos);
    CHECK(failure_of([](HttpRoute& route) { route.reply(200, sandbox().substr(0, 40)).cut(); }).code() ==
          Code::unavailable);
    FakeHost slow;
    configure(slow);
    slow.http().on("GET", named).reply(200, sandbox()).slowly(1);
    slow.http().on("GET", api).reply(200, page(sandbox())).slowly(7);
    Instance instance{slow};
    CHECK(instance.get(id)->backend_id == "sb-1");
}

TEST_CASE("each request says who it is, and the key is marked as a secret") {
    FakeHost host;
    runs_commands(host, "out");
    Instance instance{host};
    REQUIRE(instance.execute(id, {"true"}).end);
    for (const auto& request : host.http().requests) {
        CHECK(*request.headers.find("authorization") == "Bearer s3cret-key-value");
        // To older clients logs are sent as they are.
        const bool is_log = request.url.find("/logs") != std::string::npos;
        CHECK(*request.headers.find("x-daytona-sdk-version") == (is_log ? "0.166.0" : "0.218.0"));
    }
}

TEST_CASE("a command is sent once, heard over a socket, and its session is deleted") {
    FakeHost host;
    runs_commands(host, "hello", 7);
    Instance instance{host};
    const auto run = instance.execute_stream(id, {"program"});
    REQUIRE(run.end);
    CHECK(run.out == "hello");
    CHECK(run.end->exit_code == 7);
    CHECK(commands_sent(host) == 1);
    CHECK(count(host, "DELETE", "/process/session/") == 1);
    CHECK(count(host, "GET", "/logs") == 0);
}

TEST_CASE("where nobody waits for output as it comes, a short command's log is read at once, and no socket is opened") {
    FakeHost host;
    runs_commands(host, "hello", 7);
    for (const std::string& log : {log_of("hello", 7), answered_log("hello", 7)}) {
        host.http().on("GET", logs) = HttpRoute().reply(200, log);
        Instance instance{host};
        const auto run = instance.execute(id, {"program"});
        REQUIRE(run.end);
        CHECK(run.out == "hello");
        CHECK(run.end->exit_code == 7);
    }
    CHECK(count(host, "GET", "/logs") == 2);
    CHECK(count(host, "GET", "/command/") == 2);  // no other questions about it
    CHECK(host.websockets().sockets.empty());
}

TEST_CASE("what was seen at the first look is not told again by the socket, wherever that look cut the log") {
    const std::string log = log_of("hello", 7);
    for (std::size_t cut = 0; cut < log.size(); ++cut) {
        FakeHost host;
        runs_commands(host, "hello", 7);
        host.http().on("GET", logs) = HttpRoute().reply(200, log.substr(0, cut));
        Instance instance{host};
        const auto run = instance.execute(id, {"program"});
        REQUIRE(run.end);
        CHECK(run.out == "hello");
        CHECK(run.end->exit_code == 7);
        CHECK(commands_sent(host) == 1);
    }
}

TEST_CASE("a log that is asked for may be longer than any answer that is kept as a whole") {
    FakeHost host;
    runs_commands(host, "");
    static_cast<berth_host&>(host).websocket = nullptr;
    const std::string output(std::size_t{20} << 20, 'x');
    host.http().on("GET", logs) = HttpRoute().reply(200, log_of(output));
    Instance instance{host};
    const auto run = instance.execute_stream(id, {"program"});
    REQUIRE(run.end);
    CHECK(run.out.size() == output.size());
}

TEST_CASE(
    "whatever becomes of sending a command, it is sent once, and nobody is told that it did not run unless it did "
    "not") {
    struct Case {
        std::function<void(HttpRoute&)> answer;
        Code code;
        Outcome outcome;
    };
    const std::vector<Case> all{
        {[](HttpRoute& route) { route.no_answer(); }, Code::unavailable, Outcome::unknown},
        {[](HttpRoute& route) { route.refused(); }, Code::unavailable, Outcome::none},
        {[](HttpRoute& route) { route.reply(202, "{\"cmd").cut(); }, Code::unavailable, Outcome::unknown},
        {[](HttpRoute& route) { route.reply(202, "{}"); }, Code::protocol_error, Outcome::unknown},
        {[](HttpRoute& route) { route.reply(202, "<html>"); }, Code::protocol_error, Outcome::unknown},
        {[](HttpRoute& route) { route.reply(500, complaint("broken")); }, Code::unavailable, Outcome::unknown},
        {[](HttpRoute& route) { route.reply(502); }, Code::unavailable, Outcome::unknown},
        {[](HttpRoute& route) { route.reply(429); }, Code::rate_limited, Outcome::none},
    };
    for (const Case& one : all) {
        FakeHost host;
        runs_commands(host, "");
        HttpRoute route;
        one.answer(route);
        host.http().on("POST", exec) = route;
        Instance instance{host};
        const auto run = instance.execute(id, {"program"});
        REQUIRE(run.error);
        CHECK(run.error->code() == one.code);
        CHECK(run.error->outcome() == one.outcome);
        CHECK_FALSE(run.started);
        CHECK(commands_sent(host) <= 1);
    }
}

TEST_CASE("no interruption of a command sends it twice or claims what did not happen") {
    for (const std::size_t cut : {std::size_t{10}, std::size_t{1000}})
        for_each_interruption([cut](FakeHost& host) {
            runs_commands(host, "output");
            host.http().on("POST", box + "/process/execute").reply(200, R"({"exitCode":0,"result":""})");
            host.websockets().on(logs) = {{MessageKind::binary, log_of("output").substr(0, cut)}};
            Instance instance{host};
            const auto run = instance.execute_stream(id, {"program"});
            CHECK(commands_sent(host) <= 1);
            CHECK((run.end.has_value() != run.error.has_value()));
            if (run.end && run.end->kind == EndKind::exited && !host.was_interrupted()) CHECK(run.out == "output");
        });
}

TEST_CASE("without a websocket service the log is asked for, nothing is lost, and that is said once") {
    FakeHost host;
    runs_commands(host, "hello", 3);
    static_cast<berth_host&>(host).websocket = nullptr;
    Instance instance{host};
    for (int n = 0; n < 3; ++n) {
        const auto run = instance.execute_stream(id, {"program"});
        REQUIRE(run.end);
        CHECK(run.out == "hello");
        CHECK(run.end->exit_code == 3);
    }
    CHECK(warnings(host, "websocket") == 1);
    CHECK(warnings(host, "asked for about once a second") == 1);
    CHECK(commands_sent(host) == 3);
}

TEST_CASE("output without labels is refused: the streams could not be told apart") {
    FakeHost host;
    runs_commands(host, "");
    host.websockets().on(logs) = {{MessageKind::binary, "plain text\n"}};
    Instance instance{host};
    const auto run = instance.execute_stream(id, {"program"});
    REQUIRE(run.error);
    CHECK(run.error->code() == Code::protocol_error);
    CHECK(run.error->hint()->find("0.27") != std::string::npos);
    CHECK(commands_sent(host) == 1);
}

TEST_CASE("a command that Daytona does not know any more ended with its sandbox, or what became of it is not known") {
    for (const bool runs_on : {true, false}) {
        FakeHost host;
        runs_commands(host, "");
        host.http().on("GET", by_id).reply(200, sandbox({runs_on ? "started" : "stopped", "sb-1", 1, "", ""}));
        HttpRoute gone;
        gone.reply(404, complaint("session not found"));
        host.http().on("GET", command) = gone;
        host.websockets().on(logs) = {{MessageKind::binary, labelled(Stream::out, ":p 42\n")}};
        Instance instance{host};
        const auto run = instance.execute_stream(id, {"program"});
        REQUIRE(run.end);
        CHECK(run.end->kind == EndKind::killed);
        CHECK(commands_sent(host) == 1);
    }
}

// vercel.so over the fake host: what it sends, what it makes of every answer, and that no interruption leaves anything.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::for_each_interruption;
using testing::Instance;
using testing::ProcessRequest;
using testing::SandboxRequest;

namespace {

SandboxRequest keyed() {
    SandboxRequest request;
    request.idempotency_key = "key";
    return request;
}

const std::string id = id_for("key");

void ready(FakeHost& host) {
    configure(host);
    host.http().on("GET", base + "/" + id).reply(200, sandbox(id, "key"));
}

Error failure_of(const std::function<void(testing::HttpRoute&)>& answer) {
    FakeHost host;
    ready(host);
    answer(host.http().on("POST", session + "/cmd"));
    Instance instance{host};
    const auto run = instance.execute(id, {"true"});
    REQUIRE(run.error);
    CHECK_FALSE(run.started);
    return *run.error;
}

}  // namespace

TEST_CASE("create says what costs money, marks what it makes, and asks for nothing twice") {
    FakeHost host;
    configure(host);
    host.http().on("POST", "/api/v3/sandboxes").reply(200, sandbox(id, "key"));
    Instance instance{host};
    SandboxRequest request = keyed();
    request.name = "my-sandbox";
    request.labels = {{"team", "core"}};
    const auto made = instance.create(request);
    REQUIRE(made.ok());
    CHECK(made->id == id);
    CHECK(made->state == SandboxState::ready);
    REQUIRE(host.http().requests.size() == 1);
    const auto& sent = host.http().requests[0];
    CHECK(sent.url == "https://v.example/api/v3/sandboxes?teamId=team_1");
    CHECK(sent.uninterrupted);
    CHECK_FALSE(sent.repeatable);
    CHECK(*sent.headers.find("content-type") == "application/json");
    const auto body = nlohmann::json::parse(sent.body);
    CHECK(body["projectId"] == "prj_1");
    CHECK(body["name"] == id);
    CHECK(body["persistent"] == true);
    CHECK(body["snapshotExpiration"] == 7LL * 24 * 3600 * 1000);
    CHECK(body["tags"]["berth"] == "test");
    CHECK(body["tags"]["berth-name"] == "my-sandbox");
    CHECK_FALSE(body.contains("env"));
    CHECK_FALSE(body.contains("runtime"));
}

TEST_CASE("a template is what it is mapped to, an unknown one lists what exists") {
    FakeHost host;
    configure(host);
    host.setting("/templates/node18", std::string{"node22"});
    host.http().on("POST", "/api/v2/sandboxes").reply(200, sandbox(id, "key"));
    Instance instance{host};
    SandboxRequest request = keyed();
    request.template_name = "node18";
    CHECK(instance.create(request).ok());
    CHECK(nlohmann::json::parse(host.http().requests[0].body)["runtime"] == "node22");
    request.template_name = "cobol";
    const auto refused = instance.create(request);
    REQUIRE(refused.error);
    CHECK(refused.error->code() == Code::template_not_found);
    CHECK(refused.error->message().find("node18 (node22)") != std::string::npos);
    CHECK(host.http().requests.size() == 1);
}

TEST_CASE("the edge runtime and half a credential are refused with the reason") {
    FakeHost edge;
    configure(edge);
    edge.setting("/runtime", std::string{"edge"});
    try {
        Instance instance{edge};
        FAIL("it opened");
    } catch (const Error& error) {
        CHECK(error.message().find("speaks Vercel Sandbox") != std::string::npos);
    }
    FakeHost half;
    half.setting("/api_url", std::string{"https://v.example/api"}).secret("/token", "s3cret-token-value");
    Instance instance{half};
    const auto answer = instance.get("berth-x");
    REQUIRE(answer.error);
    CHECK(answer.error->code() == Code::auth_failed);
    CHECK(half.http().requests.empty());
}

TEST_CASE("a name that is taken is the sandbox of the same key, and never that of another") {
    FakeHost host;
    configure(host);
    host.http().on("POST", "/api/v3/sandboxes").reply(400, error("bad_request", "it already exists for this project"));
    host.http().on("GET", base + "/" + id).reply(200, sandbox(id, "key")).reply(200, sandbox(id, "other"));
    Instance instance{host};
    CHECK(instance.create(keyed())->id == id);
    CHECK(instance.create(keyed()).error->code() == Code::conflict);
}

TEST_CASE("no interruption of create leaves a sandbox") {
    for_each_interruption([](FakeHost& host) {
        configure(host);
        host.http().on("POST", "/api/v3/sandboxes").reply(200, sandbox(id, "key", "pending"));
        host.http().on("GET", base + "/" + id).reply(200, sandbox(id, "key", "pending")).reply(200, sandbox(id, "key"));
        host.http().on("POST", session + "/cmd").reply(200, stream_of("hi"), lines).reply(200, command);
        host.http().on("POST", session + "/cmd/cmd_1/kill").reply(200, command);
        host.http().on("DELETE", base + "/" + id).reply(200, "{}");
        host.http().on("GET", base + "/snapshots").reply(200, R"({"snapshots":[],"pagination":{}})");
        SandboxRequest request = keyed();
        request.setup_commands = {"echo hi"};
        Instance instance{host};
        const auto made = instance.create(request);
        const bool was_sent = host.http().count("POST", "/api/v3/sandboxes") != 0;
        if (!made.ok() && was_sent) CHECK(host.http().count("DELETE", base + "/" + id) == 1);
        if (!made.ok()) CHECK(host.state().values.empty());
        CHECK(commands_sent(host) <= 1);
    });
}

TEST_CASE("a setup that fails is told in full and nothing is left") {
    FakeHost host;
    configure(host);
    host.http().on("POST", "/api/v3/sandboxes").reply(200, sandbox(id, "key"));
    host.http().on("POST", session + "/cmd").reply(200, stream_of("visible", 9), lines);
    host.http().on("DELETE", base + "/" + id).reply(200, "{}");
    SandboxRequest request = keyed();
    request.setup_commands = {"exit 9"};
    Instance instance{host};
    const auto made = instance.create(request);
    REQUIRE(made.error);
    CHECK(made.error->code() == Code::execution_failed);
    CHECK(*made.error->details().find("stdout") == "visible");
    CHECK(*made.error->details().find("exit_code") == "9");
    CHECK(host.http().count("DELETE", base + "/" + id) == 1);
}

TEST_CASE("a create without an answer is taken back by its name") {
    FakeHost host;
    configure(host);
    host.http().on("POST", "/api/v3/sandboxes").no_answer();
    host.http().on("DELETE", base + "/" + id).reply(404, error("not_found"));
    Instance instance{host};
    CHECK(instance.create(keyed()).error->code() == Code::unavailable);
    CHECK(host.http().count("DELETE", base + "/" + id) == 1);
}

TEST_CASE("no interruption of execute sends a command twice or claims what did not happen") {
    for (const bool slow : {false, true})
        for_each_interruption([slow](FakeHost& host) {
            ready(host);
            auto& route = host.http().on("POST", session + "/cmd").reply(200, stream_of("output"), lines);
            if (slow) route.slowly(50);
            route.reply(200, command);
            host.http().on("POST", session + "/cmd/cmd_1/kill").reply(200, command);
            host.http().on("GET", session + "/cmd/cmd_1").reply(200, R"({"command":{"id":"cmd_1","exitCode":0}})");
            host.http().on("GET", session + "/cmd/cmd_1/logs").reply(200, stream_of("output"), lines);
            Instance instance{host};
            const auto run = instance.execute_stream(id, {"true"});
            CHECK(commands_sent(host) <= 1);
            CHECK((run.end.has_value() != run.error.has_value()));
            if (run.end && run.end->kind == EndKind::exited)
                CHECK(run.out == (host.was_interrupted() ? run.out : "output"));
        });
}

TEST_CASE("a stream that breaks off goes on where it was, and nothing is sent twice") {
    FakeHost host;
    ready(host);
    const std::string whole = stream_of("one two three");
    const std::string logs = whole.substr(whole.find('\n') + 1);
    for (const std::size_t cut : {whole.find(":x") - 20, whole.find(":p") + 30, whole.find('\n') + 1}) {
        host.http().requests.clear();
        host.http().on("POST", session + "/cmd").reply(200, whole.substr(0, cut), lines).cut();
        host.http().on("GET", session + "/cmd/cmd_1").reply(200, R"({"command":{"id":"cmd_1","exitCode":null}})");
        host.http().on("GET", session + "/cmd/cmd_1/logs").reply(200, logs, lines);
        Instance instance{host};
        const auto run = instance.execute(id, {"true"});
        REQUIRE(run.end);
        CHECK(run.end->kind == EndKind::exited);
        CHECK(run.out == "one two three");
        CHECK(commands_sent(host) == 1);
    }
}

TEST_CASE("a stream that ends early or with an error line is asked for again") {
    const std::string whole = stream_of("one two three");
    const std::string begun = whole.substr(0, whole.find(":x") - 27);
    const std::string stopped = R"({"stream":"error","data":{"code":"sandbox_stream_closed","message":"closed"}})"
                                "\n";
    for (const std::string& end : {std::string{}, stopped}) {
        FakeHost host;
        ready(host);
        host.http().on("POST", session + "/cmd").reply(200, begun + end, lines);
        host.http().on("GET", session + "/cmd/cmd_1").reply(200, R"({"command":{"id":"cmd_1","exitCode":null}})");
        host.http().on("GET", session + "/cmd/cmd_1/logs").reply(200, whole.substr(whole.find('\n') + 1), lines);
        Instance instance{host};
        const auto run = instance.execute(id, {"true"});
        REQUIRE(run.end);
        CHECK(run.out == "one two three");
        CHECK(commands_sent(host) == 1);
    }
}

TEST_CASE("a sandbox that was stopped or deleted in mid-stream ends its process as killed, with the output so far") {
    for (const int status : {200, 404}) {
        FakeHost host;
        configure(host);
        const std::string whole = stream_of("so far");
        host.http()
            .on("GET", base + "/" + id)
            .reply(200, sandbox(id, "key"))
            .reply(status, status == 200 ? sandbox(id, "key", "stopped") : error("not_found"));
        host.http().on("POST", session + "/cmd").reply(200, whole.substr(0, whole.find(":x") - 27), lines).cut();
        host.http().on("GET", session + "/cmd/cmd_1").reply(410, error("sandbox_stopped"));
        Instance instance{host};
        const auto run = instance.execute(id, {"true"});
        REQUIRE(run.end);
        CHECK(run.end->kind == EndKind::killed);
        CHECK(run.out == "so far");
    }
}

TEST_CASE("nobody knows whether a command without an answer ran, and it is not sent again") {
    FakeHost host;
    ready(host);
    host.http().on("POST", session + "/cmd").no_answer();
    Instance instance{host};
    const auto run = instance.execute(id, {"true"});
    REQUIRE(run.error);
    CHECK(run.error->code() == Code::unavailable);
    CHECK(run.error->outcome() == Outcome::unknown);
    CHECK(commands_sent(host) == 1);
}

TEST_CASE("the words of a command, which Vercel gives back in its answers, hold neither the script nor the program") {
    FakeHost host;
    ready(host);
    host.http().on("POST", session + "/cmd").reply(200, stream_of("out"), lines);
    Instance instance{host};
    CHECK(instance.execute(id, {"program-of-mine"}).out == "out");
    const std::string& body = host.http().requests.back().body;
    const std::size_t words = body.find("\"args\"");
    const std::string shown = body.substr(words, body.find(']', words) - words);
    CHECK(shown.find("eval") != std::string::npos);
    CHECK(shown.size() < 120);
    CHECK(body.find("program-of-mine") != std::string::npos);
    CHECK(shown.find("program-of-mine") == std::string::npos);
}

TEST_CASE("a session that has ended is looked up once, and the command goes to the new one") {
    FakeHost host;
    ready(host);
    host.http().on("POST", session + "/cmd").reply(200, stream_of("old"), lines).reply(410, error("sandbox_stopped"));
    Instance instance{host};
    CHECK(instance.execute(id, {"true"}).out == "old");
    host.http().on("GET", base + "/" + id).reply(200, sandbox(id, "key", "running", "sbx_2"));
    host.http().on("POST", base + "/sessions/sbx_2/cmd").reply(200, stream_of("new"), lines);
    (void)instance.get(id);
    CHECK(instance.execute(id, {"true"}).out == "new");
}

TEST_CASE("a sandbox that answers a small question without end is not listened to, and complaints are cut") {
    const auto usage_of = [](const char* stream, const std::string& end) {
        const std::string line =
            std::string{R"({"stream":")"} + stream + R"(","data":")" + std::string(1U << 20U, 'x') + "\"}\n";
        FakeHost host;
        ready(host);
        std::string all;
        for (int n = 0; n < 5; ++n)
            all += line;
        host.http().on("POST", session + "/cmd").reply(200, all + end, lines);
        Instance instance{host};
        return instance.get_resource_usage(id);
    };
    const std::string end = out_line("processes 3\n") + R"({"command":{"id":"cmd_1","exitCode":0}})"
                                                        "\n";
    const auto endless = usage_of("stdout", end);
    REQUIRE(endless.error);
    CHECK(endless.error->code() == Code::execution_failed);
    const auto complaining = usage_of("stderr", end);
    REQUIRE(complaining.ok());
    CHECK(complaining->process_count == 3U);
}

TEST_CASE("a stopped sandbox is NOT_READY and is not resumed") {
    FakeHost host;
    configure(host);
    host.http().on("GET", base + "/" + id).reply(200, sandbox(id, "key", "stopped"));
    Instance instance{host};
    CHECK(instance.get(id)->state == SandboxState::stopped);
    CHECK_FALSE(*instance.is_ready(id));
    host.http().on("POST", session + "/cmd").reply(410, error("sandbox_stopped"));
    CHECK(instance.execute(id, {"true"}).error->code() == Code::not_ready);
    CHECK(instance.get_resource_usage(id).ok());
    for (const auto& request : host.http().requests) {
        CHECK(request.url.find("resume") == std::string::npos);
    }
}

TEST_CASE("what each refusal of Vercel stands for") {
    const auto code_for = [](int status, const std::string& code) {
        return failure_of([&](testing::HttpRoute& route) { route.reply(status, error(code)); });
    };
    CHECK(code_for(400, "bad_request").code() == Code::invalid_argument);
    CHECK(code_for(401, "forbidden").code() == Code::auth_failed);
    CHECK(code_for(403, "forbidden").code() == Code::auth_failed);
    const Error paid = code_for(402, "");
    CHECK(paid.code() == Code::resource_exhausted);
    CHECK(paid.outcome() == Outcome::none);
    CHECK(code_for(409, "conflict").code() == Code::conflict);
    CHECK(code_for(422, "sandbox_stopping").code() == Code::conflict);
    CHECK(code_for(422, "sandbox_snapshotting").code() == Code::conflict);
    const Error broken = code_for(500, "internal_server_error");
    CHECK(broken.code() == Code::unavailable);
    CHECK(broken.outcome() == Outcome::unknown);
    const Error limited = failure_of([](testing::HttpRoute& route) {
        route.reply(429, error("rate_limited")).retry_after(std::chrono::seconds{60});
    });
    CHECK(limited.code() == Code::rate_limited);
    CHECK(limited.retry_after() == std::chrono::seconds{60});
    CHECK(limited.outcome() == Outcome::none);
}

TEST_CASE("answers that are no answers are errors, whatever they are") {
    for (const std::string& body :
         {std::string{}, std::string{"garbage"}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"sandbox":7})"},
          std::string{R"({"sandbox":{"name":5,"createdAt":"x"}})"},
          std::string{R"({"sandbox":{"name":"a","createdAt":1e400}})"}, std::string(100'000, '['),
          std::string{R"({"sandbox":{"name":"a","createdAt":1},"session":[]})"}}) {
        FakeHost host;
        configure(host);
        host.http().on("GET", base + "/" + id).reply(200, body);
        Instance instance{host};
        const auto answer = instance.get(id);
        REQUIRE(answer.error);
        CHECK(answer.error->code() == Code::protocol_error);
    }
    for (const char* line : {"null\n", "garbage\n", R"({"command":{}})", R"({"command":7})"}) {
        FakeHost host;
        ready(host);
        host.http().on("POST", session + "/cmd").reply(200, line, lines);
        Instance instance{host};
        const auto run = instance.execute(id, {"true"});
        REQUIRE(run.error);
    }
}

TEST_CASE("destroy leaves nothing that bills but what was asked for") {
    FakeHost host;
    ready(host);
    host.http()
        .on("GET", base + "/snapshots")
        .reply(200, R"({"snapshots":[{"id":"snap_a","status":"created","creationMethod":"automatic"},)"
                    R"({"id":"snap_m","status":"created","creationMethod":"manual"}],"pagination":{"next":null}})");
    host.http().on("DELETE", base + "/" + id).reply(200, "{}");
    host.http().on("DELETE", base + "/snapshots/snap_a").reply(200, R"({"snapshot":{"id":"snap_a"}})");
    Instance instance{host};
    CHECK(instance.destroy(id).ok());
    CHECK(host.http().count("DELETE", base + "/snapshots/snap_a") == 1);
    CHECK(host.http().count("DELETE", base + "/snapshots/snap_m") == 0);
    CHECK(host.state().values.empty());
}

TEST_CASE("destroy may be interrupted anywhere and done again") {
    for_each_interruption([](FakeHost& host) {
        ready(host);
        host.http()
            .on("GET", base + "/snapshots")
            .reply(
                200,
                R"({"snapshots":[{"id":"snap_a","status":"created","creationMethod":"automatic"}],"pagination":{}})");
        host.http().on("DELETE", base + "/" + id).reply(200, "{}");
        host.http().on("DELETE", base + "/snapshots/snap_a").reply(404, error("not_found"));
        Instance instance{host};
        (void)instance.destroy(id);
    });
}

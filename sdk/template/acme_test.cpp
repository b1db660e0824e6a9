// Unit tests of acme without a network: the fake host answers for the backend. Any test framework will do; this needs
// none.
#include <berth/testing.hpp>
#include <cstdio>

namespace {

int failures = 0;

void check(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "failed: %s\n", what);
    ++failures;
}

/// A backend with one sandbox.
void script(berth::testing::FakeHost& host) {
    host.setting("/api_url", "http://acme.test").secret("/token", "t0k3n");
    host.http().on("POST", "/sandboxes").reply(201, "box-1");
    host.http().on("GET", "/sandboxes/box-1").reply(200, "starting").reply(200, "ready");
    host.http().on("DELETE", "/sandboxes/box-1").reply(204);
    host.http().on("POST", "/sandboxes/box-1/run").reply(200, "hello\n", {{"x-exit-code", "3"}});
    host.http().on("PUT", "/sandboxes/box-1/files/app/a").reply(204);
    host.http().on("GET", "/sandboxes/box-1/files/app/a").reply(200, "bytes");
    host.http().on("GET", "/sandboxes/box-1/files/none").reply(404);
    host.http().on("POST", "/sandboxes/box-1/restart").reply(202);
}

void a_sandbox_lives_and_dies() {
    berth::testing::FakeHost host;
    script(host);
    berth::testing::Instance acme{host};
    berth::testing::SandboxRequest wish;
    wish.name = "web";
    wish.environment.env.set("A", "1");
    wish.initial_files = {{"/app/a", "bytes"}};
    const auto made = acme.create(wish);
    check(made.ok() && made->id == "box-1" && made->name == "web", "create");
    check(host.http().requests[0].uninterrupted, "a cancel waits for the answer to the request that makes something");
    const auto run = acme.execute("box-1", {"greet", {"the world", ""}});
    check(host.http().requests.back().body == std::string("greet\0the world\0", 16), "an argv arrives byte for byte");
    check(run.out == "hello\n" && run.end && run.end->exit_code == 3, "execute");
    const auto down = acme.download_files("box-1", {"/app/a"});
    check(down.ok() && down.result.at({0, ""}).content == "bytes", "download");
    const auto missing = acme.download_files("box-1", {"/none"});
    check(missing.error && missing.error->code() == berth::Code::file_not_found, "a missing file is told as one");
    check(acme.get("box-1")->environment.env == berth::Variables{{"A", "1"}}, "the environment is kept");
    check(acme.list()->size() == 1 && *acme.is_ready("box-1"), "list and is_ready");
    check(acme.restart("box-1").ok(), "restart");
    check(acme.destroy("box-1").ok() && host.state().values.empty(), "destroy");
}

void a_wrong_token_and_a_limit_are_told_as_such() {
    berth::testing::FakeHost host;
    script(host);
    host.http().on("GET", "/sandboxes/x").reply(401).reply(429).retry_after(berth::Duration{1500}).refused();
    berth::testing::Instance acme{host};
    check(acme.get("x").error->code() == berth::Code::auth_failed, "401");
    check(acme.get("x").error->retry_after() == berth::Duration{1500}, "429");
    check(!*acme.is_ready("x"), "an unreachable backend is not ready, and no error");
}

void a_cancel_at_any_place_leaves_nothing() {
    berth::testing::for_each_interruption([](berth::testing::FakeHost& host) {
        script(host);
        berth::testing::Instance acme{host};
        const auto made = acme.create({.initial_files = {{"/app/a", "bytes"}}});
        if (made.ok() && !acme.destroy(made->id).ok()) check(acme.destroy(made->id).ok(), "destroy again");
        check(host.http().count("POST", "/sandboxes") <= host.http().count("DELETE", "/sandboxes/box-1"),
              "what was made is gone");
    });
}

}  // namespace

int main() {
    a_sandbox_lives_and_dies();
    a_wrong_token_and_a_limit_are_told_as_such();
    a_cancel_at_any_place_leaves_nothing();
    return failures == 0 ? 0 : 1;
}

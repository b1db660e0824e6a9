// The C++ example as an author tests a plugin: its source in this program, under the fake host.
#include <doctest/doctest.h>
#include <unistd.h>

#include <berth/testing.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

using namespace berth;
using namespace std::chrono_literals;
using testing::FakeHost;
using testing::Instance;
using testing::ProcessRequest;

namespace {

ProcessRequest shell(std::string line) {
    return {"sh", {"-c", std::move(line)}};
}

}  // namespace

TEST_CASE("minimal: output, exit code, arguments and environment arrive") {
    FakeHost host;
    Instance minimal{host};
    testing::SandboxRequest wish;
    wish.environment.env = {{"GREETING", "hello"}};
    wish.initial_files = {{"in/a", "content"}};
    wish.setup_commands = {"cp in/a b"};
    const auto made = minimal.create(wish);
    REQUIRE(made.ok());
    CHECK(made.puts == 2);
    const auto run = minimal.execute(made->id, shell("echo $GREETING; cat b; echo err >&2; exit 7"));
    CHECK(run.out == "hello\ncontent");
    CHECK(run.err == "err\n");
    CHECK(run.end->kind == EndKind::exited);
    CHECK(run.end->exit_code == 7);
    CHECK(minimal.execute(made->id, {"printf", {"[%s]", "", "$HOME", "a b"}}).out == "[][$HOME][a b]");
    CHECK(minimal.execute(made->id, {"no-such-program"}).end->exit_code == 127);
    CHECK(*minimal.is_ready(made->id));
    CHECK(minimal.get(made->id)->last_used_at);
    CHECK(minimal.get_resource_usage(made->id)->disk_bytes == 14u);
    CHECK(minimal.list()->size() == 1);
    CHECK(minimal.destroy(made->id).ok());
    CHECK(minimal.get(made->id).error->code() == Code::not_found);
    CHECK(minimal.destroy(made->id).error->code() == Code::not_found);
    CHECK_FALSE(*minimal.is_ready(made->id));
    CHECK_FALSE(std::filesystem::exists(*made->backend_id));
}

TEST_CASE("minimal: input and live stdin") {
    FakeHost host;
    Instance minimal{host};
    const std::string id = minimal.create()->id;
    ProcessRequest cat{"cat"};
    CHECK(minimal.execute(id, cat).out.empty());
    cat.input = std::string(300'000, 'x');
    CHECK(minimal.execute(id, cat).out == *cat.input);
    cat.input.reset();
    cat.live_stdin = "live";
    CHECK(minimal.execute_stream(id, cat).out == "live");
}

TEST_CASE("minimal: a timeout, a kill, a cancel, a destroy each say who ended the process") {
    FakeHost host;
    Instance minimal{host};
    const std::string id = minimal.create()->id;
    ProcessRequest request = shell("trap '' TERM; echo up; sleep 100 & wait; wait");
    request.kill_grace = 20ms;
    request.environment.timeout = 50ms;
    CHECK(minimal.execute(id, request).end->kind == EndKind::timeout);
    request.environment.timeout.reset();
    SUBCASE("signal") {
        request.on_output = [](testing::FakeCall& call, Stream, std::string_view) { call.signal(SIGTERM); };
        const auto run = minimal.execute_stream(id, request);
        CHECK(run.end->kind == EndKind::killed);
        CHECK(run.end->signal == SIGKILL);
    }
    SUBCASE("cancel") {
        request.on_output = [](testing::FakeCall& call, Stream, std::string_view) { call.cancel(); };
        CHECK(minimal.execute_stream(id, request).end->kind == EndKind::cancelled);
    }
    SUBCASE("destroy") {
        request.on_output = [&](testing::FakeCall&, Stream, std::string_view) { CHECK(minimal.destroy(id).ok()); };
        CHECK(minimal.execute_stream(id, request).end->kind == EndKind::killed);
    }
    SUBCASE("restart") {
        request.on_output = [&](testing::FakeCall&, Stream, std::string_view) {
            CHECK(minimal.restart(id)->state == SandboxState::busy);
        };
        CHECK(minimal.execute_stream(id, request).end->kind == EndKind::killed);
        CHECK(minimal.get(id)->state == SandboxState::ready);
    }
}

TEST_CASE("minimal: a failed setup command tells what it did and leaves nothing") {
    FakeHost host;
    Instance minimal{host};
    const auto made = minimal.create({.setup_commands = {"true", "echo oops; exit 3"}});
    REQUIRE(made.error);
    CHECK(made.error->code() == Code::execution_failed);
    CHECK(made.error->index() == 1u);
    CHECK(*made.error->details().find("exit_code") == "3");
    CHECK(*made.error->details().find("output") == "oops\n");
    CHECK(made.error->outcome() == Outcome::none);
    minimal.expect_nothing_left();
}

TEST_CASE("minimal: what goes up comes down, and nothing leaves the directory") {
    FakeHost host;
    Instance minimal{host};
    const std::string id = minimal.create()->id;
    CHECK(minimal
              .upload_files(id, {{"d", "", EntryKind::directory},
                                 {"d/f", "bytes\n", EntryKind::file, "", 0600},
                                 {"d/link", "", EntryKind::symlink, "f"}})
              .ok());
    const auto down = minimal.download_files(id, {"d"});
    REQUIRE(down.ok());
    CHECK(down->size() == 3);
    CHECK(down.result.at({0, "f"}).content == "bytes\n");
    CHECK(down.result.at({0, "f"}).mode == 0600u);
    CHECK(down.result.at({0, "link"}).link_target == "f");
    CHECK(minimal.upload_files(id, {{"d", "x"}}).error->code() == Code::is_directory);
    CHECK(minimal.upload_files(id, {{"../f", "x"}}).error->code() == Code::path_escape);
    CHECK(minimal.upload_files(id, {{"/etc/f", "x"}}).error->code() == Code::path_escape);
    CHECK(minimal.upload_files(id, {{"d/f/below", "x"}}).error->code() == Code::not_directory);
    CHECK(minimal.download_files(id, {"nothing"}).error->code() == Code::file_not_found);
    CHECK(minimal.execute(id, shell("ln -s /etc out")).end->exit_code == 0);
    CHECK(minimal.upload_files(id, {{"out/f", "x"}}).error->code() == Code::path_escape);
    CHECK(minimal.download_files(id, {"out"}).error->code() == Code::path_escape);
    ProcessRequest elsewhere{"true"};
    elsewhere.environment.cwd = "missing";
    CHECK(minimal.execute(id, elsewhere).error->code() == Code::file_not_found);
    elsewhere.environment.cwd = "d/f";
    CHECK(minimal.execute(id, elsewhere).error->code() == Code::not_directory);
}

TEST_CASE("minimal: the same key gives the same sandbox") {
    FakeHost host;
    Instance minimal{host};
    const auto first = minimal.create({.idempotency_key = "k"});
    CHECK(minimal.create({.idempotency_key = "k"})->id == first->id);
    CHECK(minimal.list()->size() == 1);
}

TEST_CASE("minimal: every interruption leaves nothing behind") {
    const auto tried = testing::for_each_interruption([](FakeHost& host) {
        Instance minimal{host};
        const auto made = minimal.create({.setup_commands = {"true"}, .initial_files = {{"a", "abc"}}});
        if (made.ok()) {
            (void)minimal.execute_stream(made->id, {"cat", {"a"}});
            (void)minimal.download_files(made->id, {"a"});
            if (!minimal.destroy(made->id).ok()) CHECK(minimal.destroy(made->id).ok());
            CHECK_FALSE(std::filesystem::exists(*made->backend_id));
        }
        minimal.expect_nothing_left();
    });
    CHECK(tried.cancels > 10);
    CHECK(tried.events > 0);
}

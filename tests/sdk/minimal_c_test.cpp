// The C example under the fake host: the same rules, without the face.
#include <doctest/doctest.h>

#include <berth/testing.hpp>
#include <csignal>

using namespace berth;
using namespace std::chrono_literals;
using testing::FakeHost;
using testing::Instance;
using testing::ProcessRequest;

TEST_CASE("minimal_c: a sandbox with its environment, files and programs") {
    FakeHost host;
    Instance minimal{host};
    testing::SandboxRequest wish;
    wish.name = "web";
    wish.environment.env.set("A", "1", true);
    wish.initial_files = {{"/d/f", std::string(3000, 'x')}};
    const auto made = minimal.create(wish);
    REQUIRE(made.ok());
    CHECK(made->name == "web");
    CHECK(made->environment.env == wish.environment.env);
    CHECK(minimal.execute(made->id, {"echo", {"a", "", "b"}}).out == "a  b\n");
    CHECK(minimal.execute(made->id, {"false"}).end->exit_code == 1);
    CHECK(minimal.execute(made->id, {"sh"}).end->exit_code == 127);
    ProcessRequest cat{"cat"};
    cat.input = std::string("\0\xff", 2);
    CHECK(minimal.execute(made->id, cat).out == *cat.input);
    CHECK(minimal.get_resource_usage(made->id)->disk_bytes == 3000u);
    const auto down = minimal.download_files(made->id, {"/d"});
    REQUIRE(down.ok());
    CHECK(down.result.at({0, "f"}).content == std::string(3000, 'x'));
    CHECK(down.result.at({0, ""}).kind == EntryKind::directory);
    CHECK(minimal.upload_files(made->id, {{"/d/f/g", "x"}}).error->code() == Code::not_directory);
    CHECK(minimal.upload_files(made->id, {{"/d", "x"}}).error->code() == Code::is_directory);
    CHECK(minimal.upload_files(made->id, {{"/d/../../g", "x"}}).error->code() == Code::path_escape);
    CHECK(minimal.upload_files(made->id, {{"l", "", EntryKind::symlink, "d"}}).error->code() == Code::unsupported);
    CHECK(minimal.download_files(made->id, {"/none"}).error->code() == Code::file_not_found);
    CHECK(minimal.create({.setup_commands = {"true"}}).error->code() == Code::unsupported);
    CHECK(minimal.describe()->size() == 2);
    CHECK(minimal.list()->size() == 1);
    CHECK(minimal.destroy(made->id).ok());
    CHECK(minimal.get(made->id).error->code() == Code::not_found);
    CHECK_FALSE(*minimal.is_ready(made->id));
}

TEST_CASE("minimal_c: whatever ends a sleep is told") {
    FakeHost host;
    Instance minimal{host};
    const std::string id = minimal.create()->id;
    ProcessRequest sleep{"sleep", {"100"}};
    sleep.environment.timeout = 10ms;
    CHECK(minimal.execute(id, sleep).end->kind == EndKind::timeout);
    sleep.environment.timeout.reset();
    EndKind expected = EndKind::killed;
    SUBCASE("a kill") {
        sleep.on_started = [](testing::FakeCall& call) { call.signal(SIGKILL); };
    }
    SUBCASE("a cancel") {
        sleep.on_started = [](testing::FakeCall& call) { call.cancel(); };
        expected = EndKind::cancelled;
    }
    CHECK(minimal.execute_stream(id, sleep).end->kind == expected);
    CHECK(minimal.execute(id, {"sleep", {"0.01"}}).end->kind == EndKind::exited);
}

TEST_CASE("minimal_c: every interruption leaves nothing behind") {
    const auto tried = testing::for_each_interruption([](FakeHost& host) {
        Instance minimal{host};
        const auto made = minimal.create({.initial_files = {{"/a", "abc"}}});
        if (made.ok()) {
            const auto run = minimal.execute_stream(made->id, {"echo", {"a", "b"}});
            if (!host.was_interrupted()) CHECK(run.out == "a b\n");
            (void)minimal.download_files(made->id, {"/a"});
            if (!minimal.destroy(made->id).ok()) CHECK(minimal.destroy(made->id).ok());
        }
        minimal.expect_nothing_left();
    });
    CHECK(tried.cancels > 10);
    CHECK(tried.events == 4);
}

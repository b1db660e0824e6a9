// Logs followed over a WebSocket, and every way in which that ends.
#include "scene.hpp"

using namespace standin_test;

namespace {

const std::string out = "\x01\x01\x01";
const std::string err = "\x02\x02\x02";

/// Both streams, the second when the first is in the log: their readers know no order.
const std::string ordered =
    "echo hello; until grep -q hello ~/.daytona/sessions/*/*/output.log; do :; done; echo wrong >&2";

/// A sandbox with a command that has ended.
struct Ended {
    explicit Ended(const Scene& scene, const std::string& text = ordered) : id(scene.sandbox("one")) {
        scene.session(id, "s");
        command = scene.start(id, "s", text);
        CHECK(scene.exit_code(id, "s", command) == 0);
    }
    std::string id;
    std::string command;
};

}  // namespace

TEST_CASE("a log comes from its beginning at every connection, in binary messages, and ends with 1000") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}});
    const Ended ended(scene);
    for (int connection = 0; connection < 2; ++connection) {
        auto socket = scene.follow(ended.id, "s", ended.command);
        REQUIRE(socket.answer().status == 101);
        CHECK(socket.receive_all() == out + "hello\n" + err + "wrong\n");
        CHECK_FALSE(socket.was_text());
        CHECK(socket.closed_with() == 1000);
    }
}

TEST_CASE("messages are cut wherever a test wants, and never longer than 1024 bytes") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}});
    const Ended ended(scene, "head -c 3000 /dev/zero | tr '\\0' x");
    for (const std::size_t size : {1U, 3U, 13U, 1024U, 5000U}) {
        scene.behave({{"log_slice", size}});
        auto socket = scene.follow(ended.id, "s", ended.command);
        const auto first = socket.receive();
        REQUIRE(first);
        CHECK(first->size() == std::min<std::size_t>(size, 1024));
        CHECK((*first + socket.receive_all()) == out + std::string(3000, 'x') + "\n");
    }
}

TEST_CASE("what a running command writes arrives while it runs") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}});
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    const auto command = scene.start(id, "s", "echo first; read line; echo $line");
    auto socket = scene.follow(id, "s", command);
    CHECK(socket.receive() == out + "first\n");
    socket.send_ping();
    CHECK(socket.receive_pong());
    CHECK(scene.toolbox(id, "POST", Scene::command_path("s", command) + "/input", {{"data", "second"}}).status == 204);
    CHECK(socket.receive_all() == out + "second\n");
    CHECK(socket.closed_with() == 1000);
}

TEST_CASE("a connection may close early, break off, or never close") {
    const Scene scene;
    scene.behave({{"log_end_after", 6}, {"log_close_after_ms", 0}});
    const Ended ended(scene);
    scene.behave({{"log_end", "early"}});
    auto early = scene.follow(ended.id, "s", ended.command);
    CHECK(early.receive_all() == out + "hel");
    CHECK(early.closed_with() == 1000);
    scene.behave({{"log_end", "abnormal"}});
    auto abnormal = scene.follow(ended.id, "s", ended.command);
    CHECK(abnormal.receive_all() == out + "hel");
    CHECK(abnormal.closed_with() == 1006);
    scene.behave({{"log_end", "never"}});
    auto never = scene.follow(ended.id, "s", ended.command);
    CHECK(never.receive() == out + "hello\n" + err + "wrong\n");
    CHECK(scene.call("POST", "/sandbox/one/stop").status == 200);  // only this ends it
    CHECK(never.receive_all() == "");
    CHECK(never.closed_with() == 1006);
}

TEST_CASE("without a version there are no markers, however messages are cut") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}, {"log_slice", 1}});
    const Ended ended(scene);
    const Headers plain{{"authorization", "Bearer standin-key"}};
    CHECK(scene.follow(ended.id, "s", ended.command, plain).receive_all() == "hello\nwrong\n");
}

TEST_CASE("older daemons send text messages") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}, {"log_frames", "text"}});
    const Ended ended(scene);
    auto socket = scene.follow(ended.id, "s", ended.command);
    CHECK(socket.receive_all() == out + "hello\n" + err + "wrong\n");
    CHECK(socket.was_text());
}

TEST_CASE("an upgrade meets faults as any request does, and is recorded") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}});
    const Ended ended(scene);
    scene.fault("GET", "/toolbox/*/process/session/s/command/*/logs", {{"status", 502}, {"body", ""}});
    CHECK(scene.follow(ended.id, "s", ended.command).answer().status == 502);
    CHECK(scene.follow(ended.id, "s", ended.command).answer().status == 101);
    CHECK(scene.requests("GET", "/toolbox/**/logs").back()["status"] == 101);
}

TEST_CASE("a shell that died leaves the log open for ever, until the sandbox goes") {
    const Scene scene;
    scene.behave({{"log_close_after_ms", 0}});
    const auto id = scene.sandbox("one");
    scene.session(id, "s");
    auto socket = scene.follow(id, "s", scene.start(id, "s", "echo last; exit 1"));
    CHECK(socket.receive() == out + "last\n");
    CHECK(scene.call("POST", "/sandbox/one/stop").status == 200);
    CHECK(socket.receive_all() == "");
    CHECK(socket.closed_with() == 1006);
}

// Sandboxes come, are found again, are repaired, and go without a trace.
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "local/first_process.hpp"
#include "local/process_id.hpp"
#include "room.hpp"

using namespace room;

namespace {

std::size_t open_descriptors() {
    return entries("/proc/self/fd");
}

pid_t first_process_of(Provider& provider, const std::string& id) {
    const auto number = provider.sandboxes.get(id).first_process;
    REQUIRE(number.has_value());
    return *number;
}

}  // namespace

TEST_CASE("create, get, list and destroy agree") {
    Provider provider;
    rooms::CreateRequest request;
    request.name = "a name";
    request.labels = {{"team", "core"}};
    request.environment = {{"GREETING", "hello world"}, {"BYTES", "\xff\xfe"}};
    request.persistent = true;
    const std::string id = provider.create(request);
    const rooms::Info info = provider.sandboxes.get(id);
    CHECK(info.state == rooms::State::ready);
    CHECK(info.record.name == "a name");
    CHECK(info.record.directory == "/workspace");
    CHECK(info.record.labels[0].value == "core");
    CHECK_FALSE(info.last_used_at_ms.has_value());
    CHECK(provider.run(id, "printf '%s' \"$BYTES\"").out == "\xff\xfe");
    CHECK(provider.sandboxes.get(id).last_used_at_ms.has_value());
    CHECK(provider.sandboxes.list(provider.caller).size() == 1);
    CHECK(provider.sandboxes.is_ready(id));
    CHECK_FALSE(provider.sandboxes.is_ready("../../etc"));
    provider.sandboxes.destroy(id, provider.caller);
    CHECK(failure_of([&] { (void)provider.sandboxes.get(id); }).code == BERTH_NOT_FOUND);
    CHECK(failure_of([&] { provider.sandboxes.destroy(id, provider.caller); }).code == BERTH_NOT_FOUND);
    CHECK_FALSE(provider.sandboxes.is_ready(id));
    check_nothing_left(provider);
}

TEST_CASE("the same key gives the same sandbox, also at the same time") {
    Provider provider;
    rooms::CreateRequest request;
    request.idempotency_key = "a key / with anything";
    std::vector<std::string> ids(6);
    std::vector<std::thread> threads;
    for (std::string& id : ids) {
        threads.emplace_back([&] {
            rooms::Sandboxes own(provider.settings());
            TestCaller caller;
            MemorySource none;
            id = own.create(request, none, caller, [](const rooms::Info&) {}).record.id;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(std::all_of(ids.begin(), ids.end(), [&](const std::string& id) { return id == ids[0]; }));
    provider.sandboxes.destroy(ids[0], provider.caller);
    const std::string again = provider.create(request);
    CHECK(again != ids[0]);
}

TEST_CASE("a setup command that fails undoes the sandbox and tells its output") {
    Provider provider;
    rooms::CreateRequest request;
    request.idempotency_key = "k";
    request.setup_commands = {"touch made", "ls; echo wrong >&2; exit 9", "touch never"};
    const rooms::Failure failure = failure_of([&] { provider.create(request); });
    CHECK(failure.code == BERTH_EXECUTION_FAILED);
    CHECK(failure.index == 1);
    CHECK(failure.details[1].second == "9");
    CHECK(failure.details[2].second == "made\n");
    CHECK(failure.details[3].second == "wrong\n");
    check_nothing_left(provider);
}

TEST_CASE("initial files are there before setup commands run") {
    Provider provider;
    rooms::CreateRequest request;
    request.idempotency_key = "k";
    request.setup_commands = {"cp first second"};
    MemorySource files({{rooms::protocol::Kind::file, 0, "first", "content"}});
    const std::string id =
        provider.sandboxes.create(request, files, provider.caller, [](const rooms::Info&) {}).record.id;
    CHECK(provider.run(id, "cat second").out == "content");
}

TEST_CASE("a cancelled create leaves nothing") {
    Provider provider;
    rooms::CreateRequest request;
    request.idempotency_key = "k";
    request.setup_commands = {"sleep 1000"};
    TestCaller caller;
    MemorySource none;
    std::string announced;
    const rooms::Failure failure = failure_of([&] {
        provider.sandboxes.create(request, none, caller, [&](const rooms::Info& info) {
            CHECK(info.state == rooms::State::initializing);
            announced = info.record.id;
            caller.cancel();
        });
    });
    CHECK(failure.code == BERTH_CANCELLED);
    CHECK(announced.size() == 16);
    check_nothing_left(provider);
}

TEST_CASE("when only bubblewrap's outer half dies while it starts, the other does not wait for ever") {
    // As it is then: a process that holds the socket, answers nothing, and has lost who started it.
    const TemporaryDirectory place;
    const std::filesystem::path told = place.path() / "told";
    std::filesystem::create_directory(told);
    std::filesystem::permissions(place.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(told, std::filesystem::perms::all);
    const std::filesystem::path half = place.path() / "bwrap";
    std::ofstream(half) << "#!/bin/sh\nsleep 1000 &\necho $! > " << (told / "new").string() << "\nmv "
                        << (told / "new").string() << ' ' << (told / "pid").string() << "\nkill -9 $$\n";
    std::filesystem::permissions(half, std::filesystem::perms(0755));
    Provider provider([&](rooms::Settings settings) {
        settings.bubblewrap = half;
        return settings;
    });
    TestCaller caller;
    std::thread canceller([&] {
        while (!std::filesystem::exists(told / "pid")) {
            std::this_thread::yield();
        }
        caller.cancel();
    });
    MemorySource none;
    rooms::CreateRequest request;
    request.idempotency_key = "k";
    const rooms::Failure failure =
        failure_of([&] { provider.sandboxes.create(request, none, caller, [](const rooms::Info&) {}); });
    canceller.join();
    CHECK(failure.code == BERTH_CANCELLED);
    pid_t waiting = 0;
    std::ifstream(told / "pid") >> waiting;
    REQUIRE(waiting > 1);
    wait_until([&] { return !rooms::ProcessId::of(waiting); });
    check_nothing_left(provider);
}

TEST_CASE("restart keeps id, files and environment, and ends what ran") {
    Provider provider;
    rooms::CreateRequest request;
    request.environment = {{"KEPT", "yes"}};
    const std::string id = provider.create(request);
    const rooms::Info before = provider.sandboxes.get(id);
    provider.run(id, "echo content > file; echo tmp > /tmp/file; echo home > ~/file");
    TestCaller caller;
    TestSink sink;
    std::thread restarting;
    sink.on_output = [&] { restarting = std::thread([&] { (void)provider.sandboxes.restart(id, provider.caller); }); };
    const rooms::ProcessEnd end = provider.sandboxes.run(id, Provider::shell("echo up; sleep 1000"), caller, sink);
    restarting.join();
    CHECK(end.kind == BERTH_ENDED_KILLED);
    const rooms::Info after = provider.sandboxes.get(id);
    CHECK(after.record.created_at_ms == before.record.created_at_ms);
    CHECK(after.first_process != before.first_process);
    CHECK(provider.run(id, "cat file /tmp/file ~/file; echo $KEPT").out == "content\ntmp\nhome\nyes\n");
}

TEST_CASE("destroy during a process ends it as killed") {
    Provider provider;
    const std::string id = provider.create();
    TestCaller caller;
    TestSink sink;
    std::thread destroying;
    sink.on_output = [&] { destroying = std::thread([&] { provider.sandboxes.destroy(id, provider.caller); }); };
    const rooms::ProcessEnd end = provider.sandboxes.run(id, Provider::shell("echo up; sleep 1000"), caller, sink);
    destroying.join();
    CHECK(end.kind == BERTH_ENDED_KILLED);
    CHECK(end.signal == SIGKILL);
}

TEST_CASE("when the first process dies the sandbox is stopped, what ran in it is unknown, restart brings it back") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo kept > file");
    TestCaller caller;
    TestSink sink;
    const pid_t first = first_process_of(provider, id);
    sink.on_output = [&] { ::kill(first, SIGKILL); };
    const rooms::Failure failure =
        failure_of([&] { (void)provider.sandboxes.run(id, Provider::shell("echo up; sleep 1000"), caller, sink); });
    CHECK(failure.code == BERTH_UNAVAILABLE);
    CHECK(failure.outcome == BERTH_OUTCOME_UNKNOWN);
    CHECK(provider.sandboxes.get(id).state == rooms::State::stopped);
    CHECK_FALSE(provider.sandboxes.is_ready(id));
    CHECK(failure_of([&] { provider.run(id, "true"); }).code == BERTH_NOT_READY);
    CHECK_FALSE(provider.sandboxes.usage(id, provider.caller).memory_bytes.has_value());
    CHECK(provider.sandboxes.usage(id, provider.caller).disk_bytes.has_value());
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, "cat file").out == "kept\n");
}

TEST_CASE("it lives on without bubblewrap's own process beside it") {
    Provider provider;
    const std::string id = provider.create();
    CHECK_FALSE(rooms::parent_called(first_process_of(provider, id), "berth").has_value());
    const auto monitor = rooms::parent_called(first_process_of(provider, id), "bwrap");
    REQUIRE(monitor.has_value());
    ::kill(monitor->pid, SIGKILL);
    CHECK(provider.run(id, "echo alive").out == "alive\n");
    provider.sandboxes.destroy(id, provider.caller);
    check_nothing_left(provider);
}

TEST_CASE("a creator that is killed leaves a half-made sandbox that goes with the next list") {
    Provider provider;
    const Forked creator = forked([&](const auto& say) {
        rooms::CreateRequest request;
        request.idempotency_key = "half";
        request.setup_commands = {"sleep 1000"};
        MemorySource none;
        TestCaller caller;
        provider.sandboxes.create(request, none, caller, [&](const rooms::Info& info) { say(info.record.id); });
    });
    const std::string half = creator.id;
    CHECK(provider.sandboxes.get(half).state == rooms::State::initializing);
    const std::filesystem::path place = provider.sandboxes.get(half).state_path;
    wait_until([&] { return std::filesystem::exists(place / "init"); });
    ::kill(creator.process, SIGKILL);
    ::waitpid(creator.process, nullptr, 0);
    CHECK(failure_of([&] { (void)provider.sandboxes.get(half); }).code == BERTH_NOT_FOUND);
    CHECK(provider.sandboxes.list(provider.caller).empty());
    check_nothing_left(provider);
}

TEST_CASE("a creator that is killed before anything was written leaves no key") {
    Provider provider;
    const pid_t child = ::fork();
    if (child == 0) {
        // As far as a create comes before its sandbox has a directory.
        const rooms::Store store((provider.directory.path() / "state").string(), "local", rooms::Store::Accounts::ours);
        TestCaller caller;
        const std::string id = rooms::new_id();
        const rooms::Lock mark = store.begin(id, caller);
        store.note_key(mark, "half");
        const rooms::Store::Key key = store.hold_key("half", caller);
        ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    CHECK(entries(provider.directory.path() / "state" / "local" / "keys") == 1);
    CHECK(provider.sandboxes.list(provider.caller).empty());
    check_nothing_left(provider);
}

TEST_CASE("nothing of ours is held open by a sandbox, and descriptors come back") {
    Provider provider;
    provider.sandboxes.destroy(provider.create(), provider.caller);  // the shared /etc is made once
    const std::size_t before = open_descriptors();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);  // not close-on-exec: a careless host
    rooms::Descriptor reading(ends[0]);
    rooms::Descriptor writing(ends[1]);
    const std::string id = provider.create();
    provider.run(id, "sleep 1000 >/dev/null 2>&1 &");
    writing.reset();
    char byte = 0;
    CHECK(::read(reading.get(), &byte, 1) == 0);  // end of file: no process of the sandbox has the other end
    reading.reset();
    CHECK(open_descriptors() == before);
    provider.sandboxes.destroy(id, provider.caller);
    CHECK(open_descriptors() == before);
}

TEST_CASE("usage is true: memory, processes, CPU and disk") {
    Provider provider;
    const std::string id = provider.create();
    const rooms::UsageFigures idle = provider.sandboxes.usage(id, provider.caller);
    CHECK(*idle.process_count == 1);
    CHECK(*idle.cpu_percent < 50);
    provider.run(id, "head -c 3000000 /dev/zero > file; sh -c 'while :; do :; done' >/dev/null 2>&1 &");
    const rooms::UsageFigures busy = provider.sandboxes.usage(id, provider.caller);
    CHECK(*busy.process_count >= 2);
    CHECK(*busy.disk_bytes >= 3'000'000);
    wait_until([&] {
        const rooms::UsageFigures now = provider.sandboxes.usage(id, provider.caller);
        // However small its share of a busy machine is, it is counted.
        return *now.cpu_percent > 0 && *now.memory_bytes > *idle.memory_bytes;
    });
}

TEST_CASE("usage that is cancelled while files are counted stops counting") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "i=0; while [ $i -lt 1000 ]; do : > $i; i=$((i+1)); done");
    class : public TestCaller {
    public:
        // Nobody tells the walk: it has to ask. The first look, before it begins, sees nothing.
        [[nodiscard]] bool cancelled() const override { return ++looks > 1; }
        mutable int looks = 0;
    } caller;
    CHECK(failure_of([&] { (void)provider.sandboxes.usage(id, caller); }).code == BERTH_CANCELLED);
    const rooms::Descriptor sandbox = rooms::open_directory(AT_FDCWD, provider.sandboxes.get(id).state_path);
    int looks = 0;
    CHECK(rooms::tree_bytes(sandbox.get(), "workspace", [&] { return ++looks == 2; }) == -1);
    CHECK(looks == 2);
    CHECK(rooms::tree_bytes(sandbox.get(), "workspace") >= 0);
}

TEST_CASE("hostile trees go: deep, closed, odd names, links to the host") {
    Provider provider;
    const std::string id = provider.create();
    std::ofstream(provider.directory.path() / "precious") << "precious";
    const std::string outside = (provider.directory.path()).string();
    provider.run(
        id, "d=0; while [ $d -lt 1500 ]; do mkdir dddddddddddddddd && cd dddddddddddddddd || exit; d=$((d+1)); done");
    provider.run(id, "mkdir closed; touch closed/x; chmod 000 closed; mkdir \"$(printf 'a\\nb\\377')\"; ln -s " +
                         outside +
                         " link; mkdir -p ro/inner/deep; chmod 555 ro/inner ro; ln -s / ~/root; touch -- -rf");
    CHECK(*provider.sandboxes.usage(id, provider.caller).process_count == 1);
    provider.sandboxes.destroy(id, provider.caller);
    CHECK(std::filesystem::exists(provider.directory.path() / "precious"));
    check_nothing_left(provider);
}

TEST_CASE("a first process whose directory was removed by hand ends, one that can be reached does not") {
    Provider provider([](rooms::Settings settings) {
        settings.look_each = std::chrono::milliseconds{20};
        return settings;
    });
    const std::string staying = provider.create();
    const std::string id = provider.create();
    const rooms::Descriptor first = rooms::ProcessId::of(first_process_of(provider, id))->open();
    REQUIRE(first);
    provider.run(id, "setsid sleep 1000 >/dev/null 2>&1 & true");
    const std::filesystem::path sandboxes = provider.directory.path() / "state/local/sandboxes";
    rooms::remove_tree(rooms::open_directory(AT_FDCWD, sandboxes).get(), id);
    CHECK(rooms::wait_gone(first, std::chrono::minutes{1}));
    CHECK(provider.sandboxes.list(provider.caller).size() == 1);
    CHECK(provider.run(staying, "sleep 0.1; echo alive").out == "alive\n");
    provider.sandboxes.destroy(staying, provider.caller);
}

TEST_CASE("a first process that nobody wrote down is found by the next look and ended; restart brings it back") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo kept > file");
    const rooms::Descriptor first = rooms::ProcessId::of(first_process_of(provider, id))->open();
    REQUIRE(first);
    // As far as a restart comes that is killed before it notes whom it started.
    std::filesystem::remove(provider.directory.path() / "state/local/sandboxes" / id / "init");
    wait_until([&] { return provider.sandboxes.get(id).state == rooms::State::stopped; });
    CHECK(rooms::wait_gone(first, std::chrono::milliseconds{0}));  // no sooner is it said to be stopped
    CHECK(provider.sandboxes.restart(id, provider.caller).state == rooms::State::ready);
    CHECK(provider.run(id, "cat file").out == "kept\n");
}

TEST_CASE("many come and go and leave no process, descriptor or directory") {
    Provider provider;
    const std::size_t before = open_descriptors();
    std::vector<rooms::ProcessId> first;  // numbers alone come again
    for (int i = 0; i < 60; ++i) {
        const std::string id = provider.create();
        first.push_back(rooms::ProcessId::of(first_process_of(provider, id)).value());
        provider.run(id, "setsid sleep 1000 >/dev/null 2>&1 & true");
        provider.sandboxes.destroy(id, provider.caller);
    }
    for (const rooms::ProcessId& process : first) {
        CHECK_FALSE(process.alive());
    }
    CHECK(open_descriptors() == before);
    check_nothing_left(provider);
}

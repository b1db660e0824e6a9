// Sandboxes whose time is limited end by themselves, and whoever looks next removes them. The tests wait for the end of
// first processes and for answers; a busy machine only makes them slower.
#include <sys/wait.h>

#include <fstream>

#include "local/first_process.hpp"
#include "local/process_id.hpp"
#include "room.hpp"

using namespace room;

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

rooms::CreateRequest limited(std::int64_t ttl_ms, std::int64_t idle_ttl_ms) {
    rooms::CreateRequest request;
    request.ttl_ms = ttl_ms;
    request.idle_ttl_ms = idle_ttl_ms;
    return request;
}

// With a lifetime long enough that the sandbox lives when this returns, however busy the machine is.
std::string create_with_ttl(Provider& provider) {
    for (std::int64_t ttl = 2000;; ttl *= 2) {
        try {
            const std::string id = provider.create(limited(ttl, 0));
            (void)provider.sandboxes.get(id);
            return id;
        } catch (const rooms::Failure& failure) {
            REQUIRE(ttl < 100'000);
        }
    }
}

rooms::Descriptor directory_of(const Provider& provider, const std::string& id) {
    return rooms::open_directory(AT_FDCWD, provider.directory.path() / "state/local/sandboxes" / id);
}

rooms::Descriptor first_process_of(const Provider& provider, const std::string& id) {
    const auto first = rooms::first_process(directory_of(provider, id));
    return first ? first->open() : rooms::Descriptor();
}

bool is_gone(Provider& provider, const std::string& id) {
    try {
        (void)provider.sandboxes.get(id);
        return false;
    } catch (const rooms::Failure& failure) {
        CHECK(failure.code == BERTH_NOT_FOUND);
        return true;
    }
}

void kill_first_process(const Provider& provider, const std::string& id) {
    const rooms::Descriptor first = first_process_of(provider, id);
    REQUIRE(first);
    rooms::kill_through(first);
    REQUIRE(rooms::wait_gone(first, minutes{1}));
}

}  // namespace

TEST_CASE("a lifetime is kept when no process of Berth is alive, whatever runs") {
    Provider provider;
    const auto [child, id] = forked([&](const auto& say) {
        const std::string made = create_with_ttl(provider);
        try {
            (void)provider.run(made, "setsid sleep 1000 >/dev/null 2>&1 & true");
        } catch (const rooms::Failure&) {
        }
        say(made);
    });
    ::waitpid(child, nullptr, 0);
    CHECK(rooms::wait_gone(first_process_of(provider, id), minutes{2}));
    CHECK(is_gone(provider, id));
    check_nothing_left(provider);
    CHECK(provider.sandboxes.list(provider.caller).empty());
    CHECK_FALSE(provider.sandboxes.is_ready(id));
}

TEST_CASE("inspect tells the end; 0 is none") {
    Provider provider;
    const auto end_of = [&](std::int64_t ttl, std::int64_t idle) {
        const rooms::Info info = provider.sandboxes.get(provider.create(limited(ttl, idle)));
        return info.expires_at_ms ? *info.expires_at_ms - info.record.created_at_ms : -1;
    };
    CHECK(end_of(500'000, 0) == 500'000);
    CHECK(end_of(0, 400'000) == 400'000);
    CHECK(end_of(500'000, 400'000) == 400'000);
    CHECK(end_of(500'000, 600'000) == 500'000);
    CHECK(end_of(0, 0) == -1);
    const std::string id = provider.create(limited(0, 400'000));
    const std::int64_t before = provider.sandboxes.get(id).expires_at_ms.value();
    provider.run(id, "sleep 0.01");
    CHECK(provider.sandboxes.get(id).expires_at_ms.value() > before);
}

TEST_CASE("a sandbox that nobody uses ends, one that is worked in does not") {
    Provider provider;
    constexpr std::int64_t idle = 400;
    std::string id = provider.create(limited(0, idle));
    const rooms::Descriptor first = first_process_of(provider, id);
    // A process and a transfer that each last longer than the idle time. Whoever is quicker than this line has a
    // machine that stood still for the whole of it: then it is gone, which is right, too.
    try {
        CHECK(provider.run(id, "sleep 1; echo alive").out == "alive\n");
        class SlowSink : public MemorySink {
        public:
            void commit() override {
                ::poll(nullptr, 0, 2 * idle);
                MemorySink::commit();
            }
        } sink;
        provider.run(id, "mkdir d; head -c 3000000 /dev/zero > d/a; echo b > d/b");
        provider.sandboxes.download_files(id, {"d"}, sink, provider.caller);
        CHECK(sink.find("b")->content == "b\n");
    } catch (const rooms::Failure& failure) {
        CHECK((failure.code == BERTH_NOT_FOUND || failure.code == BERTH_NOT_READY));
    }
    CHECK(rooms::wait_gone(first, minutes{2}));
    CHECK(provider.sandboxes.list(provider.caller).empty());
    CHECK(is_gone(provider, id));
    check_nothing_left(provider);
    // What only looks is no use.
    id = provider.create(limited(0, idle));
    wait_until([&] {
        try {
            (void)provider.sandboxes.usage(id, provider.caller);
        } catch (const rooms::Failure&) {
        }
        return is_gone(provider, id);
    });
}

TEST_CASE("a process without a host keeps its sandbox in use until it ends") {
    Provider provider;
    const std::string id = provider.create(limited(0, 400));
    TestCaller caller;
    TestSink sink;
    sink.on_output = [&] { caller.detach(); };
    const rooms::ProcessEnd end =
        provider.sandboxes.run(id, Provider::shell("echo up; sleep 1.5; touch lasted"), caller, sink);
    CHECK(end.kind == BERTH_ENDED_DETACHED);
    const rooms::Descriptor directory = directory_of(provider, id);
    CHECK(rooms::wait_gone(first_process_of(provider, id), minutes{2}));
    // Looked at without asking Berth, which would remove it.
    CHECK(::faccessat(directory.get(), "workspace/lasted", F_OK, 0) == 0);
    CHECK(is_gone(provider, id));
}

TEST_CASE("the end comes at the same moment after a restart, and ends what runs as killed") {
    Provider provider;
    const std::string id = create_with_ttl(provider);
    const rooms::Info before = provider.sandboxes.get(id);
    try {
        const rooms::Info after = provider.sandboxes.restart(id, provider.caller);
        CHECK(after.expires_at_ms == before.expires_at_ms);
        const Result result = provider.run(id, "echo up; sleep 1000");
        CHECK(result.end.kind == BERTH_ENDED_KILLED);
    } catch (const rooms::Failure& failure) {
        INFO(failure.message);  // it was over sooner
        CHECK(
            (failure.code == BERTH_NOT_FOUND || failure.code == BERTH_CANCELLED || failure.code == BERTH_UNAVAILABLE));
    }
    wait_until([&] { return is_gone(provider, id); });
    CHECK(failure_of([&] { provider.sandboxes.destroy(id, provider.caller); }).code == BERTH_NOT_FOUND);
    check_nothing_left(provider);
}

TEST_CASE("one whose first process was killed is kept for another idle time, and can be restarted in it") {
    Provider provider;
    const std::string id = provider.create(limited(0, 300'000));
    provider.run(id, "echo kept > file");
    kill_first_process(provider, id);
    CHECK(provider.sandboxes.get(id).state == rooms::State::stopped);
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, "cat file").out == "kept\n");

    const std::string other = provider.create(limited(0, 1000));
    kill_first_process(provider, other);
    const std::string path = provider.directory.path() / "state/local/sandboxes" / other;
    wait_until([&] { return is_gone(provider, other); });
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(provider.sandboxes.list(provider.caller).size() == 1);
}

TEST_CASE("the next create removes what is over, and looks at nothing else") {
    Provider provider;
    const std::string staying = provider.create(limited(3'600'000, 3'600'000));
    const std::string id = create_with_ttl(provider);
    const std::filesystem::path sandboxes = provider.directory.path() / "state/local/sandboxes";
    CHECK(rooms::wait_gone(first_process_of(provider, id), minutes{2}));
    CHECK(std::filesystem::exists(sandboxes / id));
    wait_until([&] {
        provider.sandboxes.destroy(provider.create(), provider.caller);
        return !std::filesystem::exists(sandboxes / id);
    });
    CHECK(provider.sandboxes.get(staying).state == rooms::State::ready);
}

TEST_CASE("what is over while its destroyer is dead goes with whoever looks, also as root's next boot") {
    Provider provider;
    const std::string id = create_with_ttl(provider);
    const rooms::Descriptor directory = directory_of(provider, id);
    kill_first_process(provider, id);
    // As after a reboot: the note of who runs is of another one.
    rooms::write_file(directory.get(), "init", "1 1 another-boot\n", rooms::Durable::no);
    wait_until([&] { return is_gone(provider, id); });
    check_nothing_left(provider);
}

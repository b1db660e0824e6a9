// Limits that hold: each is tried from inside. Needs control groups that this user may use; where there are none the
// program says why and answers 77 (skipped).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "local/features.hpp"
#include "local/sandbox_limits.hpp"
#include "room.hpp"

using namespace room;

int main(int argc, char** argv) {
    for (const rooms::WithdrawnFeature& feature : rooms::withdrawn_features({})) {
        if (feature.name == "memory_limit" || feature.name == "cpu_limit" || feature.name == "pids_limit") {
            std::fprintf(stderr, "skipped: no %s here: %s\n", feature.name.c_str(), feature.reason.c_str());
            return 77;
        }
    }
    return doctest::Context(argc, argv).run();
}

namespace {

// Touches 300 MB, and no more: should the limit not hold, the machine survives it.
rooms::RunRequest hog() {
    return Provider::command({"dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"});
}

rooms::CreateRequest with_memory(std::uint64_t mib) {
    rooms::CreateRequest request;
    request.memory_limit_mib = mib;
    return request;
}

// Directories of the sandbox's control group.
std::vector<std::string> groups_of(const std::string& state_path) {
    std::vector<std::string> paths;
    std::ifstream note(std::filesystem::path(state_path) / "groups");
    for (std::string line; std::getline(note, line);) {
        paths.push_back(line.substr(line.find('/')));
    }
    return paths;
}

bool any_exists(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        if (std::filesystem::exists(path)) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("what outgrows the memory limit is ended, and that is said") {
    Provider provider;
    const std::string id = provider.create(with_memory(64));
    const Result result = provider.run(id, hog());
    CHECK(result.end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    CHECK(result.end.signal == SIGKILL);
    // The sandbox lives on, and what it did not do itself is not held against the next process.
    const Result killed = provider.run(id, "kill -9 $$");
    CHECK(killed.end.kind == BERTH_ENDED_SIGNALLED);
    CHECK(provider.run(id, "echo on").out == "on\n");
}

TEST_CASE("without a limit nothing is made, and the same process runs through") {
    Provider provider;
    rooms::CreateRequest request = with_memory(0);
    request.cpu_limit = 0;
    request.pids_limit = 0;
    const std::string id = provider.create(request);
    CHECK(provider.run(id, hog()).end.exit_code == 0);
    const rooms::Info info = provider.sandboxes.get(id);
    CHECK(groups_of(info.state_path).empty());
    CHECK_FALSE(info.record.memory_limit_mib.has_value());
    CHECK_FALSE(provider.sandboxes.usage(id, provider.caller).memory_limit_bytes.has_value());
}

TEST_CASE("files in memory count towards the limit") {
    Provider provider;
    const std::string id = provider.create(with_memory(64));
    const Result result =
        provider.run(id, Provider::command({"dd", "if=/dev/zero", "of=/dev/shm/file", "bs=1M", "count=150"}));
    CHECK(result.end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    CHECK(provider.sandboxes.usage(id, provider.caller).memory_bytes.value_or(0) > (30U << 20));
    // Full as it is, the sandbox may lose its first process with the next command. A restart helps.
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, "test ! -e /dev/shm/file").end.exit_code == 0);
}

TEST_CASE("limits are shown, hold for setup commands, and survive a restart") {
    Provider provider;
    rooms::CreateRequest request = with_memory(64);
    request.cpu_limit = 150;
    request.pids_limit = 50;
    request.setup_commands = {"dd if=/dev/zero of=/dev/null bs=300M count=1; echo $? > ended"};
    const std::string id = provider.create(request);
    CHECK(provider.run(id, "cat ended").out == "137\n");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, hog()).end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    const rooms::Info info = provider.sandboxes.get(id);
    CHECK(info.record.memory_limit_mib == 64U);
    CHECK(info.record.cpu_limit == 150.0);
    CHECK(info.record.pids_limit == 50U);
    const rooms::UsageFigures usage = provider.sandboxes.usage(id, provider.caller);
    CHECK(usage.memory_limit_bytes == 64U << 20);
    CHECK(usage.cpu_limit_percent == 150.0);
    CHECK(usage.memory_bytes.value_or(0) > 0);
    CHECK(usage.memory_bytes.value_or(~0ULL) <= 64U << 20);
}

TEST_CASE("a process that uses a CPU needs the longer for it, the lower the limit is") {
    Provider provider;
    rooms::CreateRequest request;
    request.cpu_limit = 20;
    const std::string id = provider.create(request);
    // 0.4 s of CPU time, counted by the process itself: at a fifth of a core no machine has it within a second.
    const auto begin = std::chrono::steady_clock::now();
    const Result result = provider.run(id,
                                       "while :; do read -r line < /proc/$$/stat; set -- $line; "
                                       "[ $((${14} + ${15})) -lt 40 ] || break; done");
    CHECK(result.end.exit_code == 0);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1));
}

TEST_CASE("no more processes than the limit, and the sandbox can still be ended") {
    Provider provider;
    rooms::CreateRequest request;
    request.pids_limit = 12;
    const std::string id = provider.create(request);
    const Result result = provider.run(id, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; echo all");
    CHECK(result.out.empty());
    CHECK(result.err.find("fork") != std::string::npos);
    const auto count = provider.sandboxes.usage(id, provider.caller).process_count.value_or(0);
    CHECK(count <= 12);
    CHECK(count >= 8);
    provider.sandboxes.destroy(id, provider.caller);
}

TEST_CASE("the least number of processes is enough for one command; fewer are refused") {
    Provider provider;
    rooms::CreateRequest request;
    request.pids_limit = 3;
    CHECK(provider.run(provider.create(request), "echo one").out == "one\n");
    request.idempotency_key.clear();
    request.pids_limit = 2;
    CHECK(failure_of([&] { (void)provider.create(request); }).code == BERTH_INVALID_ARGUMENT);
    CHECK(provider.sandboxes.list(provider.caller).size() == 1);
}

TEST_CASE("nothing of the group is left after destroy, restart, or a create that failed") {
    Provider provider;
    rooms::CreateRequest request = with_memory(64);
    request.cpu_limit = 50;
    request.pids_limit = 50;
    const std::string id = provider.create(request);
    const std::vector<std::string> groups = groups_of(provider.sandboxes.get(id).state_path);
    REQUIRE_FALSE(groups.empty());
    CHECK(any_exists(groups));
    (void)provider.run(id, "sleep 1000 & true");
    provider.sandboxes.destroy(id, provider.caller);
    CHECK_FALSE(any_exists(groups));
    request.idempotency_key.clear();
    request.setup_commands = {"cat /proc/self/cgroup > /dev/null; exit 3"};
    request.idempotency_key = "fails";
    MemorySource none;
    std::string failed;
    (void)failure_of([&] {
        (void)provider.sandboxes.create(request, none, provider.caller,
                                        [&](const rooms::Info& info) { failed = info.record.id; });
    });
    REQUIRE_FALSE(failed.empty());
    for (std::string path : groups) {
        CHECK_FALSE(std::filesystem::exists(path.replace(path.find(id), id.size(), failed)));
    }
}

TEST_CASE("the group of a sandbox whose maker was killed goes with the next list") {
    Provider provider;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const rooms::Descriptor reading(ends[0]);
    rooms::Descriptor writing(ends[1]);
    const pid_t maker = ::fork();
    if (maker == 0) {
        rooms::CreateRequest request = with_memory(64);
        request.idempotency_key = "half";
        request.setup_commands = {"touch here; sleep 1000"};
        MemorySource none;
        TestCaller caller;
        provider.sandboxes.create(request, none, caller, [&](const rooms::Info& info) {
            [[maybe_unused]] const ssize_t size =
                ::write(writing.get(), info.state_path.data(), info.state_path.size());
        });
        ::_exit(0);
    }
    writing.reset();
    char buffer[4096];
    const ssize_t size = ::read(reading.get(), buffer, sizeof buffer);
    REQUIRE(size > 0);
    const std::string state_path(buffer, static_cast<std::size_t>(size));
    while (!std::filesystem::exists(state_path + "/workspace/here")) {
        ::poll(nullptr, 0, 5);
    }
    const std::vector<std::string> groups = groups_of(state_path);
    CHECK(any_exists(groups));
    ::kill(maker, SIGKILL);
    REQUIRE(::waitpid(maker, nullptr, 0) == maker);
    CHECK(provider.sandboxes.list(provider.caller).empty());
    CHECK_FALSE(any_exists(groups));
}

namespace {

rooms::RunRequest with_own_memory(rooms::RunRequest request, std::uint64_t mib) {
    request.memory_limit_mib = mib;
    return request;
}

// Groups of single processes below those of the sandbox.
std::size_t run_groups_of(const std::string& state_path) {
    std::size_t count = 0;
    for (const std::string& path : groups_of(state_path)) {
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            count += entry.path().filename().string().starts_with("run-") ? 1 : 0;
        }
    }
    return count;
}

}  // namespace

TEST_CASE("a process's own limits bound it and what it starts, and nobody else") {
    Provider provider;
    const std::string id = provider.create();
    const std::string state_path = provider.sandboxes.get(id).state_path;
    CHECK(provider.run(id, with_own_memory(hog(), 64)).end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    CHECK(
        provider.run(id, with_own_memory(Provider::shell("dd if=/dev/zero of=/dev/null bs=300M count=1; echo $?"), 64))
            .out == "137\n");
    CHECK(provider.run(id, hog()).end.exit_code == 0);
    CHECK(run_groups_of(state_path) == 0);
    rooms::RunRequest slow = Provider::shell("cat /proc/self/cgroup");
    slow.cpu_limit = 50;
    slow.memory_limit_mib = 0;
    CHECK(provider.run(id, slow).end.exit_code == 0);
    provider.sandboxes.destroy(id, provider.caller);
}

TEST_CASE("a process's limit does not widen the sandbox's") {
    Provider provider;
    rooms::CreateRequest request = with_memory(64);
    request.cpu_limit = 50;
    const std::string id = provider.create(request);
    rooms::RunRequest wide = with_own_memory(hog(), 1024);
    wide.cpu_limit = 400;
    CHECK(provider.run(id, wide).end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    CHECK(provider.run(id, "kill -9 $$").end.kind == BERTH_ENDED_SIGNALLED);
}

TEST_CASE("no descriptor of a control group reaches a command") {
    Provider provider;
    const std::string id = provider.create(with_memory(64));
    const std::string descriptors = "ls -l /proc/self/fd | grep -c cgroup; ls /proc/self/fd | tr '\\n' ' '";
    const std::string without = provider.run(id, descriptors).out;
    rooms::RunRequest request = with_own_memory(Provider::shell(descriptors), 32);
    request.cpu_limit = 50;
    CHECK(provider.run(id, request).out == without);
    CHECK(without.starts_with("0\n"));
}

TEST_CASE("a child left behind keeps its limit, and its group goes when it has ended") {
    Provider provider;
    const std::string id = provider.create();
    const std::string state_path = provider.sandboxes.get(id).state_path;
    REQUIRE(provider.run(id, with_own_memory(Provider::shell("sleep 1000 > /dev/null 2>&1 & echo $! > child"), 64))
                .end.exit_code == 0);
    CHECK(run_groups_of(state_path) == 1);
    (void)provider.sandboxes.get(id);
    CHECK(run_groups_of(state_path) == 1);
    CHECK(provider.run(id, "kill -9 $(cat child); while kill -0 $(cat child) 2>/dev/null; do sleep 0.1; done")
              .end.exit_code == 0);
    while (run_groups_of(state_path) != 0) {
        (void)provider.sandboxes.get(id);
    }
    provider.sandboxes.destroy(id, provider.caller);
}

TEST_CASE("a host that is killed while a limited process runs leaves no group for ever") {
    Provider provider;
    const std::string id = provider.create();
    const std::string state_path = provider.sandboxes.get(id).state_path;
    const pid_t host = ::fork();
    if (host == 0) {
        TestSink sink;
        TestCaller caller;
        (void)provider.sandboxes.run(id, with_own_memory(Provider::shell("touch here; sleep 1000"), 64), caller, sink);
        ::_exit(0);
    }
    while (!std::filesystem::exists(state_path + "/workspace/here")) {
        ::poll(nullptr, 0, 5);
    }
    ::kill(host, SIGKILL);
    REQUIRE(::waitpid(host, nullptr, 0) == host);
    (void)provider.sandboxes.list(provider.caller);
    CHECK(run_groups_of(state_path) == 1);  // it still runs, still limited
    const std::vector<std::string> groups = groups_of(state_path);
    provider.sandboxes.destroy(id, provider.caller);
    CHECK_FALSE(groups.empty());
    CHECK_FALSE(any_exists(groups));
}

TEST_CASE("many limited processes at once each have a group of their own") {
    Provider provider;
    const std::string id = provider.create();
    std::atomic<int> right = 0;
    std::atomic<int> failed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 3; ++round) {
                try {
                    const Result result = provider.run(id, with_own_memory(Provider::shell("echo right"), 64));
                    right += result.out == "right\n" ? 1 : 0;
                } catch (const rooms::Failure&) {
                    ++failed;  // thrown out of a thread it would end the whole program and leave its sandboxes behind
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(right == 24);
    CHECK(failed == 0);
    CHECK(run_groups_of(provider.sandboxes.get(id).state_path) == 0);
}

namespace {

// What code of an ordinary user's sandbox may do where it has namespaces of its own: see the control group it is in,
// take its limits away and make groups below it. Fails where the group is root's.
constexpr const char* rebellion =
    "unshare -UrmC sh -c 'mkdir /tmp/seen; mount -t cgroup -o memory none /tmp/seen || "
    "mount -t cgroup2 none /tmp/seen; cd /tmp/seen; for file in memory.memsw.limit_in_bytes memory.limit_in_bytes; do "
    "[ ! -e $file ] || echo -1 > $file; done; [ ! -e memory.max ] || echo max > memory.max; "
    "mkdir -p deep/er/still wide && echo made' 2> /dev/null; ";

rooms::Settings with_namespaces(rooms::Settings settings) {
    settings.user_namespaces = rooms::UserNamespaces::allowed;
    return settings;
}

}  // namespace

TEST_CASE("limits hold against who may mount control groups, and groups made there do not keep a sandbox from going") {
    Provider provider(with_namespaces);
    const std::string id = provider.create(with_memory(64));
    const std::vector<std::string> groups = groups_of(provider.sandboxes.get(id).state_path);
    REQUIRE_FALSE(groups.empty());
    const Result made = provider.run(id, std::string(rebellion) + "true");
    CHECK((made.out == "made\n") == (::geteuid() != 0));
    CHECK(provider.run(id, hog()).end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, hog()).end.kind == BERTH_ENDED_OUT_OF_MEMORY);
    provider.sandboxes.destroy(id, provider.caller);
    CHECK_FALSE(any_exists(groups));
}

TEST_CASE("a process's own limits hold against who may mount control groups") {
    Provider provider(with_namespaces);
    const std::string id = provider.create();
    const std::string line =
        std::string(rebellion) + "dd if=/dev/zero of=/dev/null bs=300M count=1 2> /dev/null; echo $?";
    const Result result = provider.run(id, with_own_memory(Provider::shell(line), 64));
    CHECK(result.out == (::geteuid() == 0 ? "137\n" : "made\n137\n"));
    provider.sandboxes.destroy(id, provider.caller);
}

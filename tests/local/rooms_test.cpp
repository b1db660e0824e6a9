// The small rooms one by one: paths, records, ids, locks, process identities, bubblewrap's arguments,
// removal.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "local/etc_tree.hpp"
#include "local/first_process.hpp"
#include "local/launch.hpp"
#include "local/process_id.hpp"
#include "local/sandbox_path.hpp"
#include "local/store.hpp"
#include "room.hpp"

using namespace room;

TEST_CASE("paths are made absolute and normal, and cannot leave the root") {
    CHECK(rooms::resolve_path("/workspace", "a") == "/workspace/a");
    CHECK(rooms::resolve_path("/workspace", "./a//b/./c/") == "/workspace/a/b/c");
    CHECK(rooms::resolve_path("/workspace", "/a/../b") == "/b");
    CHECK(rooms::resolve_path("/workspace", "..") == "/");
    CHECK(rooms::resolve_path("/", "x") == "/x");
    CHECK(rooms::resolve_path("/workspace", "...") == "/workspace/...");
    CHECK(failure_of([] { (void)rooms::resolve_path("/workspace", "../.."); }).code == BERTH_PATH_ESCAPE);
    CHECK(failure_of([] { (void)rooms::resolve_path("/workspace", "/a/../../b"); }).code == BERTH_PATH_ESCAPE);
    CHECK(failure_of([] { (void)rooms::resolve_path("/workspace", ""); }).code == BERTH_INVALID_ARGUMENT);
    CHECK(failure_of([] { (void)rooms::resolve_path("/", std::string_view("a\0b", 3)); }).code ==
          BERTH_INVALID_ARGUMENT);
}

TEST_CASE("a record comes back as it was, bytes included; anything else is no record") {
    rooms::Record record;
    record.id = "abc";
    record.stage = rooms::Stage::live;
    record.generation = 7;
    record.uid = 1'900'000'001;
    record.idempotency_key = "k\xff\x01";
    record.name = "n\"ü";
    record.network = rooms::Network::outbound;
    record.environment = {{"A", std::string("\x80\x00\xfe", 3), true}, {"B", "", false}};
    record.labels = {{"l", "v"}};
    const auto back = rooms::parse_record(rooms::to_text(record));
    REQUIRE(back.has_value());
    CHECK(back->stage == rooms::Stage::live);
    CHECK(back->generation == 7);
    CHECK(back->uid == record.uid);
    CHECK(back->idempotency_key == record.idempotency_key);
    CHECK(back->name == record.name);
    CHECK(back->environment[0].value == record.environment[0].value);
    CHECK(back->environment[0].secret);
    CHECK(back->network == rooms::Network::outbound);
    const std::string text = rooms::to_text(record);
    for (std::size_t size = 0; size < text.size() - 2; ++size) {
        CHECK_FALSE(rooms::parse_record(text.substr(0, size)).has_value());
    }
    CHECK_FALSE(rooms::parse_record("{\"format\": 2}").has_value());
}

TEST_CASE("only ids of ours are looked for") {
    CHECK(rooms::is_id(rooms::new_id()));
    CHECK(rooms::new_id() != rooms::new_id());
    for (const char* id :
         {"", "short", "../../../../etc/", "ABCDEFGHIJKLMNOP", "abcdefghijklmno/", "abcdefghijklmnopq"}) {
        CHECK_FALSE(rooms::is_id(id));
    }
}

TEST_CASE("a lock is held by one at a time, and a cancel ends the wait") {
    const TemporaryDirectory directory;
    const rooms::Store store(directory.path() / "state", "p", rooms::Store::Accounts::ours);
    const std::string id = rooms::new_id();
    const rooms::Descriptor sandbox = store.make(id);
    TestCaller caller;
    {
        const rooms::Lock held = store.lock(sandbox, caller);
        CHECK(held);
        CHECK_FALSE(store.try_lock(sandbox));
        TestCaller hasty;
        hasty.cancel();
        CHECK_FALSE(store.lock(sandbox, hasty));
    }
    CHECK(store.try_lock(sandbox));
}

TEST_CASE("those who only ask about a lock are not in each other's way") {
    const TemporaryDirectory directory;
    const rooms::Store store(directory.path() / "state", "p", rooms::Store::Accounts::ours);
    const rooms::Descriptor sandbox = store.make(rooms::new_id());
    CHECK_FALSE(store.is_locked(sandbox));
    CHECK(entries(directory.path() / "state/p/sandboxes") == 1);
    CHECK(rooms::names_in(sandbox.get()).empty());  // asking makes nothing
    TestCaller caller;
    const rooms::Lock held = store.lock(sandbox, caller);
    CHECK(store.is_locked(sandbox));
}

TEST_CASE("lifetimes: only those whose moment has come are due") {
    const TemporaryDirectory directory;
    const rooms::Store store(directory.path() / "state", "p", rooms::Store::Accounts::ours);
    const std::string early = rooms::new_id();
    const std::string late = rooms::new_id();
    store.look_again(early, 1'700'000'000'123);
    store.look_again(late, 1'700'000'000'124);
    CHECK(store.due(1'700'000'000'122).empty());
    CHECK(store.due(1'700'000'000'123) == std::vector{early});
    CHECK(store.due(1'700'000'000'124).size() == 2);
    store.look_again(early, 1'900'000'000'000);
    CHECK(store.due(1'700'000'000'124) == std::vector{late});
    store.look_no_more(late);
    CHECK(store.due(1'700'000'000'124).empty());
}

TEST_CASE("a directory goes although somebody waits for its lock") {
    const TemporaryDirectory directory;
    const rooms::Store store(directory.path() / "state", "p", rooms::Store::Accounts::ours);
    TestCaller caller;
    const std::string id = rooms::new_id();
    const rooms::Descriptor sandbox = store.make(id);
    CHECK(rooms::Store::is_blank(sandbox));
    store.write(sandbox, rooms::Record{});
    CHECK_FALSE(rooms::Store::is_blank(sandbox));
    rooms::Lock held = store.lock(sandbox, caller);
    store.remove_directory(id, sandbox);
    CHECK_FALSE(store.open(id));
    held.reset();
    CHECK(failure_of([&] { (void)store.lock(sandbox, caller); }).code == BERTH_NOT_FOUND);
}

TEST_CASE("a note of unfinished work that nobody holds can be taken over, one that is held cannot") {
    const TemporaryDirectory directory;
    const rooms::Store store(directory.path() / "state", "p", rooms::Store::Accounts::ours);
    const std::string id = rooms::new_id();
    TestCaller caller;
    {
        const rooms::Lock held = store.begin(id, caller);
        CHECK(store.unfinished() == std::vector{id});
        CHECK_FALSE(store.try_begin(id));
    }
    CHECK(store.try_begin(id));
    store.finish(id);
    CHECK(store.unfinished().empty());
    CHECK(store.try_begin(id));  // made anew, for what was left without one
    store.finish(id);
}

TEST_CASE("a state directory that others can change is refused") {
    const TemporaryDirectory directory;
    const std::filesystem::path state = directory.path() / "state";
    { const rooms::Store store(state, "p", rooms::Store::Accounts::ours); }
    REQUIRE(::chmod((state / "p").c_str(), 0777) == 0);
    CHECK(failure_of([&] { const rooms::Store store(state, "p", rooms::Store::Accounts::ours); }).code ==
          BERTH_PERMISSION_DENIED);
}

// An ordinary user's temporary directory may itself lie in a closed one: then that one is the first in the way.
static std::filesystem::path first_closed_parent(const std::filesystem::path& path) {
    std::filesystem::path parent;
    for (const auto& part : path) {
        parent /= part;
        struct stat found {};
        if (::stat(parent.c_str(), &found) == 0 && (found.st_mode & S_IXOTH) == 0) {
            return parent;
        }
    }
    return path;
}

TEST_CASE("a state directory that the accounts of sandboxes could not reach is refused, with the directory's name") {
    const TemporaryDirectory directory;
    const std::filesystem::path closed = directory.path() / "closed";
    REQUIRE(::mkdir(closed.c_str(), 0700) == 0);
    const rooms::Failure failure =
        failure_of([&] { const rooms::Store store(closed / "state", "p", rooms::Store::Accounts::own); });
    CHECK(failure.code == BERTH_INVALID_ARGUMENT);
    CHECK(failure.hint.find("chmod o+x " + first_closed_parent(closed).string() + ",") != std::string::npos);
}

TEST_CASE("a process is known by more than its number") {
    const auto self = rooms::ProcessId::of(::getpid());
    REQUIRE(self.has_value());
    CHECK(self->alive());
    CHECK(rooms::ProcessId::parse(self->text())->start == self->start);
    rooms::ProcessId earlier = *self;
    earlier.start -= 1;
    CHECK_FALSE(earlier.alive());
    CHECK_FALSE(earlier.open());
    rooms::ProcessId other_boot = *self;
    other_boot.boot = "another";
    CHECK_FALSE(other_boot.alive());
    for (const char* text : {"", "x", "1", "-1 2 b", "0 0 b"}) {
        CHECK_FALSE(rooms::ProcessId::parse(text).has_value());
    }
    CHECK_FALSE(rooms::ProcessId::of(0).has_value());
}

TEST_CASE("the first process of a namespace is found from any process in it, and only there") {
    Provider provider;
    const std::string id = provider.create();
    const int first = *provider.sandboxes.get(id).first_process;
    CHECK(rooms::first_in_namespace(first) == first);
    TestCaller caller;
    TestSink sink;
    bool seen = false;
    sink.on_output = [&] {
        // The command's helper, and the command.
        pid_t child = first;
        for (int depth = 0; depth < 2; ++depth) {
            const std::string task = std::to_string(child);
            std::ifstream("/proc/" + task + "/task/" + task + "/children") >> child;
            CHECK(rooms::first_in_namespace(child) == first);
            seen = child != first;
        }
        caller.cancel();
    };
    rooms::RunRequest request = Provider::shell("echo up; sleep 60");
    request.process.kill_grace_ms = 0;
    (void)provider.sandboxes.run(id, std::move(request), caller, sink);
    CHECK(seen);
    CHECK_FALSE(rooms::first_in_namespace(0).has_value());
}

TEST_CASE("bubblewrap is told to unshare everything, and the network unless the host's was asked for") {
    rooms::LaunchPlan plan;
    plan.bubblewrap = "/usr/bin/bwrap";
    const auto has = [&](const char* word) {
        const std::vector<std::string> arguments = rooms::launch_arguments(plan);
        return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
    };
    for (const char* word : {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
                             "--as-pid-1", "--cap-drop", "--clearenv", "--remount-ro"}) {
        CHECK_MESSAGE(has(word), word);
    }
    CHECK_FALSE(has("--share-net"));
    CHECK_FALSE(has("--die-with-parent"));
    CHECK_FALSE(has("/etc/resolv.conf"));
    plan.network = rooms::Network::host;
    CHECK_FALSE(has("--unshare-net"));
    CHECK(has("/etc/resolv.conf"));
}

TEST_CASE("a tree is removed without following links, whatever its modes, names and depth") {
    const TemporaryDirectory directory;
    const std::filesystem::path tree = directory.path() / "tree";
    const std::filesystem::path outside = directory.path() / "outside";
    std::filesystem::create_directories(outside / "kept");
    std::filesystem::create_directories(tree / "a" / "b" / "c");
    std::filesystem::create_symlink(outside, tree / "link");
    std::filesystem::create_symlink(outside, tree / "a" / "link");
    std::ofstream(tree / "a" / "b" / "c" / "file") << "x";
    std::ofstream(tree / std::string("odd\n\xff")) << "x";
    for (const char* closed : {"a/b/c", "a/b", "a"}) {
        REQUIRE(::chmod((tree / closed).c_str(), 0000) == 0);
    }
    std::filesystem::create_directories(tree / "read" / "only");
    std::ofstream(tree / "read" / "only" / "file") << "x";
    for (const char* kept : {"read/only", "read"}) {
        REQUIRE(::chmod((tree / kept).c_str(), 0500) == 0);
    }
    const rooms::Descriptor parent = rooms::open_directory(AT_FDCWD, directory.path());
    rooms::remove_tree(parent.get(), "tree");
    CHECK_FALSE(std::filesystem::exists(tree));
    CHECK(std::filesystem::exists(outside / "kept"));
    rooms::remove_tree(parent.get(), "tree");  // gone already: fine
    std::filesystem::create_symlink(outside, directory.path() / "named");
    rooms::remove_tree(parent.get(), "named");
    CHECK(std::filesystem::exists(outside / "kept"));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), std::filesystem::directory_iterator()) ==
          1);
}

TEST_CASE("the size of a tree counts hard links once and is unknown when a directory is closed") {
    const TemporaryDirectory directory;
    const std::filesystem::path tree = directory.path() / "tree";
    std::filesystem::create_directories(tree / "closed");
    std::ofstream(tree / "file") << std::string(1 << 20, 'x');
    const rooms::Descriptor parent = rooms::open_directory(AT_FDCWD, directory.path());
    const long long alone = rooms::tree_bytes(parent.get(), "tree");
    CHECK(alone >= 1 << 20);
    std::filesystem::create_hard_link(tree / "file", tree / "again");
    CHECK(rooms::tree_bytes(parent.get(), "tree") == alone);
    CHECK(rooms::tree_bytes(parent.get(), "missing") == -1);
    if (::geteuid() != 0) {  // nothing is closed to root
        REQUIRE(::chmod((tree / "closed").c_str(), 0000) == 0);
        CHECK(rooms::tree_bytes(parent.get(), "tree") == -1);
        REQUIRE(::chmod((tree / "closed").c_str(), 0700) == 0);
    }
}

TEST_CASE("what a killed test left behind goes with the next run, what a living one has stays") {
    Provider living;
    const std::string id = living.create();
    const rooms::Descriptor writing(::memfd_create("place", MFD_CLOEXEC));
    const auto [child, orphan] = forked([&](const auto& say) {
        Provider provider;
        const std::string made = provider.create();
        const std::string path = provider.directory.path();
        (void)!::pwrite(writing.get(), path.data(), path.size(), 0);
        say(made);
        for (;;) {
            ::pause();
        }
    });
    std::string place(4096, '\0');
    place.resize(static_cast<std::size_t>(::pread(writing.get(), place.data(), place.size(), 0)));
    const auto state = rooms::open_directory(AT_FDCWD, place + "/state/local/sandboxes/" + orphan);
    const rooms::Descriptor first = rooms::first_process(state)->open();
    remove_leftovers();
    CHECK(std::filesystem::exists(place));  // its test lives
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    remove_leftovers();
    CHECK_FALSE(std::filesystem::exists(place));
    CHECK(rooms::wait_gone(first, std::chrono::minutes{1}));
    CHECK(living.sandboxes.get(id).state == rooms::State::ready);
}

TEST_CASE("the /etc of sandboxes is made once, whoever comes at once, and what a killed maker left of one goes") {
    const TemporaryDirectory directory;
    const auto state = rooms::make_directory(AT_FDCWD, directory.path() / "state", 0755);  // its own one has a lock
    {
        const auto half = rooms::make_directory(state.get(), ".etc-of-somebody-who-was-killed", 0755);
        rooms::put_file(half.get(), "passwd", "half of");
    }
    std::vector<std::thread> makers;
    for (int maker = 0; maker < 4; ++maker) {
        makers.emplace_back([&] {
            const auto tree = rooms::open_etc_tree(state.get());
            CHECK(rooms::read_file(tree.get(), "passwd", 4096).value_or("").find("sandbox") != std::string::npos);
        });
    }
    for (auto& maker : makers)
        maker.join();
    const auto names = rooms::names_in(state.get());
    REQUIRE(names.size() == 1);
    CHECK(names[0].starts_with("etc-"));
}

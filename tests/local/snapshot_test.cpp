// Snapshots of sandboxes: taken, put back here and elsewhere, and nothing half done however it ends.
#include <sys/wait.h>

#include <fstream>

#include "snapshot_room.hpp"

using namespace room;
namespace fs = std::filesystem;

namespace {

// Whether the trees of this sandbox are just changing places.
bool is_swapping(const std::string& state_path) {
    return fs::exists(state_path + "/restore");
}

constexpr const char* tree =
    "echo old > file; ln file hard; ln -s file soft; mkdir -p d/e; chmod 700 d; echo t > /tmp/t; echo h > ~/h; "
    "mkfifo p; chmod 000 d/e; touch -d '2001-02-03 04:05:06.789' file";
constexpr const char* shown =
    "cat file hard soft /tmp/t ~/h; stat -c '%a %h %Y %n' file d soft; stat -c %F p; stat -c %a d/e /tmp";

}  // namespace

TEST_CASE("files and variables come back, what was made since is gone, processes end") {
    Provider provider;
    rooms::CreateRequest request;
    request.environment = {{"A", "1"}, {"S", "secret", true}};
    const std::string id = provider.create(request);
    REQUIRE(provider.run(id, tree).end.exit_code == 0);
    const std::string before = provider.run(id, shown).out;
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "first", provider.caller);
    CHECK(rooms::is_id(snapshot));
    CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
    provider.sandboxes.set_environment(id, {{"A", "2"}, {"B", "3"}}, {"S"}, provider.caller);
    for (int round = 0; round < 2; ++round) {
        provider.run(id, "rm -rf * /tmp/t; echo new > file; mkdir made; sleep 1000 >/dev/null 2>&1 &");
        provider.sandboxes.restore_snapshot(id, snapshot, provider.caller);
        const rooms::Info info = provider.sandboxes.get(id);
        CHECK(info.state == rooms::State::ready);
        CHECK(provider.run(id, shown).out == before);
        CHECK(provider.run(id, "echo $A$B$S; ls -A | wc -l; pgrep sleep").out == "1secret\n5\n");
        CHECK(provider.sandboxes.environment(id).size() == 2);
        CHECK(provider.sandboxes.environment(id)[1].secret);
    }
    check_nothing_unfinished(provider, 1);
    const std::vector<rooms::SnapshotRecord> all = provider.sandboxes.list_snapshots();
    CHECK(all[0].name == "first");
    CHECK(all[0].sandbox == id);
    CHECK(all[0].copied.bytes > 0);
    provider.sandboxes.delete_snapshot(snapshot, provider.caller);
    check_nothing_unfinished(provider, 0);
    CHECK(failure_of([&] { provider.sandboxes.delete_snapshot(snapshot, provider.caller); }).code ==
          BERTH_SNAPSHOT_NOT_FOUND);
    CHECK(failure_of([&] { provider.sandboxes.restore_snapshot(id, snapshot, provider.caller); }).code ==
          BERTH_SNAPSHOT_NOT_FOUND);
    CHECK(failure_of([&] { provider.sandboxes.delete_snapshot("../../x", provider.caller); }).code ==
          BERTH_SNAPSHOT_NOT_FOUND);
}

TEST_CASE("a snapshot outlives its sandbox and belongs to whoever it is restored into") {
    Provider provider;
    const std::string first = provider.create();
    provider.run(first, "umask 077; echo carried > file; mkdir private");
    const std::string snapshot = provider.sandboxes.create_snapshot(first, "s", provider.caller);
    provider.sandboxes.destroy(first, provider.caller);
    const std::string second = provider.create();
    provider.sandboxes.restore_snapshot(second, snapshot, provider.caller);
    CHECK(provider.run(second, "cat file; echo more >> file && touch private/x && rm -r private && echo mine").out ==
          "carried\nmine\n");
    provider.sandboxes.delete_snapshot(snapshot, provider.caller);
}

TEST_CASE("a stopped sandbox takes one back and runs again; none is taken of it") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo old > file");
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "s", provider.caller);
    provider.run(id, "echo new > file");
    ::kill(*provider.sandboxes.get(id).first_process, SIGKILL);
    for (int i = 0; i < 2000 && provider.sandboxes.get(id).state != rooms::State::stopped; ++i) {
        ::poll(nullptr, 0, 5);
    }
    CHECK(failure_of([&] { (void)provider.sandboxes.create_snapshot(id, "t", provider.caller); }).code ==
          BERTH_NOT_READY);
    provider.sandboxes.restore_snapshot(id, snapshot, provider.caller);
    CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
    CHECK(provider.run(id, "cat file").out == "old\n");
}

TEST_CASE("while one is taken the sandbox is busy and usable, a second one is refused; cancelled, nothing is left") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo x > file");
    rooms::Sandboxes other(provider.settings());
    int looked = 0;
    ActingCaller caller([&] {
        if (looked++ == 0) {
            TestCaller own;
            CHECK(other.get(id).state == rooms::State::busy);
            CHECK(other.is_ready(id));
            CHECK(other.list_snapshots().empty());
            CHECK(failure_of([&] { (void)other.create_snapshot(id, "second", own); }).code == BERTH_CONFLICT);
            CHECK(provider.run(id, "cat file").out == "x\n");
            other.set_environment(id, {{"A", "1"}}, {}, own);
        }
        return true;
    });
    CHECK(failure_of([&] { (void)provider.sandboxes.create_snapshot(id, "s", caller); }).code == BERTH_CANCELLED);
    CHECK(looked > 0);
    CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
    check_nothing_unfinished(provider, 0);
}

TEST_CASE("a maker that is killed leaves a half snapshot that goes with the next list") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "mkdir d; echo x > d/file");
    const pid_t child = ::fork();
    if (child == 0) {
        rooms::Sandboxes own(provider.settings());
        ActingCaller caller([&]() -> bool { ::_exit(9); });
        (void)own.create_snapshot(id, "s", caller);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WEXITSTATUS(status) == 9);
    CHECK(entries(state_of(provider) / "snapshots") == 1);
    check_nothing_unfinished(provider, 0);
    CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
}

TEST_CASE("what a killed delete has left goes with the next one, which says that it is gone") {
    Provider provider;
    const std::string id = provider.create();
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "s", provider.caller);
    // As far as a delete comes before it removes the trees.
    std::ofstream(state_of(provider) / "unfinished" / snapshot).flush();
    fs::remove(state_of(provider) / "snapshots" / snapshot / "record");
    CHECK(failure_of([&] { provider.sandboxes.delete_snapshot(snapshot, provider.caller); }).code ==
          BERTH_SNAPSHOT_NOT_FOUND);
    CHECK(entries(state_of(provider) / "snapshots") == 0);
    check_nothing_unfinished(provider, 0);
}

TEST_CASE("destroyed meanwhile: no snapshot, nothing left") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo x > file");
    rooms::Sandboxes other(provider.settings());
    bool done = false;
    ActingCaller caller([&] {
        if (!std::exchange(done, true)) {
            TestCaller own;
            other.destroy(id, own);
        }
        return false;
    });
    CHECK(failure_of([&] { (void)provider.sandboxes.create_snapshot(id, "s", caller); }).code == BERTH_NOT_FOUND);
    check_nothing_unfinished(provider, 0);
}

TEST_CASE("a restore that is cancelled, before or in the middle, leaves the old files and runs") {
    Provider provider;
    rooms::CreateRequest request;
    request.environment = {{"A", "old"}};
    const std::string id = provider.create(request);
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "empty", provider.caller);
    provider.run(id, "echo kept > file; mkdir -p d/e");
    provider.sandboxes.set_environment(id, {{"A", "new"}}, {}, provider.caller);
    const std::string place = provider.sandboxes.get(id).state_path;
    for (const bool in_the_middle : {false, true}) {
        bool reached = false;
        ActingCaller caller([&] {
            reached = reached || !in_the_middle || is_swapping(place);
            return reached;
        });
        CHECK(failure_of([&] { provider.sandboxes.restore_snapshot(id, snapshot, caller); }).code == BERTH_CANCELLED);
        CHECK(reached);
        CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
        CHECK(provider.run(id, "cat file; ls; echo $A").out == "kept\nd\nfile\nnew\n");
        check_nothing_unfinished(provider, 1);
    }
}

TEST_CASE("a restorer that is killed in the middle: the sandbox has one whole tree, and the next one finishes") {
    for (const bool restart_first : {false, true}) {
        Provider provider;
        rooms::CreateRequest request;
        request.environment = {{"A", "old"}};
        const std::string id = provider.create(request);
        provider.run(id, "echo old > file; echo old > /tmp/file; echo old > ~/file");
        const std::string snapshot = provider.sandboxes.create_snapshot(id, "s", provider.caller);
        provider.run(id, "echo new > file; echo new > /tmp/file; echo new > ~/file");
        provider.sandboxes.set_environment(id, {{"A", "new"}}, {}, provider.caller);
        const std::string place = provider.sandboxes.get(id).state_path;
        const pid_t child = ::fork();
        if (child == 0) {
            rooms::Sandboxes own(provider.settings());
            ActingCaller caller([&] {
                if (is_swapping(place)) {
                    ::_exit(9);
                }
                return false;
            });
            own.restore_snapshot(id, snapshot, caller);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WEXITSTATUS(status) == 9);
        if (restart_first) {
            (void)provider.sandboxes.restart(id, provider.caller);
            check_nothing_unfinished(provider, 1);
        } else {
            check_nothing_unfinished(provider, 1);
            (void)provider.sandboxes.restart(id, provider.caller);
        }
        CHECK(provider.run(id, "cat file /tmp/file ~/file; echo $A").out == "old\nold\nold\nold\n");
        CHECK_FALSE(is_swapping(place));
    }
}

TEST_CASE("a snapshot that is being restored cannot be deleted") {
    Provider provider;
    const std::string id = provider.create();
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "s", provider.caller);
    rooms::Sandboxes other(provider.settings());
    bool done = false;
    ActingCaller caller([&] {
        if (!std::exchange(done, true)) {
            TestCaller own;
            CHECK(failure_of([&] { other.delete_snapshot(snapshot, own); }).code == BERTH_CONFLICT);
        }
        return false;
    });
    provider.sandboxes.restore_snapshot(id, snapshot, caller);
    CHECK(done);
    other.delete_snapshot(snapshot, provider.caller);
    check_nothing_unfinished(provider, 0);
}

TEST_CASE("links in a sandbox lead no snapshot to the host, and no restore over it") {
    Provider provider;
    const std::string id = provider.create();
    std::ofstream(provider.directory.path() / "precious") << "precious";
    const std::string outside = provider.directory.path().string();
    provider.run(id, "ln -s " + outside + " way; ln -s /etc/passwd passwd; ln -s / ~/root");
    const std::string snapshot = provider.sandboxes.create_snapshot(id, "s", provider.caller);
    provider.run(id, "rm way passwd; mkdir way; echo x > way/precious");
    provider.sandboxes.restore_snapshot(id, snapshot, provider.caller);
    CHECK(provider.run(id, "readlink way passwd ~/root").out == outside + "\n/etc/passwd\n/\n");
    CHECK(fs::file_size(provider.directory.path() / "precious") == 8);
}

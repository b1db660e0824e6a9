// Snapshots of sandboxes from a template count over the very state of the template that they were taken with: another
// state is refused, and what was unpacked for them stays until they go.
#include <sys/stat.h>

#include <fstream>

#include "local/tree_state.hpp"
#include "ranges.hpp"
#include "tiny_root.hpp"

using namespace room;
namespace fs = std::filesystem;

namespace {

[[maybe_unused]] const bool able = need_range_of_ids();

// A provider whose template is whatever `make` leaves at a place of its own.
struct OwnTemplate : Provider {
    explicit OwnTemplate(const std::function<void(const fs::path&)>& make)
        : Provider([&](rooms::Settings settings) {
              const fs::path path = fs::path(settings.state_directory).parent_path() / "template";
              make(path);
              settings.templates = {{"own", path.string()}};
              return settings;
          }) {}
    [[nodiscard]] fs::path path() const { return directory.path() / "template"; }
    [[nodiscard]] std::size_t unpacked() const { return entries(directory.path() / "state/local/templates"); }
    std::string create_own() {
        rooms::CreateRequest request;
        request.template_name = "own";
        return create(request);
    }
    std::string snapshot(const std::string& id) { return sandboxes.create_snapshot(id, "s", caller); }
    void restore(const std::string& id, const std::string& snapshot) {
        sandboxes.restore_snapshot(id, snapshot, caller);
    }
    void check_refused(const std::string& id, const std::string& snapshot) {
        const rooms::Failure failure = failure_of([&] { restore(id, snapshot); });
        CHECK(failure.code == BERTH_INVALID_ARGUMENT);
        CHECK(failure.outcome == BERTH_OUTCOME_NONE);
        CHECK(failure.message.find("has changed") != std::string::npos);
        CHECK_FALSE(failure.hint.empty());
    }
};

// A directory that is used as it is: for an ordinary user one that belongs to the range.
void make_in_place(const fs::path& path) {
    if (::geteuid() == 0) {
        make_tiny_root(path);
        return;
    }
    const fs::path plain = path.parent_path() / "plain/template";
    make_tiny_root(plain);
    const rooms::Descriptor from = rooms::open_directory(AT_FDCWD, plain.parent_path());
    const rooms::Descriptor to = rooms::open_directory(AT_FDCWD, path.parent_path());
    const std::string answer =
        rooms::Trees(BERTH_ROOT_PROGRAM).act(range_of_ids(), from.get(), {"copy", "still", "template", ""}, {to.get()});
    REQUIRE_MESSAGE(answer.starts_with("done"), answer);
}

void remove_from(const fs::path& directory, const std::string& name) {
    const rooms::Descriptor parent = rooms::open_directory(AT_FDCWD, directory);
    rooms::Trees(BERTH_ROOT_PROGRAM).remove(parent.get(), name);
}

void make_tar(const fs::path& path) {
    const fs::path root = path.parent_path() / "plain";
    make_tiny_root(root);
    const std::string line =
        "tar -C " + root.string() + " --numeric-owner --owner=0 --group=0 -cf " + path.string() + " .";
    REQUIRE(std::system(line.c_str()) == 0);
}

void set_time(const fs::path& path, std::int64_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("over a directory that has changed since nothing is put back, and the sandbox stays as it is") {
    OwnTemplate provider(make_in_place);
    const std::string id = provider.create_own();
    CHECK(provider.unpacked() == 0);
    provider.run(id, "echo old > /data/one");
    const std::string snapshot = provider.snapshot(id);
    provider.run(id, "echo new > /data/one");
    provider.restore(id, snapshot);
    CHECK(provider.run(id, "cat /data/one").out == "old\n");
    provider.run(id, "echo newer > /data/one");
    remove_from(provider.path() / "data", "two");
    provider.check_refused(id, snapshot);
    CHECK(provider.run(id, "cat /data/one").out == "newer\n");
    // What is taken now counts over what is there now.
    provider.restore(id, provider.snapshot(id));
    CHECK(provider.run(id, "cat /data/one").out == "newer\n");
}

TEST_CASE("what was unpacked stays while a snapshot needs it, and is there again with the old tar file") {
    OwnTemplate provider(make_tar);
    set_time(provider.path(), 1'000'000'000);
    const std::string first = provider.create_own();
    provider.run(first, "echo kept > /data/one");
    const std::string snapshot = provider.snapshot(first);
    provider.sandboxes.destroy(first, provider.caller);
    set_time(provider.path(), 1'000'000'001);
    const std::string second = provider.create_own();
    CHECK(provider.unpacked() == 2);
    provider.check_refused(second, snapshot);
    set_time(provider.path(), 1'000'000'000);
    const std::string third = provider.create_own();
    CHECK(provider.unpacked() == 2);
    provider.restore(third, snapshot);
    CHECK(provider.run(third, "cat /data/one").out == "kept\n");
    provider.sandboxes.destroy(third, provider.caller);
    provider.sandboxes.delete_snapshot(snapshot, provider.caller);
    set_time(provider.path(), 1'000'000'002);
    (void)provider.create_own();
    CHECK(provider.unpacked() == 2);  // the second's and its own
}

TEST_CASE("a snapshot of one root is refused over another one, by their names") {
    OwnTemplate provider(make_in_place);
    const std::string of_host = provider.create();
    const std::string of_template = provider.create_own();
    const rooms::Failure failure = failure_of([&] { provider.restore(of_template, provider.snapshot(of_host)); });
    CHECK(failure.code == BERTH_INVALID_ARGUMENT);
    CHECK(failure.message.find("the host's root") != std::string::npos);
    CHECK(failure.message.find("own") != std::string::npos);
    CHECK(failure_of([&] { provider.restore(of_host, provider.snapshot(of_template)); }).code ==
          BERTH_INVALID_ARGUMENT);
}

TEST_CASE("the state of a tree tells every change, and that it was taken back") {
    const TemporaryDirectory directory;
    const fs::path tree = directory.path() / "tree";
    fs::create_directories(tree / "a/b");
    std::ofstream(tree / "a/file") << "one";
    for (const fs::path& path : {tree / "a/file", tree / "a/b", tree / "a", tree}) {
        set_time(path, 1'000'000'000);
    }
    const auto state = [&] { return rooms::tree_state(rooms::open_directory(AT_FDCWD, tree).get(), "/tree"); };
    const std::string before = state();
    CHECK(state() == before);
    std::ofstream(tree / "a/file") << "two";
    CHECK(state() != before);
    set_time(tree / "a/file", 1'000'000'000);  // as long, and the time set back: nothing can be seen
    CHECK(state() == before);
    REQUIRE(::chmod((tree / "a/b").c_str(), 0700) == 0);
    CHECK(state() != before);
    REQUIRE(::chmod((tree / "a/b").c_str(), 0755) == 0);
    fs::rename(tree / "a/file", tree / "a/b/file");
    CHECK(state() != before);
    fs::rename(tree / "a/b/file", tree / "a/file");
    CHECK(state() != before);  // directories tell it
    set_time(tree / "a/b", 1'000'000'000);
    set_time(tree / "a", 1'000'000'000);
    CHECK(state() == before);
}

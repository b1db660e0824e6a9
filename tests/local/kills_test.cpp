// Whoever is killed, and at whatever step of whatever call: a fresh look afterwards tells the truth, repairs, and leaves
// nothing. BERTH_KILLS=all tries every step; else a few of each call, evenly spread; a number says how many.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>

#include "killed_step.hpp"
#include "local/features.hpp"
#include "room.hpp"

using namespace room;
using killed_step::Actor;
using killed_step::Victim;
namespace fs = std::filesystem;

int main(int argc, char** argv) {
    if (const std::string obstacle = killed_step::obstacle(); !obstacle.empty()) {
        std::fprintf(stderr, "skipped: %s\n", obstacle.c_str());
        return 77;
    }
    // Whoever has lost its parent comes to us: nothing that is left can hide.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    return doctest::Context(argc, argv).run();
}

namespace {

// What the child tells the test before it dies.
struct Told {
    char id[17] = {};
    char snapshot[17] = {};
};

void tell(char (&place)[17], const std::string& id) {
    std::memcpy(place, id.data(), std::min<std::size_t>(id.size(), 16));
}

// True as soon as no process is left that we, or what we started, have made.
bool no_process_is_left() {
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG | __WALL)) > 0) {
    }
    return reaped < 0;
}

std::string processes_left() {
    std::string text;
    std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    for (std::string pid; children >> pid;) {
        std::string name;
        std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
        text += pid + " " + name + "; ";
    }
    return text;
}

std::size_t mounts_of(const Provider& provider) {
    std::size_t count = 0;
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        count += line.find(provider.directory.path().filename()) != std::string::npos ? 1 : 0;
    }
    return count;
}

std::size_t groups_of(const std::set<std::string>& ids) {
    std::size_t count = 0;
    std::error_code error;
    fs::recursive_directory_iterator entry("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename();
        count += name.starts_with("berth-") && ids.count(name.substr(6)) > 0 ? 1 : 0;
    }
    return count;
}

bool limits_are_kept_here() {
    static const bool kept = [] {
        const auto withdrawn = rooms::withdrawn_features({});
        return std::none_of(withdrawn.begin(), withdrawn.end(),
                            [](const rooms::WithdrawnFeature& feature) { return feature.name == "pids_limit"; });
    }();
    return kept;
}

const std::string old_content(300'000, 'o');
const std::string new_content(700'000, 'n');

MemorySource content(const std::string& bytes) {
    return MemorySource({{rooms::protocol::Kind::file, 0, "/workspace/target", bytes}});
}

// The call that somebody dies in, and what has to be so afterwards.
struct Scene {
    // A sandbox with a file in each of its trees, and a variable.
    virtual void prepare(rooms::Sandboxes& sandboxes, Told& told) const {
        tell(told.id, make(sandboxes, [&](const std::string&) {}));
    }
    virtual void act(rooms::Sandboxes& sandboxes, Told& told) const = 0;
    // Of a sandbox that runs, perhaps after a restart.
    virtual void look(Provider& provider, const Told& told) const {
        const Result result = provider.run(told.id, "cat kept /tmp/kept ~/kept; echo $KEPT");
        CHECK(result.out == "old\nold\nold\nold\n");
    }
    [[nodiscard]] virtual bool may_be_absent() const { return false; }
    virtual ~Scene() = default;

    static std::string make(rooms::Sandboxes& sandboxes, const std::function<void(const std::string&)>& announce) {
        rooms::CreateRequest request;
        request.idempotency_key = rooms::random_name(20);
        request.environment = {{"KEPT", "old"}};
        request.setup_commands = {"cp target copy; echo old > kept; echo old > ~/kept; echo old > /tmp/kept"};
        request.idle_ttl_ms = 3'600'000;
        request.pids_limit = limits_are_kept_here() ? 200 : 0;
        MemorySource files = content(old_content);
        TestCaller caller;
        return sandboxes.create(request, files, caller, [&](const rooms::Info& info) { announce(info.record.id); })
            .record.id;
    }
};

struct Told* shared_memory() {
    void* const memory = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return new (memory) Told;
}

class Stage {
public:
    explicit Stage(const Scene& scene) : scene_(scene), told_(shared_memory()) { no_process_is_left(); }
    ~Stage() { ::munmap(told_, sizeof(Told)); }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    void play() {
        const killed_step::Outcome whole = once(std::nullopt);
        REQUIRE(whole.caller_status == 0);
        const std::size_t helper_steps = whole.helper_steps;
        MESSAGE(whole.caller_steps, " steps of the caller, ", helper_steps, " of helpers");
        each(whole.caller_steps, Actor::caller, Victim::caller);
        each(helper_steps, Actor::helper, Victim::actor);
        each(helper_steps, Actor::helper, Victim::caller);
        each(helper_steps, Actor::helper, Victim::both);
    }

private:
    void each(std::size_t steps, Actor actor, Victim victim) {
        const char* const wanted = std::getenv("BERTH_KILLS");
        const std::size_t most = wanted == nullptr ? 6 : std::strcmp(wanted, "all") == 0 ? steps : std::stoul(wanted);
        const std::size_t tries = std::min(steps, most);
        for (std::size_t i = 0; i < tries; ++i) {
            once(killed_step::Kill{1 + i * steps / tries, actor, victim});
        }
    }

    killed_step::Outcome once(std::optional<killed_step::Kill> kill) {
        *told_ = Told{};
        const killed_step::Outcome outcome = killed_step::run(
            [&](const std::function<void()>& begin) {
                rooms::Sandboxes sandboxes(provider_.settings());
                scene_.prepare(sandboxes, *told_);
                begin();
                scene_.act(sandboxes, *told_);
            },
            kill);
        const std::string who = !kill                            ? "nobody"
                                : kill->victim == Victim::caller ? "the caller"
                                : kill->victim == Victim::actor  ? "who acts"
                                                                 : "the caller and who acts";
        INFO(who, " was killed: ", std::string(outcome.at), "; caller ended with ", outcome.caller_status);
        CHECK_FALSE(outcome.hung);
        check();
        return outcome;
    }

    // As somebody sees it who has just come.
    void check() {
        const fs::path state = provider_.directory.path() / "state" / "local";
        std::set<std::string> ids{told_->id};
        for (const char* place : {"sandboxes", "unfinished"}) {
            for (const auto& entry : fs::directory_iterator(state / place)) {
                ids.insert(entry.path().filename());
            }
        }
        TestCaller caller;
        rooms::Sandboxes fresh(provider_.settings());
        // What a killed caller had just started holds its locks until it is a program of its own, and then comes up.
        std::vector<rooms::Info> all;
        wait_until([&] {
            all = fresh.list(caller);
            return entries(state / "unfinished") == 0 && std::all_of(all.begin(), all.end(), [](const auto& info) {
                       return info.state != rooms::State::initializing;
                   });
        });
        CHECK(all.size() <= 1);
        CHECK((scene_.may_be_absent() || all.size() == 1));
        if (!all.empty()) {
            tell(told_->id, all[0].record.id);
            check_sandbox(fresh);
        }
        for (const rooms::SnapshotRecord& snapshot : fresh.list_snapshots()) {
            fresh.delete_snapshot(snapshot.id, caller);
        }
        wait_until(no_process_is_left);
        CHECK(processes_left().empty());
        check_nothing_left(provider_);
        CHECK(entries(state / "snapshots") == 0);
        CHECK(entries(state / "restoring") == 0);
        CHECK(mounts_of(provider_) == 0);
        CHECK(groups_of(ids) == 0);
    }

    void check_sandbox(rooms::Sandboxes& fresh) {
        TestCaller caller;
        const std::string id = told_->id;
        if (fresh.get(id).state == rooms::State::stopped) {
            wait_until(no_process_is_left);
            CHECK_MESSAGE(processes_left().empty(), "it is said to be stopped");
            CHECK(fresh.restart(id, caller).state == rooms::State::ready);
        } else {
            CHECK(fresh.is_ready(id));
        }
        CHECK(provider_.run(id, "true").end.exit_code == 0);
        scene_.look(provider_, *told_);
        fresh.restart(id, caller);
        scene_.look(provider_, *told_);
        fresh.destroy(id, caller);
        CHECK(fresh.list(caller).empty());
    }

    const Scene& scene_;
    Told* told_;
    Provider provider_;
};

std::string target_of(Provider& provider, const Told& told) {
    MemorySink sink;
    provider.sandboxes.download_files(told.id, {"/workspace/target"}, sink, provider.caller);
    return sink.files.empty() ? "" : sink.files[0].content;
}

void check_one_of_both(const std::string& shown) {
    CHECK((shown == "old\nold\nold\nold\n" || shown == "new\nnew\nnew\nnew\n"));
}

}  // namespace

TEST_CASE("create") {
    struct Create : Scene {
        void prepare(rooms::Sandboxes&, Told&) const override {}
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            make(sandboxes, [&](const std::string& id) { tell(told.id, id); });
        }
        [[nodiscard]] bool may_be_absent() const override { return true; }
    };
    Stage(Create()).play();
}

TEST_CASE("execute") {
    struct Execute : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            TestSink sink;
            (void)sandboxes.run(told.id, Provider::shell("echo out; sh -c 'echo deep >&2'; sleep 0.01"), caller, sink);
        }
    };
    Stage(Execute()).play();
}

TEST_CASE("upload: the target is the old file or the new one") {
    struct Upload : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            MemorySource files = content(new_content);
            sandboxes.upload_files(told.id, files, caller);
        }
        void look(Provider& provider, const Told& told) const override {
            Scene::look(provider, told);
            const std::string target = target_of(provider, told);
            CHECK((target == old_content || target == new_content));
        }
    };
    Stage(Upload()).play();
}

TEST_CASE("download") {
    struct Download : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            MemorySink sink;
            sandboxes.download_files(told.id, {"/workspace/target", "/tmp/kept"}, sink, caller);
        }
    };
    Stage(Download()).play();
}

TEST_CASE("restart") {
    struct Restart : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            (void)sandboxes.restart(told.id, caller);
        }
    };
    Stage(Restart()).play();
}

TEST_CASE("destroy") {
    struct Destroy : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            sandboxes.destroy(told.id, caller);
        }
        [[nodiscard]] bool may_be_absent() const override { return true; }
    };
    Stage(Destroy()).play();
}

TEST_CASE("set environment: all of it or nothing") {
    struct SetEnvironment : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            sandboxes.set_environment(told.id, {{"KEPT", "new"}, {"MORE", "new"}}, {}, caller);
        }
        void look(Provider& provider, const Told& told) const override {
            const std::string shown = provider.run(told.id, "cat kept; echo $KEPT$MORE").out;
            CHECK((shown == "old\nold\n" || shown == "old\nnewnew\n"));
        }
    };
    Stage(SetEnvironment()).play();
}

TEST_CASE("create_snapshot: there is one, and it is whole, or there is none") {
    struct Take : Scene {
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            tell(told.snapshot, sandboxes.create_snapshot(told.id, "s", caller));
        }
        void look(Provider& provider, const Told& told) const override {
            Scene::look(provider, told);
            const auto all = provider.sandboxes.list_snapshots();
            REQUIRE(all.size() <= 1);
            CHECK((told.snapshot[0] == 0 || all.size() == 1));
            if (!all.empty()) {
                provider.run(told.id, "rm -rf * /tmp/* ~/*");
                provider.sandboxes.restore_snapshot(told.id, all[0].id, provider.caller);
                Scene::look(provider, told);
                CHECK(target_of(provider, told) == old_content);
            }
        }
    };
    Stage(Take()).play();
}

TEST_CASE("restore_snapshot: the files and variables of one moment") {
    struct Restore : Scene {
        void prepare(rooms::Sandboxes& sandboxes, Told& told) const override {
            Scene::prepare(sandboxes, told);
            TestCaller caller;
            TestSink sink;
            tell(told.snapshot, sandboxes.create_snapshot(told.id, "s", caller));
            (void)sandboxes.run(told.id, Provider::shell("echo new | tee kept /tmp/kept ~/kept"), caller, sink);
            sandboxes.set_environment(told.id, {{"KEPT", "new"}}, {}, caller);
        }
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            sandboxes.restore_snapshot(told.id, told.snapshot, caller);
        }
        void look(Provider& provider, const Told& told) const override {
            check_one_of_both(provider.run(told.id, "cat kept /tmp/kept ~/kept; echo $KEPT").out);
        }
    };
    Stage(Restore()).play();
}

TEST_CASE("delete_snapshot") {
    struct Delete : Scene {
        void prepare(rooms::Sandboxes& sandboxes, Told& told) const override {
            Scene::prepare(sandboxes, told);
            TestCaller caller;
            tell(told.snapshot, sandboxes.create_snapshot(told.id, "s", caller));
        }
        void act(rooms::Sandboxes& sandboxes, Told& told) const override {
            TestCaller caller;
            sandboxes.delete_snapshot(told.snapshot, caller);
        }
        void look(Provider& provider, const Told& told) const override {
            Scene::look(provider, told);
            CHECK(provider.sandboxes.list_snapshots().size() <= 1);
        }
    };
    Stage(Delete()).play();
}

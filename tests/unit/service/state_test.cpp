// What plugins keep: revisions, several threads and processes at once, kills, broken files, calls that are given up.
#include "service/state_service.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"
#include "fake_call.hpp"
#include "service/host_services.hpp"
#include "service/state/database.hpp"

using namespace berth;
using berth_test::FakeCall;

namespace {

struct Value final : berth_bytes_sink {
    Value() : berth_bytes_sink{sizeof(berth_bytes_sink), 0, nullptr, &Value::take} {}
    static berth_status take(berth_bytes_sink* sink, berth_bytes bytes) {
        static_cast<Value*>(sink)->text.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
        return BERTH_OK;
    }
    std::string text;
};

struct Keys final : berth_pairs_sink {
    Keys() : berth_pairs_sink{sizeof(berth_pairs_sink), 0, nullptr, &Keys::take} {}
    static berth_status take(berth_pairs_sink* sink, const berth_pair* pair) {
        static_cast<Keys*>(sink)->names.emplace_back(pair->name.data, pair->name.size);
        return BERTH_OK;
    }
    std::vector<std::string> names;
};

class Directory {
public:
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "berth-state.XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    [[nodiscard]] ServicePlaces places() const { return {BERTH_SERVICE_DIRECTORY, path + "/state"}; }
    [[nodiscard]] std::string file() const { return path + "/state/acme.sqlite"; }
    std::string path;
};

berth_str text(std::string_view view) {
    return {view.data(), view.size()};
}

berth_bytes bytes(std::string_view view) {
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

struct Fixture {
    Directory directory;
    FakeCall call;
    StateService service{"acme", directory.places()};

    /// The new revision, or 0.
    std::uint64_t put(std::string_view key, std::string_view value, std::uint64_t expected) {
        std::uint64_t stored = 0;
        status = service.put(call, text(key), bytes(value), expected, &stored);
        return stored;
    }
    std::optional<std::string> get(std::string_view key) {
        Value value;
        status = service.get(call, text(key), &value, &revision);
        if (status != BERTH_OK) return std::nullopt;
        return value.text;
    }
    std::vector<std::string> list(std::string_view prefix) {
        Keys keys;
        status = service.list(call, text(prefix), &keys);
        return keys.names;
    }
    berth_status status = BERTH_OK;
    std::uint64_t revision = 0;
};

/// Adds one to the number under "count", until it was the one who did.
void increment(StateService& service) {
    FakeCall call;
    for (;;) {
        Value value;
        std::uint64_t revision = 0;
        const auto found = service.get(call, text("count"), &value, &revision);
        if (found != BERTH_OK && found != BERTH_END) std::_Exit(3);
        const auto next = std::to_string((value.text.empty() ? 0 : std::stoi(value.text)) + 1);
        const auto stored = service.put(call, text("count"), bytes(next), revision, &revision);
        if (stored == BERTH_OK) return;
        if (stored != BERTH_CONFLICT) std::_Exit(4);
    }
}

/// A child that runs `work` and ends with 0.
template <typename Work>
pid_t child(Work&& work) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        work();
        std::_Exit(0);
    }
    return pid;
}

int status_of(pid_t pid) {
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return status;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a value is kept byte for byte, with a revision that only grows") {
    const std::string odd("a\0b\xff", 4);
    const auto first = put("key", odd, 0);
    CHECK(first > 0);
    CHECK(get("key") == odd);
    CHECK(revision == first);
    const auto second = put("key", "", first);
    CHECK(second > first);
    CHECK(get("key") == "");
    CHECK(service.remove(call, text("key"), second) == BERTH_OK);
    CHECK_FALSE(get("key"));
    CHECK(status == BERTH_END);
    CHECK(put("key", "again", 0) > second);
}

TEST_CASE_FIXTURE(Fixture, "whoever expects another revision hears of it and changes nothing") {
    const auto first = put("key", "one", 0);
    CHECK(put("key", "two", 0) == 0);
    CHECK(status == BERTH_CONFLICT);
    CHECK(call.failure->diagnostic() == "BERTH-S-06");
    CHECK(put("key", "two", first + 1) == 0);
    CHECK(put("absent", "two", first) == 0);
    CHECK(status == BERTH_CONFLICT);
    CHECK(service.remove(call, text("key"), first + 7) == BERTH_CONFLICT);
    CHECK(service.remove(call, text("absent"), 0) == BERTH_END);
    CHECK(get("key") == "one");
}

TEST_CASE_FIXTURE(Fixture, "keys are listed by prefix, in the order of bytes") {
    for (const char* key : {"b", "a/2", "a/1", "a", "\xff"})
        put(key, "x", 0);
    CHECK(list("a/") == std::vector<std::string>{"a/1", "a/2"});
    CHECK(list("") == std::vector<std::string>{"a", "a/1", "a/2", "b", "\xff"});
    CHECK(list("none").empty());
    CHECK(status == BERTH_OK);
}

TEST_CASE_FIXTURE(Fixture, "what was stored is there for the next process, and for nobody else's eyes") {
    put("key", "value", 0);
    StateService other("acme", directory.places());
    Value value;
    CHECK(other.get(call, text("key"), &value, &revision) == BERTH_OK);
    CHECK(value.text == "value");
    StateService stranger("acme2", directory.places());
    CHECK(stranger.get(call, text("key"), &value, &revision) == BERTH_END);
    struct stat status_of_file {};
    REQUIRE(::stat(directory.file().c_str(), &status_of_file) == 0);
    CHECK((status_of_file.st_mode & 0777) == 0600);
    REQUIRE(::stat((directory.path + "/state").c_str(), &status_of_file) == 0);
    CHECK((status_of_file.st_mode & 0777) == 0700);
}

TEST_CASE_FIXTURE(Fixture, "a provider's name cannot lead out of the directory") {
    StateService odd("../../x/.", directory.places());
    CHECK(odd.put(call, text("key"), bytes("v"), 0, &revision) == BERTH_OK);
    CHECK(std::filesystem::exists(directory.path + "/state/%2E%2E%2F%2E%2E%2Fx%2F%2E.sqlite"));
}

TEST_CASE_FIXTURE(Fixture, "what breaks the contract's bounds is refused before it is stored") {
    const std::string long_key(257, 'k');
    CHECK(put("", "v", 0) == 0);
    CHECK(status == BERTH_CONTRACT);
    CHECK(put(long_key, "v", 0) == 0);
    CHECK(status == BERTH_CONTRACT);
    CHECK(service.get(call, text("k"), nullptr, &revision) == BERTH_CONTRACT);
    CHECK(service.put(call, text("k"), {nullptr, 5}, 0, &revision) == BERTH_CONTRACT);
    CHECK(service.list(call, text(long_key), nullptr) == BERTH_CONTRACT);
    const std::string large(StateService::longest_value, 'v');
    CHECK(put("large", large + "v", 0) == 0);
    CHECK(status == BERTH_RESOURCE_EXHAUSTED);
    CHECK(call.failure->diagnostic() == "BERTH-S-05");
    CHECK(put(long_key.substr(1), large, 0) > 0);
    CHECK(get(long_key.substr(1)) == large);
}

TEST_CASE_FIXTURE(Fixture, "a provider that fills its store is told so, and what it kept stays") {
    const std::string large(StateService::longest_value, 'v');
    int stored = 0;
    while (stored < 100 && put("key" + std::to_string(stored), large, 0) > 0)
        ++stored;
    CHECK(status == BERTH_RESOURCE_EXHAUSTED);
    CHECK(stored > 50);
    CHECK(stored < 65);
    CHECK(get("key0") == large);
}

TEST_CASE_FIXTURE(Fixture, "threads and processes that change one value at once lose no change") {
    constexpr int each = 25;
    // Children first: a process with threads should not fork.
    std::vector<pid_t> children;
    for (int index = 0; index < 3; ++index) {
        children.push_back(child([&] {
            StateService own("acme", directory.places());
            for (int round = 0; round < each; ++round)
                increment(own);
        }));
    }
    std::vector<std::thread> threads;
    for (int index = 0; index < 3; ++index) {
        threads.emplace_back([&] {
            for (int round = 0; round < each; ++round)
                increment(service);
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const pid_t pid : children)
        CHECK(status_of(pid) == 0);
    CHECK(get("count") == std::to_string(6 * each));
}

TEST_CASE_FIXTURE(Fixture, "a writer that is killed leaves all that it was told is stored") {
    for (int round = 0; round < 5; ++round) {
        const Pipe told = make_pipe();
        const pid_t writer = child([&] {
            StateService own("acme", directory.places());
            FakeCall mine;
            Value before;
            std::uint64_t at = 0;
            (void)own.get(mine, text("n"), &before, &at);
            for (;;) {
                if (own.put(mine, text("n"), bytes(std::to_string(at)), at, &at) != BERTH_OK) std::_Exit(3);
                if (::write(told.write_end.get(), &at, sizeof at) != sizeof at) std::_Exit(4);
            }
        });
        std::uint64_t last = 0;
        for (int count = 0; count < 3 + round; ++count)
            REQUIRE(::read(told.read_end.get(), &last, sizeof last) == sizeof last);
        REQUIRE(::kill(writer, SIGKILL) == 0);
        CHECK(WIFSIGNALED(status_of(writer)));
        CHECK(get("n"));
        CHECK(revision >= last);
        CHECK(put("n", "mine", revision) > revision);
    }
}

TEST_CASE_FIXTURE(Fixture, "a call that is given up does not wait for whoever has the turn") {
    put("key", "value", 0);
    FakeCall holder;
    Database other(directory.file(), holder);
    const Database::Transaction turn(other);
    std::thread stopper([&] {
        while (call.looks < 5)
            std::this_thread::yield();
        call.is_stopped = true;
    });
    CHECK(put("key", "mine", 1) == 0);
    CHECK(status == BERTH_CANCELLED);
    stopper.join();
    CHECK(service.list(call, text(""), nullptr) == BERTH_CANCELLED);
}

TEST_CASE_FIXTURE(Fixture, "a file that is no store, or a newer one, is refused with its name and left as it is") {
    std::filesystem::create_directory(directory.path + "/state");
    std::filesystem::permissions(directory.path + "/state", std::filesystem::perms::owner_all);
    SUBCASE("no database") {
        std::ofstream(directory.file()) << std::string(9000, 'x');
        CHECK_FALSE(get("key"));
        CHECK(status == BERTH_INTERNAL);
        CHECK(call.failure->fields().hint.find("move") == 0);
    }
    SUBCASE("of a newer Berth") {
        {
            Database newer(directory.file(), call);
            newer.run("PRAGMA user_version = 2");
        }
        CHECK_FALSE(get("key"));
        CHECK(status == BERTH_UNSUPPORTED);
    }
    SUBCASE("of another program") {
        {
            Database foreign(directory.file(), call);
            foreign.run("PRAGMA user_version = 0");
        }
        CHECK_FALSE(get("key"));
        CHECK(status == BERTH_UNSUPPORTED);
    }
    SUBCASE("somebody else's link") {
        std::filesystem::create_symlink(directory.path + "/elsewhere", directory.file());
        CHECK_FALSE(get("key"));
        CHECK(status == BERTH_PERMISSION_DENIED);
        CHECK_FALSE(std::filesystem::exists(directory.path + "/elsewhere"));
    }
    SUBCASE("a directory that others can write to") {
        std::filesystem::permissions(directory.path + "/state", std::filesystem::perms::all);
        CHECK_FALSE(get("key"));
        CHECK(status == BERTH_PERMISSION_DENIED);
    }
    CHECK(call.failure->diagnostic() == "BERTH-S-04");
    CHECK(call.failure->fields().path == directory.file());
}

TEST_CASE_FIXTURE(Fixture, "without its module, or a place, the service says what is missing") {
    StateService without("acme", {directory.path, directory.path + "/state"});
    CHECK(without.list(call, text(""), nullptr) == BERTH_CONTRACT);
    Keys keys;
    CHECK(without.list(call, text(""), &keys) == BERTH_UNSUPPORTED);
    CHECK(call.failure->diagnostic() == "BERTH-S-01");
    CHECK(call.failure->fields().path == directory.path + "/state.so");
    StateService nowhere("acme", {BERTH_SERVICE_DIRECTORY, {}});
    CHECK(nowhere.list(call, text(""), &keys) == BERTH_UNSUPPORTED);
    CHECK(call.failure->fields().hint.find("HOME") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a plugin reaches it through berth_host") {
    const HostServices services("acme", {}, {}, std::make_shared<Log>(LogLevel::error, Log::Handler()),
                                directory.places());
    berth_call face{};
    face.size = sizeof face;
    face.host_data = static_cast<ServiceCall*>(&call);
    const auto* const host = services.face();
    CHECK(host->state->put(host, &face, text("key"), bytes("value"), 0, &revision) == BERTH_OK);
    Value value;
    CHECK(host->state->get(host, &face, text("key"), &value, &revision) == BERTH_OK);
    CHECK(value.text == "value");
    Keys keys;
    CHECK(host->state->list(host, &face, text(""), &keys) == BERTH_OK);
    CHECK(keys.names == std::vector<std::string>{"key"});
    CHECK(host->state->remove(host, &face, text("key"), revision) == BERTH_OK);
    CHECK(host->state->get(host, &face, text("key"), &value, &revision) == BERTH_END);
    CHECK(host->state->get(host, nullptr, text("key"), &value, &revision) == BERTH_CONTRACT);
}

TEST_CASE("the usual places lie beside the plugins and where the user keeps state") {
    using Variables = EnvironmentVariables::Variables;
    const EnvironmentVariables variables(Variables{{"HOME", "/home/me"}, {"XDG_STATE_HOME", ""}});
    const auto places = usual_places("/opt/lib/berth/plugins/", variables);
    CHECK(places.modules == "/opt/lib/berth/services");
    if (::geteuid() == 0) {
        CHECK(places.state == "/var/lib/berth/state");
    } else {
        CHECK(places.state == "/home/me/.local/state/berth/state");
        CHECK(usual_places("", EnvironmentVariables(Variables{{"XDG_STATE_HOME", "/s"}})).state == "/s/berth/state");
        CHECK(usual_places("", EnvironmentVariables(Variables{{"XDG_STATE_HOME", "s"}})).state.empty());
    }
    CHECK(usual_places("", variables).modules.empty());
}

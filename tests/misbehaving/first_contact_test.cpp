// Plugins that would hurt a host while they are loaded into it (`run: in_process`): loading them in a process of their own
// first tells, in exact words, and the host has loaded nothing.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "host_case.hpp"
#include "plugin/quarantine.hpp"
#include "worker/first_contact.hpp"

using namespace misbehaving;
using namespace std::chrono_literals;

namespace {

Error failure_of_get(Host& host, const CallOptions& options = {}) {
    return failure_of([&] { (void)host.get({"bad", "one"}, options); });
}

/// Whether anything below that folder is in this process.
bool is_mapped(const std::string& folder) {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line)) {
        if (line.find(folder) != std::string::npos) return true;
    }
    return false;
}

struct Expected {
    std::string name;
    std::string diagnostic;
    std::vector<std::string_view> words;
};

void check_words(const Error& error, const Expected& expected) {
    CHECK(error.diagnostic() == expected.diagnostic);
    for (const auto& words : expected.words)
        CHECK(says(error, {words}));
}

}  // namespace

TEST_CASE("a plugin that ends the process that loads it ends another one, and is remembered") {
    const std::vector<Expected> all{
        {"crashes_when_loaded", "BERTH-P-32", {"first time was killed by signal 6 (Aborted)", "plugin clear"}},
        {"exits_when_loaded", "BERTH-P-32", {"first time ended with exit code 3"}},
        {"traps", "BERTH-P-32", {"first time ended with exit code 99"}},
        {"closes_everything_when_loaded", "BERTH-P-32", {"first time closed the sockets to its host, and was killed"}},
        {"babbles_when_loaded", "BERTH-P-32", {"first time broke the protocol of workers"}},
#ifndef BERTH_SANITIZED  // a sanitizer may tell of it, and end the process itself; and its workers have no limit
        {"segfaults_when_loaded", "BERTH-P-32", {"first time was killed by signal 11 (Segmentation fault)"}},
        {"eats_memory_when_loaded", "BERTH-P-32", {"first time was killed by signal 6 (Aborted)"}},
#endif
    };
    for (const auto& expected : all) {
        CAPTURE(expected.name);
        HostCase with(expected.name, "in_process");
        for (const std::string run : {"the first", "the next"}) {
            CAPTURE(run);
            const auto host = with.host();
            check_words(failure_of_get(*host), expected);
            CHECK_FALSE(is_mapped(with.path("cache")));
            if (run == "the first") CHECK(create_in(*host, "good").id == "one");
            with.worker_program = with.path("no_such_program");  // nothing is started for it any more
        }
        CHECK(with.records("quarantine").size() == 1);
        CHECK(with.records("contact").empty());
        const Quarantine quarantine(with.state_home + "/berth", TrustRules::of_this_process());
        CHECK(quarantine.remove(quarantine.records().at(0).hash));
        CHECK(failure_of_get(*with.host()).diagnostic() == "BERTH-W-04");  // cleared: it is met anew
    }
}

TEST_CASE("the last words of a plugin that ends the process are kept") {
#ifndef BERTH_SANITIZED
    HostCase with("eats_memory_when_loaded", "in_process");
    const auto error = failure_of_get(*with.host());
    REQUIRE(error.fields().details.size() == 1);
    CHECK(error.fields().details[0].second.find("std::bad_alloc") != std::string::npos);
#endif
}

TEST_CASE("a plugin that would disturb its host while it is loaded is not loaded, and is tried again the next time") {
    const std::vector<Expected> all{
        {"prints_when_loaded",
         "BERTH-W-10",
         {"writes to stdout or stderr while it is loaded", "Take `run: in_process` away"}},
        {"prints_half_when_loaded", "BERTH-W-10", {"writes to stdout or stderr while it is loaded"}},
#ifndef BERTH_SANITIZED  // a sanitizer has threads of its own
        {"starts_threads_when_loaded", "BERTH-W-10", {"starts 20 threads while it is loaded"}},
#endif
        {"forks_when_loaded", "BERTH-W-10", {"starts a process while it is loaded"}},
        {"is_killed_when_loaded",
         "BERTH-W-09",
         {"first time was killed by signal 9", "is not held against the plugin"}},
        {"lacks_required", "BERTH-P-24", {"2 of the 11 required methods"}},
        {"entry_throws", "BERTH-P-22", {"threw an exception"}},
    };
    for (const auto& expected : all) {
        CAPTURE(expected.name);
        HostCase with(expected.name, "in_process");
        const auto host = with.host();
        check_words(failure_of_get(*host), expected);
        check_words(failure_of_get(*host), expected);
        CHECK_FALSE(is_mapped(with.path("cache")));
        CHECK(create_in(*host, "good").id == "one");
        CHECK(with.records("quarantine").empty());
        CHECK(with.records("contact").empty());
    }
}

TEST_CASE("what such a plugin wrote stands in the details and in the log") {
    HostCase with("prints_when_loaded", "in_process");
    const auto error = failure_of_get(*with.host());
    REQUIRE(error.fields().details.size() == 1);
    CHECK(error.fields().details[0] == std::pair<std::string, std::string>("stderr", "this is no place for words"));
    CHECK(with.lines.count("it wrote: this is no place for words") == 1);
}

TEST_CASE("a plugin that never finishes loading is killed, and the host goes on") {
    HostCase with("hangs_when_loaded", "in_process");
    const auto host = with.host();
    CallOptions options;
    options.deadline = Milliseconds{200};
    const auto error = failure_of_get(*host, options);
    CHECK(error.diagnostic() == "BERTH-W-05");
    CHECK(says(error, {"had not finished when the call was given up", "that process was killed"}));
    CHECK(descendants().empty());
    CHECK_FALSE(is_mapped(with.path("cache")));
    CHECK(with.records("quarantine").empty());
    CHECK(create_in(*host, "good").id == "one");
}

TEST_CASE("it has a time of its own for loading") {
    CHECK(first_contact_patience == 10s);
    const PluginDirectory directory{"hangs_when_loaded"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto prepared = prepare_plugin(catalog.find("hangs_when_loaded"), rules, directory.copies(), Copying::always);
    Call call({.method = "open"});
    const auto error = failure_of([&] {
        (void)first_contact(
            call, prepared, process_starter(BERTH_WORKER, {}), [](LogLevel, std::string_view) {}, 100ms);
    });
    CHECK(error.diagnostic() == "BERTH-W-05");
    CHECK(says(error, {"had not finished within 100ms"}));
    CHECK(descendants().empty());
}

TEST_CASE("one that behaves is loaded elsewhere once, and then never again") {
    HostCase with("only_required", "in_process");
    CHECK(with.host()->get({"bad", "one"}).id == "one");
    CHECK(is_mapped(with.path("cache")));
    REQUIRE(with.records("contact").size() == 1);
    const auto program = std::exchange(with.worker_program, with.path("no_such_program"));
    CHECK(with.host()->get({"bad", "one"}).id == "one");

    // A record that cannot be read is told, and is none.
    std::ofstream(with.records("contact").at(0)) << "{\"checks\": ";
    CHECK(failure_of_get(*with.host()).diagnostic() == "BERTH-W-04");
    CHECK(with.lines.count("BERTH-P-33") == 1);
    with.worker_program = program;
    CHECK(with.host()->get({"bad", "one"}).id == "one");
    with.worker_program = with.path("no_such_program");
    CHECK(with.host()->get({"bad", "one"}).id == "one");

    // Another version is another file.
    std::filesystem::copy_file(with.file(), with.file() + ".new");
    std::ofstream(with.file() + ".new", std::ios::app) << "another version";
    std::filesystem::rename(with.file() + ".new", with.file());
    const auto error = failure_of_get(*with.host());
    CHECK(error.diagnostic() == "BERTH-W-04");
    CHECK(says(error, {"whatever did not come with Berth is loaded there, at least the first time"}));
}

TEST_CASE("where nothing can be kept, a host tries a plugin once for itself, and says once why") {
    HostCase with("only_required", "in_process");
    with.state_home = with.path("a_file");
    std::ofstream(with.state_home) << "in the way";
    for (const std::size_t times : {1U, 2U}) {
        const auto host = with.host();
        CHECK(host->get({"bad", "one"}).id == "one");
        CHECK(with.lines.count("what is found out about plugins is known to this process only") == times);
    }
}

TEST_CASE("what came with Berth needs no first contact") {
    HostCase with("only_required", "in_process");
    with.install_directory = std::filesystem::path(with.file()).parent_path().string();
    with.worker_program = with.path("no_such_program");
    CHECK(with.host()->get({"bad", "one"}).id == "one");
    CHECK(with.records("contact").empty());
}

TEST_CASE("in a worker, what a plugin does while it is loaded hurts nobody") {
    for (const std::string name : {"prints_when_loaded", "starts_threads_when_loaded", "forks_when_loaded"}) {
        CAPTURE(name);
        HostCase with(name, "worker");
        CHECK(with.host()->get({"bad", "one"}).id == "one");
        CHECK(with.records("contact").empty());
    }
}

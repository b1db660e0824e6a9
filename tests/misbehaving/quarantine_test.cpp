// A plugin whose workers died too often is not started any more: not by this host, not by the next one, until its file is
// another one or somebody clears it.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "host_case.hpp"
#include "plugin/quarantine.hpp"

using namespace misbehaving;

namespace {

Error failure_of_create(Host& host) {
    return failure_of([&] { (void)create_in(host, "bad"); });
}

/// Until it is refused for good: the last refusal.
Error driven_into_quarantine(Host& host) {
    auto error = failure_of_create(host);
    for (int round = 0; round < 5 && error.diagnostic() == "BERTH-W-01"; ++round)
        error = failure_of_create(host);
    return error;
}

void append_to(const std::string& file) {
    std::filesystem::copy_file(file, file + ".new");
    std::ofstream(file + ".new", std::ios::app) << "another version";
    std::filesystem::rename(file + ".new", file);
}

}  // namespace

TEST_CASE("the next host starts no worker with a file whose workers died too often, and says why") {
    HostCase with("abort_in_create", "worker");
    {
        const auto host = with.host();
        const auto error = driven_into_quarantine(*host);
        CHECK(error.diagnostic() == "BERTH-W-07");
        CHECK(says(error, {"died 5 times within a minute, the last one was killed by signal 6 (Aborted)",
                           "berth plugin clear abort_in_create"}));
        CHECK(with.lines.count("abort_in_create is in quarantine from now on: its workers died 5 times") == 1);
        CHECK(create_in(*host, "good").id == "one");
    }
    REQUIRE(with.records("quarantine").size() == 1);
    for (const std::string run : {"the same", "another"}) {
        CAPTURE(run);
        const auto host = with.host();
        const auto error = failure_of_create(*host);
        CHECK(error.diagnostic() == "BERTH-P-32");
        CHECK(says(error, {"abort_in_create.so: the plugin is in quarantine since 20", "died 5 times within 60 s",
                           "the last one was killed by signal 6 (Aborted)", "berth plugin clear abort_in_create"}));
        CHECK(descendants().empty());  // no worker for it
        CHECK(create_in(*host, "good").id == "one");
    }
}

TEST_CASE("what was in quarantine runs again when it was cleared: in the host that runs, too") {
    HostCase with("abort_in_create", "worker");
    const auto host = with.host();
    CHECK(driven_into_quarantine(*host).diagnostic() == "BERTH-W-07");
    CHECK(failure_of_create(*host).diagnostic() == "BERTH-W-07");
    const auto next = with.host();
    CHECK(failure_of_create(*next).diagnostic() == "BERTH-P-32");
    const Quarantine quarantine(with.state_home + "/berth", TrustRules::of_this_process());
    CHECK(quarantine.remove(quarantine.records().at(0).hash));
    for (auto* again : {host.get(), next.get()}) {
        CHECK(again->get({"bad", "one"}).id == "one");
        CHECK(failure_of_create(*again).diagnostic() == "BERTH-W-01");
    }
}

TEST_CASE("a file that holds something else is not in quarantine") {
    HostCase with("abort_in_create", "worker");
    CHECK(driven_into_quarantine(*with.host()).diagnostic() == "BERTH-W-07");
    append_to(with.file());
    CHECK(with.host()->get({"bad", "one"}).id == "one");
}

TEST_CASE("a host that runs takes a repaired file with a reload, and no other way out of quarantine") {
    HostCase with("abort_in_create", "worker");
    const auto host = with.host();
    CHECK(driven_into_quarantine(*host).diagnostic() == "BERTH-W-07");
    const auto refused = failure_of([&] { (void)host->reload("abort_in_create"); });
    CHECK(says(refused, {"is not reloaded", "is in quarantine since 20"}));
    CHECK(failure_of_create(*host).diagnostic() == "BERTH-W-07");
    append_to(with.file());
    CHECK(host->reload("abort_in_create").size() == 1);
    CHECK(host->get({"bad", "one"}).id == "one");
}

TEST_CASE("a file in quarantine is not loaded into the host either") {
    HostCase in_worker("abort_in_create", "worker");
    CHECK(driven_into_quarantine(*in_worker.host()).diagnostic() == "BERTH-W-07");
    HostCase in_process("abort_in_create", "in_process");
    in_process.state_home = in_worker.state_home;
    CHECK(failure_of([&] { (void)in_process.host()->get({"bad", "one"}); }).diagnostic() == "BERTH-P-32");
}

TEST_CASE("deaths before a plugin is open count, too") {
    HostCase with("exit_in_open", "worker");
    const auto host = with.host();
    for (int round = 0; round < 5; ++round)
        CHECK(failure_of_create(*host).diagnostic() == "BERTH-W-01");
    const auto error = failure_of_create(*host);
    CHECK(error.diagnostic() == "BERTH-P-32");
    CHECK(says(error, {"died 5 times within 60 s, the last one ended with exit code 7"}));
}

TEST_CASE("a worker that cannot be started is nobody's death") {
    HostCase with("good", "worker");
    with.worker_program = with.path("no_such_program");
    const auto host = with.host();
    for (int round = 0; round < 6; ++round)
        CHECK(failure_of_create(*host).diagnostic() == "BERTH-W-04");
    CHECK(with.records("quarantine").empty());
}

TEST_CASE("a record that cannot be read keeps the file in quarantine; other files run") {
    HostCase with("abort_in_create", "worker");
    CHECK(driven_into_quarantine(*with.host()).diagnostic() == "BERTH-W-07");
    std::ofstream(with.records("quarantine").at(0)) << "\x7f garbage";
    const auto host = with.host();
    const auto error = failure_of_create(*host);
    CHECK(error.diagnostic() == "BERTH-P-32");
    CHECK(says(error, {"in quarantine: why cannot be read"}));
    CHECK(create_in(*host, "good").id == "one");
}

TEST_CASE("where nothing can be kept, quarantine lasts as long as the host, and that is said once") {
    HostCase with("abort_in_create", "worker");
    with.state_home = with.path("a_file");
    std::ofstream(with.state_home) << "in the way";
    {
        const auto host = with.host();
        const auto error = driven_into_quarantine(*host);
        CHECK(error.diagnostic() == "BERTH-W-07");
        CHECK(says(error, {"then start Berth anew"}));
        CHECK(failure_of_create(*host).diagnostic() == "BERTH-W-07");
        CHECK(with.lines.count("what is found out about plugins is known to this process only") == 1);
    }
    CHECK(failure_of_create(*with.host()).diagnostic() == "BERTH-W-01");
}

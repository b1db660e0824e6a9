// How a wrapped command ends: by itself, by time, by signals, and what runs on behind it; in every shell there is.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "shells.hpp"

using namespace cloud_test;

namespace {

/// Waits for what a signal that was sent brings about: it may take a moment.
bool comes(const std::function<bool()>& look) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!look()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::sched_yield();
    }
    return true;
}

/// Processes whose words hold the token, and files of the wrapper's in /tmp.
std::vector<std::string> leftovers_of(const std::string& token) {
    std::vector<std::string> found;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        std::string words;
        std::getline(file, words);
        if (words.find(token) != std::string::npos) found.push_back(entry.path().string());
    }
    for (const auto& entry : std::filesystem::directory_iterator("/tmp", gone)) {
        if (entry.path().string().find(token) != std::string::npos) found.push_back(entry.path().string());
    }
    return found;
}

/// Whether anything but zombies is left of a process group.
bool group_lives(std::int64_t group) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string text;
        std::getline(file, text);  // fails quietly when the process has just gone
        const auto end = text.rfind(')');
        if (end == std::string::npos) continue;
        std::istringstream fields(text.substr(end + 1));
        char state = 0;
        std::int64_t parent = 0;
        std::int64_t own = 0;
        if (fields >> state >> parent >> own && own == group && state != 'Z') return true;
    }
    return false;
}

bool group_ends(std::int64_t group) {
    return comes([=] { return !group_lives(group); });
}

}  // namespace

TEST_CASE("a timeout ends the whole group, after a grace also what ignores SIGTERM") {
    in_every_shell([](const Shell& shell) {
        CommandPlan plan = plan_of({"sh", "-c", "echo before; sleep 3600 | cat"});
        plan.timeout_ms = 200;
        const Ran ran = run(shell, plan);
        REQUIRE(ran.end);
        CHECK(ran.end->timed_out);
        CHECK(ran.seen.out == "before\n");
        CommandPlan stubborn = plan_of({"sh", "-c",
                                        "trap '' TERM; echo ready; (trap '' TERM; while :; do sleep 1; done) & "
                                        "while :; do sleep 1; done"});
        stubborn.timeout_ms = 200;
        const Ran killed = run(shell, stubborn);
        REQUIRE(killed.end);
        CHECK(killed.end->timed_out);
        CHECK(killed.end->status == 137);
        CHECK(group_ends(*killed.seen.pid));
        CommandPlan fast = plan_of({"sh", "-c", "exit 124"});
        fast.timeout_ms = 60'000;
        const Ran own = run(shell, fast);
        CHECK(own.end->status == 124);
        CHECK_FALSE(own.end->timed_out);
    });
}

TEST_CASE("what stays in the background does not hold the end back and may go on writing") {
    in_every_shell([](const Shell& shell) {
        const std::string file = "/tmp/berth-test-" + random_token();
        CommandPlan plan = plan_of({"sh", "-c",
                                    "(while ! test -e " + file +
                                        "; do sleep 0.02; done; echo late; echo late >&2; "
                                        "mv " +
                                        file + " " + file + ".seen) & echo now"});
        const Ran ran = run(shell, plan);
        REQUIRE(ran.end);
        CHECK(ran.end->status == 0);
        CHECK(ran.seen.out == "now\n");
        ::close(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (int round = 0; ::access((file + ".seen").c_str(), F_OK) != 0; ++round) {
            REQUIRE(round < 6000);
            ::poll(nullptr, 0, 10);
        }
        ::unlink((file + ".seen").c_str());
        CommandPlan ended = plan_of({"sh", "-c", "sleep 3600 & echo now"});
        ended.background = Background::end;
        const Ran gone = run(shell, ended);
        CHECK(gone.end->status == 0);
        CHECK(group_ends(*gone.seen.pid));
    });
}

TEST_CASE("signals reach the program, and the ladder ends what ignores them") {
    in_every_shell([](const Shell& shell) {
        CommandPlan plan =
            plan_of({"sh", "-c", "trap 'echo got it; exit 3' INT; echo ready; while :; do sleep 0.05; done"});
        const Ran ran = run(shell, plan, [&](Ran& before) {
            before.seen.on_output = [&, done = false](Seen& seen) mutable {
                if (std::exchange(done, true)) return;
                run_shell(shell, signal_script(*seen.pid, 2), [](berth::Stream, std::string_view) {});
            };
        });
        CHECK(ran.seen.out == "ready\ngot it\n");
        CHECK(ran.end->status == 3);
        const Ran laddered = run(
            shell, plan_of({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"}), [&](Ran& before) {
                before.seen.on_output = [&](Seen& seen) {
                    run_shell(shell, ladder_script(*seen.pid, 200), [](berth::Stream, std::string_view) {});
                };
            });
        CHECK(laddered.end->status == 137);
        CHECK(laddered.end->by_signal);
    });
}

TEST_CASE("much output comes whole and in order") {
    in_every_shell([](const Shell& shell) {
        const Ran ran = run_line(
            shell, "i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done; head -c 1000000 /dev/zero >&2");
        std::string expected;
        for (int line = 0; line < 20'000; ++line)
            expected += "line-" + std::to_string(line) + "\n";
        CHECK(ran.seen.out == expected);
        CHECK(ran.seen.err == std::string(1'000'000, '\0'));
    });
}

TEST_CASE("a quick command leaves no process and no file behind, however quick") {
    for (const Shell& shell : shells()) {
        CAPTURE(shell.name);
        std::vector<std::string> tokens;
        for (int turn = 0; turn < 40; ++turn) {
            CommandPlan plan = plan_of({"true"});
            if (turn % 2 == 0) plan.timeout_ms = 60'000;
            tokens.push_back(plan.token);
            CHECK(run(shell, plan).end->status == 0);
        }
        for (const std::string& token : tokens) {
            (void)comes([&] { return leftovers_of(token).empty(); });
            const auto left = leftovers_of(token);
            CHECK_MESSAGE(left.empty(), (left.empty() ? std::string() : left.front()));
        }
    }
}

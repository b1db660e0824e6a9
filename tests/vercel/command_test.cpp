// The shell text around a command, run here by every shell there is, and what is read back from it; hostile output too. Long
// because what a shell may do to a command is one list.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <berth/error.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "cloud/command_output.hpp"
#include "cloud/command_wrapper.hpp"
#include "cloud/text.hpp"
#include "seen.hpp"

using namespace berth_cloud;
using vercel_test::Seen;

namespace {

struct Shell {
    const char* name;
    std::vector<std::string> argv;
};

std::vector<Shell> shells() {
    std::vector<Shell> found;
    if (::access("/bin/dash", X_OK) == 0) found.push_back({"dash", {"/bin/dash"}});
    if (::access("/bin/bash", X_OK) == 0) found.push_back({"bash", {"/bin/bash", "--posix"}});
    if (::access("/bin/busybox", X_OK) == 0) found.push_back({"busybox", {"/bin/busybox", "sh"}});
    return found;
}

using Variables = std::vector<std::pair<std::string, std::string>>;

void run_shell(const Shell& shell, const std::string& text,
               const std::function<void(berth::Stream, std::string_view)>& on, const Variables& variables = {}) {
    int out[2];
    int err[2];
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
    std::vector<std::string> words = shell.argv;
    words.insert(words.end(), {"-c", text, "sh"});
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<std::string> settings{"PATH=/usr/bin:/bin", "GIVEN=a b"};
    for (const auto& [name, value] : variables)
        settings.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (std::string& setting : settings)
        environment.push_back(setting.data());
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    pollfd open[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        REQUIRE(::poll(open, 2, 20'000) > 0);
        for (int n = 0; n < 2; ++n) {
            if (open[n].fd < 0 || open[n].revents == 0) continue;
            char buffer[5000];
            const ssize_t got = ::read(open[n].fd, buffer, sizeof buffer);
            if (got > 0) {
                on(n == 0 ? berth::Stream::out : berth::Stream::err, {buffer, static_cast<std::size_t>(got)});
            } else {
                ::close(std::exchange(open[n].fd, -1));
            }
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
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

struct Ran {
    Seen seen;
    std::optional<WrappedEnd> end;
    std::optional<NotStarted> not_started;
};

CommandPlan plan_of(std::vector<std::string> argv) {
    CommandPlan plan;
    plan.token = random_token();
    plan.argv = std::move(argv);
    plan.directory = "/tmp";
    plan.kill_grace_ms = 300;
    return plan;
}

Ran run(const Shell& shell, const CommandPlan& plan, const std::function<void(Ran&)>& prepare = {},
        const Variables& variables = {}) {
    Ran ran;
    if (prepare) prepare(ran);
    CommandOutput output(plan.token);
    run_shell(
        shell, wrapper_script(plan),
        [&](berth::Stream stream, std::string_view text) { output.take(stream, text, ran.seen); }, variables);
    output.finish(ran.seen);
    ran.end = output.end();
    ran.not_started = output.not_started();
    for (const char* suffix : {".o", ".e", ".n", ".p", ".t", ".z", ".i"})
        CHECK(::access((scratch_prefix(plan.token) + suffix).c_str(), F_OK) != 0);
    return ran;
}

Ran run_line(const Shell& shell, const std::string& line) {
    return run(shell, plan_of({"sh", "-c", line}));
}

void in_every_shell(const std::function<void(const Shell&)>& act) {
    for (const Shell& shell : shells()) {
        CAPTURE(std::string{shell.name});
        act(shell);
    }
}

}  // namespace

TEST_CASE("both streams, the exit code and a process id that is the program's own") {
    in_every_shell([](const Shell& shell) {
        const Ran ran = run_line(shell, "echo $$; echo problem >&2; exit 7");
        REQUIRE(ran.end);
        CHECK(ran.end->status == 7);
        CHECK_FALSE(ran.end->by_signal);
        REQUIRE(ran.seen.pid);
        CHECK(ran.seen.out == std::to_string(*ran.seen.pid) + "\n");
        CHECK(ran.seen.err == "problem\n");
    });
}

TEST_CASE("an exit code above 128 and a signal are told apart") {
    in_every_shell([](const Shell& shell) {
        for (const int code : {129, 137, 139, 255}) {
            const Ran ran = run_line(shell, "exit " + std::to_string(code));
            REQUIRE(ran.end);
            CHECK(ran.end->status == code);
            CHECK_FALSE(ran.end->by_signal);
        }
        for (const int number : {1, 2, 9, 11, 13, 15}) {
            const Ran ran = run_line(shell, "kill -" + std::to_string(number) + " $$");
            REQUIRE(ran.end);
            CHECK(ran.end->status == 128 + number);
            CHECK(ran.end->by_signal);
        }
    });
}

TEST_CASE("arguments and output arrive byte for byte") {
    const std::vector<std::string> odd{"",         "a b", "$HOME",  "'single'", "\"double\"", "*",
                                       "-n",       "--",  "a\nb",   "ünïc",     "back\\sl",   "`id`",
                                       "\xff\xfe", "%s",  "tab\th", ";true",    "\xff\n\n",   "%\xff%d\\n"};
    in_every_shell([&](const Shell& shell) {
        std::vector<std::string> argv{"sh", "-c", "for a do printf '[%s]' \"$a\"; done", "name"};
        argv.insert(argv.end(), odd.begin(), odd.end());
        std::string expected;
        for (const std::string& argument : odd)
            expected += "[" + argument + "]";
        CHECK(run(shell, plan_of(argv)).seen.out == expected);
        const Ran binary = run_line(shell, "printf '\\141\\000\\142\\377'; printf '\\000\\376' >&2");
        CHECK(binary.seen.out == std::string("a\0b\xff", 4));
        CHECK(binary.seen.err == std::string("\0\xfe", 2));
    });
}

TEST_CASE("variables whose names the wrapper uses itself reach the program as they were given") {
    std::vector<std::string> names{"f", "last", "no", "r2"};
    for (char letter = 'a'; letter <= 'z'; ++letter)
        names.push_back(std::string(1, letter));
    std::string line = "for a in";
    std::string expected;
    for (const std::string& name : names) {
        line += " \"$" + name + "\"";
        expected += "[a b]";
    }
    line += "; do printf '[%s]' \"$a\"; done";
    in_every_shell([&](const Shell& shell) {
        CommandPlan plan = plan_of({"sh", "-c", line});
        plan.timeout_ms = 20'000;
        plan.background = Background::end;
        Variables given;
        for (const std::string& name : names)
            if (is_wrappers_own(name))
                plan.odd_variables.emplace_back(name, "a b");
            else
                given.emplace_back(name, "a b");
        plan.odd_variables.emplace_back("BASH_VERSION", "0");
        CHECK(run(shell, plan, {}, given).seen.out == expected);
        std::copy(given.begin(), given.end(), std::back_inserter(plan.odd_variables));
        plan.token = random_token();
        CHECK(run(shell, plan).seen.out == expected);
    });
}

TEST_CASE("a script that comes as a variable runs the same, and the program sees only its own variable of that name") {
    in_every_shell([](const Shell& shell) {
        const auto run_as_variable = [&](const CommandPlan& plan) {
            Seen seen;
            CommandOutput output(plan.token);
            run_shell(shell, words_for_script_variable()[1],
                      [&](berth::Stream stream, std::string_view text) { output.take(stream, text, seen); },
                      {{script_variable, wrapper_script(plan)}});
            output.finish(seen);
            REQUIRE(output.end());
            CHECK(output.end()->status == 5);
            return seen.out;
        };
        CommandPlan plan = plan_of(
            {"sh", "-c", "printf '%s|' \"$@\" \"${BERTH_SCRIPT-unset}\"; exit 5", "sh", "a  b", "$1 'x'", "\xff"});
        CHECK(run_as_variable(plan) == "a  b|$1 'x'|\xff|unset|");
        plan.odd_variables = {{script_variable, "mine"}};
        CHECK(run_as_variable(plan) == "a  b|$1 'x'|\xff|mine|");
    });
}

TEST_CASE("variables that are no UTF-8, input from a file, the directory") {
    in_every_shell([](const Shell& shell) {
        CommandPlan plan = plan_of({"sh", "-c", "printf '%s|%s|' \"$ODD\" \"$GIVEN\"; pwd; cat"});
        plan.odd_variables = {{"ODD", "\xff\xfe"}};
        plan.directory = "/usr/bin";
        plan.input_file = scratch_prefix(plan.token) + ".i";
        const int file = ::open(plan.input_file->c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(::write(file, "in\0put", 6) == 6);
        ::close(file);
        CHECK(run(shell, plan).seen.out == "\xff\xfe|a b|/usr/bin\n" + std::string("in\0put", 6));
        CHECK(run(shell, plan_of({"cat"})).end->status == 0);
    });
}

TEST_CASE("a program that is not there or cannot run is 127 or 126, without a process id and with the reason") {
    in_every_shell([](const Shell& shell) {
        const std::pair<const char*, int> cases[] = {{"no-such-program-9d1f", 127}, {"/no/such/program", 127},
                                                     {"echo hello", 127},           {"/tmp", 126},
                                                     {"/etc/passwd", 126},          {"-x", 127}};
        for (const auto& one : cases) {
            const std::string program = one.first;
            CAPTURE(program);
            const Ran ran = run(shell, plan_of({program}));
            REQUIRE(ran.end);
            CHECK(ran.end->status == one.second);
            CHECK(ran.seen.has_started);
            CHECK_FALSE(ran.seen.pid);
            CHECK(ran.seen.err.find(program) != std::string::npos);
        }
    });
}

TEST_CASE("a bad directory is told and nothing starts") {
    in_every_shell([](const Shell& shell) {
        CommandPlan plan = plan_of({"true"});
        plan.directory = "/no/such/directory";
        CHECK(run(shell, plan).not_started == NotStarted::directory_missing);
        plan.directory = "/etc/hostname";
        const Ran ran = run(shell, plan);
        CHECK(ran.not_started == NotStarted::directory_is_file);
        CHECK_FALSE(ran.seen.has_started);
        CHECK_FALSE(ran.end);
    });
}

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
        CHECK_FALSE(group_lives(*killed.seen.pid));
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
        CHECK_FALSE(group_lives(*gone.seen.pid));
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
        // What was told to end may take a moment to be gone.
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        for (const std::string& token : tokens) {
            while (!leftovers_of(token).empty() && std::chrono::steady_clock::now() < deadline)
                ::sched_yield();
            const auto left = leftovers_of(token);
            CHECK_MESSAGE(left.empty(), (left.empty() ? std::string() : left.front()));
        }
    }
}

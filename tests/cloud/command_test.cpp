// The shell text around a command: what reaches the program, and what comes back of it, in every shell there is.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "shells.hpp"

using namespace cloud_test;

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

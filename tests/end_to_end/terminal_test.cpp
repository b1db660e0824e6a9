// `berth exec -it` as somebody sees it who sits at a terminal: a PTY of the test's own, `local`, and what is shown.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "berth_program.hpp"
#include "console.hpp"

using namespace berth_test;

namespace {

std::map<std::string, std::string> variables_of(const Workspace& workspace) {
    auto variables = workspace.variables();
    variables["TERM"] = "xterm";
    return variables;
}

/// `berth` with these words on a terminal.
std::unique_ptr<Console> at_terminal(const Workspace& workspace, Words words, ConsoleSize size = {},
                                     Console::Control control = Console::Control::session) {
    words.insert(words.begin(), berth_path());
    return std::make_unique<Console>(words, variables_of(workspace), size, control);
}

/// The words of an interactive shell in a sandbox. Its prompt is nothing that a command line contains.
Words shell_in(const std::string& sandbox) {
    return {"exec", "-it", "-e", "PS1=in> ", "-e", "ENV=", sandbox, "--", "sh"};
}

}  // namespace

TEST_CASE(
    "a shell on a terminal: its size, a new one, Ctrl-C, Ctrl-Z, Ctrl-D, its exit code, the terminal given back") {
    const Workspace workspace;
    auto console = at_terminal(workspace, shell_in(workspace.create()));
    const auto before = console->first_settings();
    REQUIRE(console->shows("in> "));
    CHECK(console->is_raw());
    console->type("tty; stty size; echo $TERM\n");
    CHECK(console->shows("\r\n/dev/pts/"));
    CHECK(console->shows("\r\n31 97\r\nxterm\r\nin> "));

    // Not `wait`: the signal may come before it, and then nothing ends it. And no other program: it is the terminal's
    // foreground that hears of a new size.
    console->type("trap 'echo now $(stty size); seen=1' WINCH; echo list''ens; until [ $seen ]; do :; done\n");
    REQUIRE(console->shows("listens\r\n"));
    console->resize({44, 111});
    CHECK(console->shows("now 44 111\r\n"));
    REQUIRE(console->shows("in> "));

    console->type("sh -c 'echo run''ning; exec sleep 3601'\n");
    REQUIRE(console->shows("running\r\n"));
    console->type("\x03");
    REQUIRE(console->shows("in> "));
    console->type("echo was $?\n");
    CHECK(console->shows("was 130\r\n"));
    REQUIRE(console->shows("in> "));

    console->type("sh -c 'echo run''ning; exec sleep 3602'\n");
    REQUIRE(console->shows("running\r\n"));
    console->type("\x1a");
    CHECK(console->shows("Stopped"));
    REQUIRE(console->shows("in> "));
    console->type("jobs\n");
    CHECK(console->shows("Stopped"));
    REQUIRE(console->shows("in> "));
    // `fg` waits for its end; `wait` does not wait for what is stopped.
    console->type("kill -KILL %1; fg; (exit 7)\n");
    REQUIRE(console->shows("in> "));
    console->type("\x04");
    CHECK(console->wait() == 7);
    CHECK(same_settings(console->settings(), before));
}

TEST_CASE("a stop gives the terminal back and takes it again, with the size it has then") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    // A shell outside, whose job berth is.
    auto variables = variables_of(workspace);
    variables["PS1"] = "out> ";
    Console console({"/bin/bash", "--norc", "--noprofile", "--noediting", "-i"}, variables);
    REQUIRE(console.shows("out> "));
    const auto before = console.settings();
    console.type(berth_path() + " exec -it -e 'PS1=in> ' -e ENV= " + sandbox + " sh\n");
    REQUIRE(console.shows("\r\nin> "));
    CHECK(console.is_raw());
    for (const int stop : {SIGTSTP, SIGSTOP}) {
        CAPTURE(stop);
        console.type("echo se''en\n");
        REQUIRE(console.shows("seen\r\nin> "));
        REQUIRE(::kill(-console.foreground(), stop) == 0);
        REQUIRE(console.shows("out> "));
        CHECK(same_settings(console.settings(), before));
        // Nobody is told of this: whoever is stopped is not in the foreground.
        const ConsoleSize size{50, static_cast<unsigned short>(70 + stop)};
        console.resize(size);
        console.type("fg\n");
        CHECK(becomes_true([&] { return console.is_raw(); }));
        console.type("until [ \"$(stty size)\" = '50 " + std::to_string(size.columns) +
                     "' ]; do sleep 0.05; done; echo re''sized\n");
        CHECK(console.shows("resized\r\nin> "));
    }
    console.type("exit 5\n");
    REQUIRE(console.shows("out> "));
    console.type("echo en''ded $?\n");
    CHECK(console.shows("ended 5\r\n"));
    REQUIRE(console.shows("out> "));
    CHECK(same_settings(console.settings(), before));
    console.type("exit 0\n");
    CHECK(console.wait() == 0);
}

TEST_CASE("signals that end berth leave the terminal as it was") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    for (const int number : {SIGTERM, SIGHUP, SIGQUIT, SIGINT}) {
        CAPTURE(number);
        auto console = at_terminal(workspace, shell_in(sandbox));
        const auto before = console->first_settings();
        REQUIRE(console->shows("in> "));
        CHECK(console->is_raw());
        console->signal(number);
        CHECK(console->wait() == 128 + number);
        CHECK(same_settings(console->settings(), before));
    }
    // And an end by an error.
    auto console = at_terminal(workspace, {"exec", "-it", sandbox, "--", "sh", "-c", "echo up; exec sleep 3600"});
    const auto before = console->first_settings();
    REQUIRE(console->shows("up\r\n"));
    CHECK(workspace.berth({"rm", sandbox}).exit_code == 0);
    CHECK(console->wait() == 137);
    CHECK(same_settings(console->settings(), before));
}

TEST_CASE("what runs in the sandbox ends when berth's own terminal is gone") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    // With a session of its own berth hears SIGHUP; else there is only a terminal that answers EIO.
    for (const auto control : {Console::Control::session, Console::Control::none}) {
        auto console =
            at_terminal(workspace, {"exec", "-it", sandbox, "--", "sh", "-c", "echo up; exec sleep 3603"}, {}, control);
        REQUIRE(console->shows("up\r\n"));
        console->close();
        CHECK(console->wait() == 128 + SIGHUP);
        CHECK(workspace.berth({"exec", sandbox, "pgrep", "-f", "sleep 3603"}).exit_code == 1);
    }
}

TEST_CASE("-it without a terminal is refused, -t alone is not, and -i alone leaves the terminal as it is") {
    const Workspace workspace;
    for (const auto* command : {"run", "exec"}) {
        Words words{command, "-it"};
        if (words.front() == "exec") words.emplace_back("local/nobody");
        words.insert(words.end(), {"--", "true"});
        const auto ended = workspace.berth(words);
        CHECK(ended.exit_code == 125);
        CHECK(ended.error.find("BERTH-X-09") != std::string::npos);
        CHECK(ended.error.find("Leave -t out") != std::string::npos);
    }
    CHECK(workspace.sandboxes().empty());
    const auto sandbox = workspace.create();
    CHECK(workspace.berth({"exec", "-t", sandbox, "--", "tty"}).output.starts_with("/dev/pts/"));
    auto console = at_terminal(workspace, {"exec", "-i", sandbox, "--", "sh", "-c", "echo up; cat; echo end"});
    const auto before = console->first_settings();
    REQUIRE(console->shows("up\r\n"));
    CHECK(same_settings(console->settings(), before));
    // Without -t there is no size to pass on: a new one changes nothing.
    console->resize({20, 50});
    console->type("line\n");
    CHECK(console->shows("line\r\nline\r\n"));
    console->type("\x04");
    CHECK(console->shows("end\r\n"));
    CHECK(console->wait() == 0);
}

TEST_CASE("a window without a size counts as 24 lines of 80") {
    const Workspace workspace;
    auto console = at_terminal(workspace, {"run", "-it", "--", "stty", "size"}, {0, 0});
    CHECK(console->shows("24 80\r\n"));
    CHECK(console->wait() == 0);
}

TEST_CASE("a mebibyte that is pasted arrives whole, and so does all that is printed before the end") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    std::string text;
    for (int line = 0; text.size() < (std::size_t{1} << 20U); ++line) {
        text += "line " + std::to_string(line) + " of what is pasted\n";
    }
    for (const auto* mode : {"stty -echo", "stty raw -echo"}) {
        CAPTURE(mode);
        auto console =
            at_terminal(workspace, {"exec", "-it", sandbox, "--", "sh", "-c",
                                    std::string(mode) + "; echo ready; head -c " + std::to_string(text.size()) +
                                        " >pasted; stty sane -echo; cat pasted; printf las''t"});
        REQUIRE(console->shows("ready"));
        console->type(text);
        CHECK(console->shows("last"));
        CHECK(console->wait() == 0);
        CHECK(workspace.berth({"exec", sandbox, "cat", "pasted"}).output == text);
    }
}

TEST_CASE("programs that fill the screen start, draw, take a key and quit") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    struct Program {
        Words words;
        std::string drawn;
        std::string keys;
    };
    const std::vector<Program> programs{
        {{"/usr/bin/top"}, "Tasks", "q"},
        {{"/usr/bin/less", "/etc/passwd"}, "(END)", "q"},
        {{"/usr/bin/vi", "-u", "NONE", "made"}, "~", "ihello from vi\x1b:wq\r"},
    };
    for (const auto& program : programs) {
        const auto& words = program.words;
        CAPTURE(words.front());
        if (::access(words.front().c_str(), X_OK) != 0) {
            MESSAGE("skipped, for it is not installed: " << words.front());
            continue;
        }
        Words all{"exec", "-it", sandbox, "--"};
        all.insert(all.end(), words.begin(), words.end());
        auto console = at_terminal(workspace, all);
        const auto before = console->first_settings();
        REQUIRE(console->shows(program.drawn));
        console->type(program.keys);
        CHECK(console->wait() == 0);
        CHECK(same_settings(console->settings(), before));
    }
    if (::access("/usr/bin/vi", X_OK) == 0) {
        CHECK(workspace.berth({"exec", sandbox, "cat", "made"}).output == "hello from vi\n");
    }
}

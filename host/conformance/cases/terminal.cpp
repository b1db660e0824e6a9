// Processes on a terminal: size, signals from the keyboard, ends of input, and that what holds for pipes holds here.
// docs/contract.md 2.4, 2.6 and 3.6.
#include <csignal>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

ProcessConfig on_terminal(std::string line) {
    auto config = Context::shell_process(std::move(line));
    config.interactive = true;
    config.terminal = Terminal{{33, 77}, "vt100"};
    config.kill_grace = Milliseconds{300};
    return config;
}

Process start(Context& context, const ProcessConfig& config) {
    return context.host().execute_stream(context.shared(), config, Context::bounded());
}

void size_and_name(Context& context) {
    auto process = start(context, on_terminal("test -t 0 && test -t 1 && test -t 2 && stty size && printf %s $TERM"));
    context.equal(process.standard_output()->read_all(), std::string("33 77\r\nvt100"),
                  "size and name of the terminal");
    auto config = on_terminal("printf %s $TERM");
    config.environment.env["TERM"] = "mine";
    context.equal(start(context, config).standard_output()->read_all(), std::string("mine"), "TERM of the caller");
}

void all_output_is_stdout(Context& context) {
    auto process = start(context, on_terminal("echo out; echo err >&2; echo tty >/dev/tty; exit 5"));
    context.equal(process.standard_output()->read_all(), std::string("out\r\nerr\r\ntty\r\n"), "stdout");
    context.equal(process.wait().standard_error, std::string(), "stderr");
    context.equal(process.wait().exit_code, 5, "exit code");
}

void resize(Context& context) {
    auto process =
        start(context, on_terminal("trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"));
    read_until(context, *process.standard_output(), "ready\r\n");
    process.resize({44, 99});
    context.equal(process.standard_output()->read_all(), std::string("44 99\r\n"), "the process hears its new size");
}

void control_c(Context& context) {
    auto process = start(context, on_terminal("echo ready; exec sleep 3600"));
    read_until(context, *process.standard_output(), "ready\r\n");
    process.write_stdin("\x03");
    const auto result = process.wait();
    context.equal(result.exit_code, 128 + SIGINT, "exit code");
    context.equal(result.status, ProcessStatus::killed, "status");
}

void end_of_input(Context& context) {
    auto process = start(context, on_terminal("cat; echo end"));
    process.write_stdin("line\n");
    read_until(context, *process.standard_output(), "line\r\nline\r\n");
    process.write_stdin("\x04");
    context.expect(read_until(context, *process.standard_output(), "end\r\n").find("end\r\n") != std::string::npos,
                   "Ctrl-D ends the reader");
    process.wait();
    // In the middle of a line the end is told all the same.
    process = start(context, on_terminal("stty -echo; echo ready; cat; echo end"));
    read_until(context, *process.standard_output(), "ready\r\n");
    process.write_stdin("begun");
    process.close_stdin();
    context.equal(process.standard_output()->read_all(), std::string("begunend\r\n"), "what was begun, and the end");
}

void given_input(Context& context) {
    auto config = on_terminal("wc -c");
    config.interactive = false;
    config.input = "one\ntwo";
    context.expect(start(context, config).standard_output()->read_all().ends_with("7\r\n"), "input arrives and ends");
    config = on_terminal("cat; echo end");
    config.interactive = false;
    context.equal(start(context, config).standard_output()->read_all(), std::string("end\r\n"),
                  "without input there is nothing to read");
}

void every_byte(Context& context) {
    auto process = start(context, on_terminal("stty raw -echo; printf ready; head -c 256"));
    read_until(context, *process.standard_output(), "ready");
    std::string bytes;
    for (int value = 0; value < 256; ++value)
        bytes += static_cast<char>(value);
    process.write_stdin(bytes);
    context.equal(process.standard_output()->read_all(), bytes, "all 256 bytes on a raw terminal");
}

void nothing_is_lost(Context& context) {
    for (int round = 0; round < 20; ++round) {
        auto process = start(context, on_terminal("printf last"));
        context.equal(process.wait().standard_output, std::string("last"), "what was written just before the end");
    }
    auto process = start(context, on_terminal("i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done"));
    std::string expected;
    for (int line = 0; line < 20'000; ++line)
        expected += "line-" + std::to_string(line) + "\r\n";
    context.expect(process.standard_output()->read_all() == expected, "20,000 lines arrive whole and in order");
}

void background_child(Context& context) {
    const auto gate = context.unique_path("gate");
    const auto done = context.unique_path("done");
    auto process = start(context, on_terminal("trap '' HUP; (while ! test -e " + gate +
                                              "; do sleep 0.05; done; echo late; touch " + done + ") & echo early"));
    const auto result = process.wait_for(Milliseconds{60'000});
    context.expect(result.has_value(), "the end is told though a child keeps the terminal");
    context.equal(result->standard_output, std::string("early\r\n"), "output so far");
    context.output_of(context.shared(), "touch " + gate);
    wait_until(
        context, [&] { return context.shell(context.shared(), "test -e " + done).exit_code == 0; },
        "the child goes on");
}

void ends_from_outside(Context& context) {
    auto config = on_terminal("trap '' TERM HUP; echo up; sleep 3600");
    config.environment.timeout = Milliseconds{500};
    auto result = start(context, config).wait();
    context.equal(result.status, ProcessStatus::timeout, "status after a timeout");
    context.equal(result.standard_output, std::string("up\r\n"), "output so far");
    config.environment.timeout.reset();
    auto process = start(context, config);
    read_until(context, *process.standard_output(), "up\r\n");
    process.cancel();
    result = process.wait();
    context.equal(result.status, ProcessStatus::killed, "status after a cancel");
    context.equal(result.reason, std::string("cancelled"), "reason");
}

void kill_without_a_reader(Context& context) {
    auto process = start(context, on_terminal("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"));
    read_until(context, *process.standard_output(), "x");
    context.expect(process.kill(SIGKILL), "kill is handed on");
    const auto result = process.wait_for(Milliseconds{60'000});
    context.expect(result.has_value(), "the kill arrives though nobody reads");
    context.equal(result->exit_code, 128 + SIGKILL, "exit code");
}

void missing_program(Context& context) {
    auto config = Context::process({"no-such-program-9d1f"});
    config.terminal = Terminal{{33, 77}, "vt100"};
    const auto result = start(context, config).wait();
    context.equal(result.exit_code, 127, "exit code");
    context.expect(!result.standard_output.empty(), "the reason is on the terminal");
}

}  // namespace

std::vector<Case> terminal_cases() {
    return {
        {"terminal", "a terminal has its size and name", size_and_name, {"tty", "stdin"}},
        {"terminal",
         "all output is stdout, and the terminal is the controlling one",
         all_output_is_stdout,
         {"tty", "stdin"}},
        {"terminal", "a new size reaches the process", resize, {"tty", "stdin"}},
        {"terminal", "Ctrl-C interrupts what runs", control_c, {"tty", "stdin"}},
        {"terminal", "Ctrl-D and the end of stdin end a reader", end_of_input, {"tty", "stdin"}},
        {"terminal", "given input arrives and ends; without any there is none", given_input, {"tty"}},
        {"terminal", "every byte passes a raw terminal both ways", every_byte, {"tty", "stdin"}},
        {"terminal", "nothing is lost at the end", nothing_is_lost, {"tty", "stdin"}},
        {"terminal", "a child that keeps the terminal does not hold the end back", background_child, {"tty", "stdin"}},
        {"terminal", "timeout and cancel end what ignores SIGTERM", ends_from_outside, {"tty", "stdin"}},
        {"terminal", "a reader that does not read does not stop a kill", kill_without_a_reader, {"tty", "stdin"}},
        {"terminal", "a missing program says so on the terminal", missing_program, {"tty"}},
    };
}

}  // namespace berth::inline host_v1::conformance

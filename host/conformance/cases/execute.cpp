// execute: argv, environment, directory, output, input, exit codes. docs/contract.md 1.4, 2.4, 2.5, 3.5.
#include <algorithm>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

ProcessConfig with_variables(std::string line, Variables variables) {
    auto process = Context::shell_process(std::move(line));
    process.environment.env = std::move(variables);
    return process;
}

void output_and_exit(Context& context) {
    const auto result = context.shell(context.shared(), "echo out; echo err >&2; exit 7");
    context.equal(result.standard_output, std::string("out\n"), "stdout");
    context.equal(result.standard_error, std::string("err\n"), "stderr");
    context.equal(result.exit_code, 7, "exit code");
    context.equal(result.status, ProcessStatus::failed, "status");
}

void success(Context& context) {
    const auto result = context.run(context.shared(), {"true"});
    context.equal(result.exit_code, 0, "exit code");
    context.equal(result.status, ProcessStatus::completed, "status");
    context.equal(result.standard_output, std::string(), "stdout");
    context.equal(result.standard_error, std::string(), "stderr");
    context.expect(result.execution_time >= Milliseconds{0}, "execution time is not negative");
    context.expect(!result.signal, "no signal");
}

void exit_codes(Context& context) {
    for (const int code : {1, 2, 42, 124, 137, 255}) {
        const auto result = context.shell(context.shared(), "exit " + std::to_string(code));
        context.equal(result.exit_code, code, "exit code");
        context.equal(result.status, ProcessStatus::failed, "status");
    }
    context.equal(context.shell(context.shared(), "exit 300").exit_code, 44, "exit 300");
}

void arguments_are_exact(Context& context) {
    const std::vector<std::string> arguments{"",         "a b", "$HOME",     "'single'", "\"double\"",  "*",
                                             "-n",       "--",  "a\nb",      "ünïcode",  "back\\slash", "`id`",
                                             "\xff\xfe", "%s",  "tab\there", ";true"};
    std::vector<std::string> argv{"sh", "-c", "for argument do printf '[%s]' \"$argument\"; done", "name"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    std::string expected;
    for (const auto& argument : arguments)
        expected += "[" + argument + "]";
    context.equal(context.run(context.shared(), argv).standard_output, expected, "arguments as the program saw them");
}

void no_shell(Context& context) {
    context.equal(context.run(context.shared(), {"echo", "$HOME", "|", "cat"}).standard_output,
                  std::string("$HOME | cat\n"), "nothing is expanded");
    context.equal(context.run(context.shared(), {"echo hello"}).exit_code, 127, "a command with a space is one name");
}

void shell_constructs(Context& context) {
    context.equal(context.output_of(context.shared(), "printf 'b\\na\\n' | sort | tr -d '\\n'"), std::string("ab"),
                  "a pipeline");
    context.equal(context.output_of(context.shared(), "cat <<'END'\n$not expanded\nEND"),
                  std::string("$not expanded\n"), "a here-document");
}

void blank_command(Context& context) {
    for (const std::string command : {"", " ", "\t\n"}) {
        context.refused(
            Code::invalid_argument, [&] { context.run(context.shared(), {command}); }, "a blank command");
    }
    context.refused(
        Code::invalid_argument,
        [&] {
            context.run(context.shared(), {"echo", std::string("a\0b", 3)});
        },
        "an argument with NUL");
}

void program_not_found(Context& context) {
    const auto result = context.run(context.shared(), {"no-such-program-9d1f"});
    context.equal(result.exit_code, 127, "exit code");
    context.equal(result.status, ProcessStatus::failed, "status");
    context.expect(!result.standard_error.empty(), "stderr gives the reason");
    context.equal(context.run(context.shared(), {"/no/such/program"}).exit_code, 127, "exit code of a missing path");
}

void program_not_executable(Context& context) {
    const auto file = context.unique_path("plain");
    context.output_of(context.shared(), "echo data > " + file + "; chmod 644 " + file);
    const auto result = context.run(context.shared(), {"./" + file});
    context.equal(result.exit_code, 126, "exit code of a plain file");
    context.expect(!result.standard_error.empty(), "stderr gives the reason");
    context.equal(context.run(context.shared(), {"/tmp"}).exit_code, 126, "exit code of a directory");
}

void search_follows_sandbox_path(Context& context) {
    const auto directory = context.unique_path("bin");
    context.output_of(context.shared(), "mkdir " + directory + "; printf '#!/bin/sh\\necho found\\n' > " + directory +
                                            "/tool-9d1f; chmod 755 " + directory + "/tool-9d1f");
    const auto where = context.output_of(context.shared(), "cd " + directory + " && pwd | tr -d '\\n'");
    auto process = Context::process({"tool-9d1f"});
    process.environment.env = {{"PATH", where + ":/usr/bin:/bin"}};
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output,
                  std::string("found\n"), "a program on the PATH given");
}

void variables(Context& context) {
    const std::string odd = "a & b 'c' \"d\" $e\nf=ü";
    const auto process = with_variables("printf '%s|%s|%s' \"$ONE\" \"$TWO\" \"${EMPTY-unset}\"",
                                        {{"ONE", odd}, {"TWO", "2"}, {"EMPTY", ""}});
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output, odd + "|2|",
                  "variables as the process saw them");
}

void variables_do_not_stick(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"KEPT", "sandbox"}, {"LAID", "sandbox"}};
    const auto sandbox = context.fresh(config);
    const auto process = with_variables("printf '%s %s' \"$KEPT\" \"$LAID\"", {{"LAID", "process"}});
    context.equal(context.host().execute(sandbox, process, Context::bounded()).standard_output,
                  std::string("sandbox process"), "the process lays its variables over the sandbox's");
    context.equal(context.output_of(sandbox, "printf '%s %s' \"$KEPT\" \"$LAID\""), std::string("sandbox sandbox"),
                  "the next process does not see them");
}

void host_variables_are_not_inherited(Context& context) {
    const auto canary = Context::canary();
    const auto seen = context.output_of(context.shared(), "env");
    context.expect(seen.find(canary) == std::string::npos, "the host's variables stay outside");
    context.expect(seen.find("PATH=") != std::string::npos, "PATH has a default");
}

void directory_is_honoured(Context& context) {
    auto process = Context::process({"pwd"});
    process.environment.cwd = "/tmp";
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output,
                  std::string("/tmp\n"), "an absolute cwd");
    const auto directory = context.unique_path("dir");
    context.output_of(context.shared(), "mkdir -p " + directory + "/inner");
    const auto base = context.output_of(context.shared(), "pwd | tr -d '\\n'");
    process.environment.cwd = directory + "/inner";
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output,
                  base + "/" + directory + "/inner\n", "a relative cwd");
}

void bad_directories(Context& context) {
    const auto file = context.unique_path("file");
    context.output_of(context.shared(), "touch " + file);
    const auto refuse = [&](Code code, const std::string& cwd) {
        auto process = Context::process({"pwd"});
        process.environment.cwd = cwd;
        const auto error = context.refused(
            code, [&] { context.host().execute(context.shared(), process, Context::bounded()); }, "cwd " + shown(cwd));
        context.expect(error.fields().outcome == Outcome::none, "nothing was started");
    };
    refuse(Code::file_not_found, "/no/such/directory");
    refuse(Code::not_directory, file);
    refuse(Code::path_escape, "../../../../../../../..");
}

void binary_output(Context& context) {
    const auto result = context.shell(context.shared(), "printf '\\141\\000\\142\\377'; printf '\\000\\376' >&2");
    context.equal(result.standard_output, std::string("a\0b\xff", 4), "stdout byte for byte");
    context.equal(result.standard_error, std::string("\0\xfe", 2), "stderr byte for byte");
}

void many_lines(Context& context) {
    std::string expected;
    for (int line = 1; line <= 5000; ++line)
        expected += std::to_string(line) + "\n";
    context.equal(context.output_of(context.shared(), "i=1; while [ $i -le 5000 ]; do echo $i; i=$((i+1)); done"),
                  expected, "5,000 lines in order");
}

void newest_output_is_kept(Context& context) {
    auto process = Context::shell_process("head -c 5000000 /dev/zero | tr '\\0' x; printf END");
    process.max_output_bytes = 1000;
    const auto result = context.host().execute(context.shared(), process, Context::bounded());
    context.equal(result.exit_code, 0, "the process is never blocked");
    context.equal(result.standard_output.size(), std::size_t{1000}, "kept bytes");
    context.expect(result.standard_output.ends_with("xEND"), "the newest bytes are kept");
    context.equal(result.output_dropped_bytes, std::uint64_t{4'999'003}, "dropped bytes are counted");
    context.equal(result.error_dropped_bytes, std::uint64_t{0}, "nothing dropped of stderr");
}

void cut_spares_characters(Context& context) {
    auto process = Context::shell_process("i=0; while [ $i -lt 400 ]; do printf '\\342\\202\\254'; i=$((i+1)); done");
    process.max_output_bytes = 100;
    const auto kept = context.host().execute(context.shared(), process, Context::bounded()).standard_output;
    context.equal(kept.size() % 3, std::size_t{0}, "only whole three-byte characters are kept");
    context.expect(!kept.empty() && kept.starts_with("\xe2\x82\xac"), "it starts with a whole character");
}

void hundred_megabytes(Context& context) {
    auto process = Context::shell_process("head -c 100000000 /dev/zero");
    process.max_output_bytes = std::uint64_t{1} << 20U;
    const auto result = context.host().execute(context.shared(), process, Context::bounded());
    context.equal(result.exit_code, 0, "exit code");
    context.equal(result.standard_output.size() + result.output_dropped_bytes, std::uint64_t{100'000'000},
                  "kept and dropped together");
}

void discarded_output(Context& context) {
    auto process = Context::shell_process("head -c 1000000 /dev/zero; echo gone >&2; exit 3");
    process.output = Capture::discard;
    process.error = Capture::discard;
    const auto result = context.host().execute(context.shared(), process, Context::bounded());
    context.equal(result.exit_code, 3, "the process is not blocked");
    context.expect(result.standard_output.empty() && result.standard_error.empty(), "nothing is kept");
}

void input_is_given(Context& context) {
    auto process = Context::process({"cat"});
    std::string input(3'000'000, '\0');
    for (std::size_t index = 0; index < input.size(); ++index)
        input[index] = static_cast<char>(index * 31 + index / 257);
    process.input = input;
    context.expect(context.host().execute(context.shared(), process, Context::bounded()).standard_output == input,
                   "3 MB of input come back byte for byte");
    process.input = "";
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output, std::string(),
                  "empty input");
}

void input_not_read(Context& context) {
    auto process = Context::shell_process("exec <&-; echo fine");
    process.input = std::string(1'000'000, 'x');
    const auto result = context.host().execute(context.shared(), process, Context::bounded());
    context.equal(result.standard_output, std::string("fine\n"), "a process that closes stdin early is no error");
}

void no_input_is_end_of_file(Context& context) {
    context.equal(context.run(context.shared(), {"cat"}).exit_code, 0, "cat ends at once");
}

void interactive_is_refused(Context& context) {
    auto process = Context::process({"cat"});
    process.interactive = true;
    context.refused(
        Code::invalid_argument, [&] { context.host().execute(context.shared(), process, Context::bounded()); },
        "interactive with execute");
}

void death_by_signal(Context& context) {
    const auto result = context.shell(context.shared(), "kill -9 $$");
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.exit_code, 137, "exit code");
    context.expect(result.signal == 9, "the signal is told");
}

void files_written_are_read(Context& context) {
    const auto file = context.unique_path("note");
    context.output_of(context.shared(), "echo content > " + file);
    context.equal(context.output_of(context.shared(), "cat " + file), std::string("content\n"), "the next process");
}

void usual_devices(Context& context) {
    context.equal(context.output_of(context.shared(), "echo x > /dev/null; head -c 4 /dev/zero | wc -c | tr -d ' \\n'"),
                  std::string("4"), "/dev/null and /dev/zero");
    context.equal(context.output_of(context.shared(), "head -c 8 /dev/urandom | wc -c | tr -d ' \\n'"),
                  std::string("8"), "/dev/urandom");
}

}  // namespace

std::vector<Case> execute_cases() {
    return {
        {"execute", "stdout, stderr and exit code are told apart", output_and_exit, {}},
        {"execute", "success is completed with exit code 0", success, {}},
        {"execute", "exit codes are the process's own", exit_codes, {}},
        {"execute", "arguments arrive byte for byte", arguments_are_exact, {}},
        {"execute", "no shell is involved", no_shell, {}},
        {"execute", "a shell line works through sh -c", shell_constructs, {}},
        {"execute", "a blank command is INVALID_ARGUMENT", blank_command, {}},
        {"execute", "a missing program is exit code 127", program_not_found, {}},
        {"execute", "what cannot be executed is exit code 126", program_not_executable, {}},
        {"execute", "programs are searched along the sandbox's PATH", search_follows_sandbox_path, {}},
        {"execute", "variables arrive byte for byte", variables, {}},
        {"execute", "variables of a process do not stick", variables_do_not_stick, {}},
        {"execute", "the host's variables are not inherited", host_variables_are_not_inherited, {}},
        {"execute", "cwd is honoured, absolute and relative", directory_is_honoured, {}},
        {"execute", "a bad cwd is a typed error", bad_directories, {}},
        {"execute", "binary output is unchanged", binary_output, {}},
        {"execute", "5,000 lines are complete and in order", many_lines, {}},
        {"execute", "the newest output is kept and the rest counted", newest_output_is_kept, {}},
        {"execute", "a cut never splits a character", cut_spares_characters, {}},
        {"execute", "100 MB of output do not block the process", hundred_megabytes, {}},
        {"execute", "discarded output does not block the process", discarded_output, {}},
        {"execute", "input larger than a pipe comes back whole", input_is_given, {}},
        {"execute", "input that is not read is no error", input_not_read, {}},
        {"execute", "without input stdin is at its end", no_input_is_end_of_file, {}},
        {"execute", "interactive is INVALID_ARGUMENT", interactive_is_refused, {}},
        {"execute", "death by a signal is told with its number", death_by_signal, {}},
        {"execute", "files written by one process are read by the next", files_written_are_read, {}},
        {"execute", "the usual devices work", usual_devices, {}},
    };
}

}  // namespace berth::inline host_v1::conformance

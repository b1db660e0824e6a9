// execute_stream: live output, kill, stdin, completion. docs/contract.md 2.6 and 3.6.
#include <array>
#include <csignal>
#include <stop_token>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

Process start(Context& context, ProcessConfig process, const CallOptions& options = Context::bounded()) {
    process.kill_grace = Milliseconds{300};
    return context.host().execute_stream(context.shared(), process, options);
}

void streams_and_completion(Context& context) {
    auto process = start(context, Context::shell_process("echo out; echo err >&2; exit 42"));
    context.expect(process.standard_output() != nullptr && process.standard_error() != nullptr,
                   "both streams are there");
    context.equal(process.standard_output()->read_all(), std::string("out\n"), "stdout");
    context.equal(process.standard_error()->read_all(), std::string("err\n"), "stderr");
    const auto result = process.wait();
    context.equal(result.exit_code, 42, "exit code");
    context.equal(result.standard_output, std::string("out\n"), "stdout in the result");
    context.equal(process.wait().exit_code, 42, "completion may be asked again");
}

void output_comes_while_it_runs(Context& context) {
    // The process waits for a file that only appears after its first line was read.
    const auto gate = context.unique_path("gate");
    auto process = start(context, Context::shell_process("echo first; echo problem >&2; while ! test -e " + gate +
                                                         "; do sleep 0.05; done; echo second"));
    context.equal(read_until(context, *process.standard_output(), "first\n"), std::string("first\n"), "the first line");
    context.equal(read_until(context, *process.standard_error(), "problem\n"), std::string("problem\n"), "stderr too");
    context.expect(!process.wait_for(Milliseconds{0}), "completion is open while it runs");
    context.output_of(context.shared(), "touch " + gate);
    context.equal(process.standard_output()->read_all(), std::string("second\n"), "the rest");
    context.equal(process.wait().exit_code, 0, "exit code");
}

void missing_program_is_a_handle(Context& context) {
    auto process = start(context, Context::process({"no-such-program-9d1f"}));
    context.equal(process.wait().exit_code, 127, "exit code");
    context.expect(!process.pid(), "there is no pid");
    context.expect(!process.wait().standard_error.empty(), "stderr gives the reason");
}

void errors_of_the_call(Context& context) {
    auto process = Context::process({"true"});
    process.environment.cwd = "/no/such/directory";
    context.refused(
        Code::file_not_found, [&] { start(context, process).wait(); }, "a missing cwd");
    context.refused(
        Code::invalid_argument, [&] { start(context, Context::process({" "})).wait(); }, "a blank command");
}

void kill_default_is_term(Context& context) {
    auto process = start(
        context, Context::shell_process("trap 'echo got TERM; exit 3' TERM; echo ready; while :; do sleep 0.05; done"));
    read_until(context, *process.standard_output(), "ready\n");
    context.expect(process.kill(), "kill is handed on");
    const auto result = process.wait();
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.exit_code, 3, "exit code is the process's own when it exits");
    context.equal(result.standard_output, std::string("ready\ngot TERM\n"), "output after the signal");
}

void kill_hard(Context& context) {
    auto process = start(context, Context::shell_process("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    read_until(context, *process.standard_output(), "ready\n");
    context.expect(process.kill(SIGKILL), "kill is handed on");
    const auto result = process.wait();
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.exit_code, 137, "exit code");
    context.expect(result.signal == SIGKILL, "the signal");
}

void kill_after_the_end(Context& context) {
    auto process = start(context, Context::process({"true"}));
    process.wait();
    context.expect(!process.kill(), "kill of an ended process is false");
    context.expect(!process.kill(SIGKILL), "and again");
}

void kill_without_a_reader(Context& context) {
    auto process =
        start(context, Context::shell_process("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"));
    // Wait until something has come, so that the buffers begin to fill; then read nothing more.
    std::array<std::byte, 64> buffer{};
    context.expect(process.standard_output()->read_for(buffer, Milliseconds{60'000}).value_or(0) > 0, "output comes");
    context.expect(process.kill(SIGKILL), "kill is handed on");
    const auto result = process.wait_for(Milliseconds{60'000});
    context.expect(result.has_value(), "the kill arrives though nobody reads");
    context.equal(result->status, ProcessStatus::killed, "status");
}

void other_signals(Context& context) {
    auto process = start(
        context, Context::shell_process("trap 'echo USR1; exit 0' USR1; echo ready; while :; do sleep 0.05; done"));
    read_until(context, *process.standard_output(), "ready\n");
    context.expect(process.kill(SIGUSR1), "kill is handed on");
    context.equal(process.wait().standard_output, std::string("ready\nUSR1\n"), "the signal arrives as itself");
}

void timeout_counts_from_start(Context& context) {
    auto config = Context::shell_process("echo before; sleep 3600");
    config.environment.timeout = Milliseconds{500};
    auto process = start(context, config);
    const auto result = process.wait();
    context.equal(result.status, ProcessStatus::timeout, "status");
    context.equal(result.exit_code, 124, "exit code");
    context.equal(result.standard_output, std::string("before\n"), "output so far");
}

void cancel_keeps_output(Context& context) {
    auto process = start(context, Context::shell_process("echo partial; sleep 3600"));
    read_until(context, *process.standard_output(), "partial\n");
    process.cancel();
    const auto result = process.wait();
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.reason, std::string("cancelled"), "reason");
    context.equal(result.standard_output, std::string("partial\n"), "output so far");
}

void already_stopped(Context& context) {
    std::stop_source stop;
    stop.request_stop();
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    context.refused(
        Code::cancelled, [&] { start(context, Context::process({"true"}), options).wait(); },
        "a stream cancelled beforehand");
}

void dropping_does_not_kill(Context& context) {
    const auto file = context.unique_path("dropped");
    { auto process = start(context, Context::shell_process("sleep 0.3; echo written; touch " + file)); }
    wait_until(
        context, [&] { return context.shell(context.shared(), "test -e " + file).exit_code == 0; },
        "the process goes on after its handle was dropped");
}

void discarded_streams_are_absent(Context& context) {
    auto config = Context::shell_process("echo out; echo err >&2");
    config.output = Capture::discard;
    auto process = start(context, config);
    context.expect(process.standard_output() == nullptr, "no stdout stream");
    context.equal(process.standard_error()->read_all(), std::string("err\n"), "stderr is there");
    context.equal(process.wait().standard_output, std::string(), "nothing kept");
}

void slow_reader_loses_nothing(Context& context) {
    auto process =
        start(context, Context::shell_process("i=0; while [ $i -lt 200000 ]; do echo line-$i; i=$((i+1)); done"));
    std::string expected;
    for (int line = 0; line < 200'000; ++line)
        expected += "line-" + std::to_string(line) + "\n";
    // Small reads: the buffers stay full and the process is held back.
    std::string seen;
    std::array<std::byte, 777> buffer{};
    while (const auto got = process.standard_output()->read(buffer)) {
        for (std::size_t index = 0; index < got; ++index)
            seen += static_cast<char>(buffer[index]);
    }
    context.expect(seen == expected, "200,000 lines arrive whole and in order");
}

void live_stdin(Context& context) {
    auto config = Context::shell_process("while read -r line; do echo \"got $line\"; done; echo end");
    config.interactive = true;
    auto process = start(context, config);
    process.write_stdin("one\n");
    context.equal(read_until(context, *process.standard_output(), "got one\n"), std::string("got one\n"), "an answer");
    process.write_stdin("two\n");
    context.equal(read_until(context, *process.standard_output(), "got two\n"), std::string("got two\n"), "another");
    process.close_stdin();
    process.close_stdin();
    context.equal(process.standard_output()->read_all(), std::string("end\n"), "closing ends the reader");
    context.equal(process.wait().exit_code, 0, "exit code");
}

void stdin_after_the_end(Context& context) {
    auto config = Context::process({"true"});
    config.interactive = true;
    auto process = start(context, config);
    process.wait();
    bool refused = false;
    try {
        for (int round = 0; round < 64; ++round)
            process.write_stdin(std::string(65'536, 'x'));
    } catch (const Error&) {
        refused = true;
    }
    context.expect(refused, "writing to an ended process is an error, not a hang");
}

void stdin_needs_interactive(Context& context) {
    auto process = start(context, Context::process({"cat"}));
    context.equal(process.wait().exit_code, 0, "without interactive cat ends at once");
}

void split_characters(Context& context) {
    auto process = start(context, Context::shell_process("printf '\\342\\202'; sleep 0.3; printf '\\254'"));
    context.equal(process.standard_output()->read_all(), std::string("\xe2\x82\xac"), "a character in two chunks");
}

void destroy_ends_streams(Context& context) {
    const auto sandbox = context.fresh();
    auto process =
        context.host().execute_stream(sandbox, Context::shell_process("echo up; sleep 3600"), Context::bounded());
    read_until(context, *process.standard_output(), "up\n");
    context.host().destroy(sandbox, Context::bounded());
    context.equal(process.wait().status, ProcessStatus::killed, "status");
}

void receiver_hears_everything(Context& context) {
    class Counter : public OutputReceiver {
    public:
        void output(OutputStream stream, std::string_view bytes) override {
            (stream == OutputStream::output ? out : err) += bytes.size();
        }
        std::uint64_t out = 0;
        std::uint64_t err = 0;
    } counter;
    auto process = context.host().execute_stream(
        context.shared(), Context::shell_process("head -c 20000000 /dev/zero; head -c 1000 /dev/zero >&2"), counter,
        Context::bounded());
    context.equal(process.wait().exit_code, 0, "exit code");
    context.equal(counter.out, std::uint64_t{20'000'000}, "bytes of stdout");
    context.equal(counter.err, std::uint64_t{1000}, "bytes of stderr");
}

}  // namespace

std::vector<Case> stream_cases() {
    return {
        {"stream", "both streams and completion agree", streams_and_completion, {}},
        {"stream", "output comes while the process runs", output_comes_while_it_runs, {}},
        {"stream", "a missing program is a handle that says 127", missing_program_is_a_handle, {}},
        {"stream", "what is wrong beforehand is an error of the call", errors_of_the_call, {}},
        {"stream", "kill sends SIGTERM", kill_default_is_term, {}},
        {"stream", "SIGKILL ends what ignores SIGTERM", kill_hard, {}},
        {"stream", "kill after the end is false", kill_after_the_end, {}},
        {"stream", "a reader that does not read does not stop a kill", kill_without_a_reader, {}},
        {"stream", "other signals reach the process", other_signals, {"signals"}},
        {"stream", "a timeout counts from the start", timeout_counts_from_start, {}},
        {"stream", "cancel keeps the output so far", cancel_keeps_output, {}},
        {"stream", "cancelled beforehand nothing starts", already_stopped, {}},
        {"stream", "dropping the handle does not kill", dropping_does_not_kill, {}},
        {"stream", "a discarded stream is absent", discarded_streams_are_absent, {}},
        {"stream", "a slow reader loses nothing", slow_reader_loses_nothing, {}},
        {"stream", "stdin is answered live and can be closed", live_stdin, {"stdin"}},
        {"stream", "writing to an ended process is an error", stdin_after_the_end, {"stdin"}},
        {"stream", "without interactive stdin is at its end", stdin_needs_interactive, {}},
        {"stream", "a character in two chunks stays whole", split_characters, {}},
        {"stream", "destroy ends open streams as killed", destroy_ends_streams, {}},
        {"stream", "a receiver hears every byte", receiver_hears_everything, {}},
    };
}

}  // namespace berth::inline host_v1::conformance

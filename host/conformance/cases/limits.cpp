// Timeouts, cancellation and what outlives a process. docs/contract.md 3.5.
// The bounds are loose on purpose: a provider that does not end a process keeps these cases for an hour.
#include <stop_token>
#include <thread>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

ProcessConfig limited(std::string line, Milliseconds timeout) {
    auto process = Context::shell_process(std::move(line));
    process.environment.timeout = timeout;
    process.kill_grace = Milliseconds{300};
    return process;
}

/// Whether any process in the sandbox has `mark` in its command line.
bool runs(Context& context, const SandboxName& sandbox, const std::string& mark) {
    // The bracket keeps the searching shell itself out of its own result.
    const auto pattern = "[" + mark.substr(0, 1) + "]" + mark.substr(1);
    return context
               .shell(sandbox,
                      "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null; echo; done | grep -q '" +
                          pattern + "'")
               .exit_code == 0;
}

void timeout_ends_it(Context& context) {
    const auto result = context.host().execute(context.shared(), limited("echo before; sleep 3600", Milliseconds{500}),
                                               Context::bounded());
    context.equal(result.status, ProcessStatus::timeout, "status");
    context.equal(result.exit_code, 124, "exit code");
    context.equal(result.standard_output, std::string("before\n"), "output so far");
    context.expect(result.execution_time >= Milliseconds{500}, "it ran for its time");
    context.expect(result.execution_time < Milliseconds{60'000}, "it did not run on");
}

void fast_within_timeout(Context& context) {
    const auto result =
        context.host().execute(context.shared(), limited("echo quick", Milliseconds{60'000}), Context::bounded());
    context.equal(result.status, ProcessStatus::completed, "status");
}

void own_124_is_no_timeout(Context& context) {
    const auto result =
        context.host().execute(context.shared(), limited("exit 124", Milliseconds{60'000}), Context::bounded());
    context.equal(result.status, ProcessStatus::failed, "a process that exits 124 by itself has failed");
}

void sigterm_ignored(Context& context) {
    const auto mark = "ignoring-" + context.fresh().id;
    const auto line =
        "trap '' TERM; (trap '' TERM; exec sh -c 'while :; do sleep 1; done' " + mark + ") & while :; do sleep 1; done";
    const auto sandbox = context.fresh();
    const auto result = context.host().execute(sandbox, limited(line, Milliseconds{500}), Context::bounded());
    context.equal(result.status, ProcessStatus::timeout, "status");
    context.expect(!runs(context, sandbox, mark), "no grandchild is left");
}

void compound_group(Context& context) {
    const auto mark = "compound-" + context.fresh().id;
    const auto sandbox = context.fresh();
    const auto result = context.host().execute(
        sandbox, limited("sh -c 'sleep 3600; true' " + mark + " | cat; true", Milliseconds{500}), Context::bounded());
    context.equal(result.status, ProcessStatus::timeout, "status");
    context.expect(!runs(context, sandbox, mark), "the whole group is ended");
}

void sandbox_timeout_is_default(Context& context) {
    SandboxConfig config;
    config.environment.timeout = Milliseconds{500};
    const auto sandbox = context.fresh(config);
    context.equal(context.run(sandbox, {"sleep", "3600"}).status, ProcessStatus::timeout, "the sandbox's own timeout");
    auto process = Context::shell_process("sleep 1; echo done");
    process.environment.timeout = Milliseconds{0};
    context.equal(context.host().execute(sandbox, process, Context::bounded()).standard_output, std::string("done\n"),
                  "0 in the process means none");
}

void graceful_end_keeps_last_words(Context& context) {
    auto process = limited("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done", Milliseconds{700});
    process.kill_grace = Milliseconds{20'000};
    const auto result = context.host().execute(context.shared(), process, Context::bounded());
    context.equal(result.status, ProcessStatus::timeout, "status");
    context.equal(result.exit_code, 124, "exit code");
    context.equal(result.standard_output, std::string("ready\nbye\n"), "what it wrote while ending");
}

void cancelled_while_running(Context& context) {
    const auto mark = "cancelled-" + context.fresh().id;
    const auto sandbox = context.fresh();
    std::stop_source stop;
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    std::thread watcher([&] {
        try {
            wait_until(
                context, [&] { return runs(context, sandbox, mark); }, "the process runs");
        } catch (const std::exception&) {
            // The execute below then ends by its deadline, and the case fails on the status.
        }
        stop.request_stop();
    });
    auto process = Context::process({"sh", "-c", "echo begun; sleep 3600; true", mark});
    process.kill_grace = Milliseconds{300};
    ProcessResult result;
    std::exception_ptr failure;
    try {
        result = context.host().execute(sandbox, process, options);
    } catch (...) {
        failure = std::current_exception();
    }
    watcher.join();
    if (failure) std::rethrow_exception(failure);
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.reason, std::string("cancelled"), "reason");
    context.equal(result.standard_output, std::string("begun\n"), "output so far");
    context.expect(!runs(context, sandbox, mark), "nothing runs on");
}

void cancelled_before_start(Context& context) {
    std::stop_source stop;
    stop.request_stop();
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    const auto file = context.unique_path("never");
    const auto error = context.refused(
        Code::cancelled,
        [&] { context.host().execute(context.shared(), Context::shell_process("touch " + file), options); },
        "an execute cancelled beforehand");
    context.expect(error.fields().outcome == Outcome::none, "nothing was started");
    context.equal(context.shell(context.shared(), "test -e " + file).exit_code, 1, "the process never ran");
}

void background_child_keeps_stdout(Context& context) {
    const auto mark = "background-" + context.fresh().id;
    const auto sandbox = context.fresh();
    auto process = Context::shell_process("sh -c 'sleep 3600; true' " + mark + " & echo started");
    process.drain_grace = Milliseconds{200};
    const auto result = context.host().execute(sandbox, process, Context::bounded());
    context.equal(result.status, ProcessStatus::completed, "status");
    context.equal(result.standard_output, std::string("started\n"), "stdout");
    context.expect(result.execution_time < Milliseconds{60'000}, "the result does not wait for the child");
    context.expect(runs(context, sandbox, mark), "the child goes on");
}

void background_child_may_write(Context& context) {
    const auto sandbox = context.fresh();
    const auto file = context.unique_path("alive");
    // The child writes to its inherited stdout after the caller has its result: it must not die of that.
    context.shell(sandbox, "(sleep 1; echo late; echo late; touch " + file + ") & true");
    wait_until(
        context, [&] { return context.shell(sandbox, "test -e " + file).exit_code == 0; },
        "the background child survives writing to its stdout");
}

void background_child_is_killed(Context& context) {
    const auto mark = "doomed-" + context.fresh().id;
    const auto sandbox = context.fresh();
    auto process = Context::shell_process("sh -c 'sleep 3600; true' " + mark + " & true");
    process.kill_background = true;
    process.kill_grace = Milliseconds{300};
    context.equal(context.host().execute(sandbox, process, Context::bounded()).status, ProcessStatus::completed,
                  "status");
    context.expect(!runs(context, sandbox, mark), "kill_background ends the child");
}

void process_limits_need_feature(Context& context) {
    if (context.offers("process_limits")) throw Skipped("the provider offers process_limits");
    auto process = Context::process({"true"});
    process.environment.memory_limit_mib = 64;
    context.refused(
        Code::unsupported, [&] { context.host().execute(context.shared(), process, Context::bounded()); },
        "a memory limit of a process");
}

}  // namespace

std::vector<Case> limits_cases() {
    return {
        {"limits", "a timeout ends the process and keeps its output", timeout_ends_it, {}},
        {"limits", "a fast process does not feel its timeout", fast_within_timeout, {}},
        {"limits", "an own exit code 124 is not a timeout", own_124_is_no_timeout, {}},
        {"limits", "a tree that ignores SIGTERM is ended all the same", sigterm_ignored, {}},
        {"limits", "a timeout ends the whole group", compound_group, {}},
        {"limits", "the sandbox's timeout is the default", sandbox_timeout_is_default, {}},
        {"limits", "what a process writes while ending is kept", graceful_end_keeps_last_words, {}},
        {"limits", "a cancelled process is a result with its output", cancelled_while_running, {}},
        {"limits", "cancelled before the start nothing runs", cancelled_before_start, {}},
        {"limits", "a background child does not hold the result back", background_child_keeps_stdout, {}},
        {"limits", "a background child survives the end of its reader", background_child_may_write, {}},
        {"limits", "kill_background ends what is left behind", background_child_is_killed, {}},
        {"limits", "a process limit that cannot be kept is refused", process_limits_need_feature, {}},
    };
}

}  // namespace berth::inline host_v1::conformance

// Limits of memory, CPU time, processes and disk: what outgrows one is stopped, and that is told. docs/contract.md 2.2.
#include <array>
#include <chrono>
#include <utility>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

/// Touches 300 MiB and no more: should a limit not hold, the machine survives it.
ProcessConfig hog() {
    return Context::process({"dd", "if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"});
}

void expect_out_of_memory(Context& context, const ProcessResult& result) {
    context.equal(result.status, ProcessStatus::killed, "status");
    context.equal(result.exit_code, 137, "exit code");
    context.equal(result.reason, std::string("oom"), "reason");
}

SandboxConfig with_memory(std::uint64_t mib) {
    SandboxConfig config;
    config.environment.memory_limit_mib = mib;
    return config;
}

void memory_limit_holds(Context& context) {
    const auto sandbox = context.fresh(with_memory(128));
    expect_out_of_memory(context, context.host().execute(sandbox, hog(), Context::bounded()));
    context.equal(context.output_of(sandbox, "echo on"), std::string("on\n"), "the sandbox goes on");
}

void memory_limit_is_shown(Context& context) {
    const auto sandbox = context.fresh(with_memory(128));
    const auto info = context.host().get(sandbox, Context::bounded());
    context.expect(info.environment.memory_limit_mib && *info.environment.memory_limit_mib >= 128, "in the info");
    const auto usage = context.host().get_resource_usage(sandbox, Context::bounded());
    if (usage.memory_limit_bytes) {
        context.equal(*usage.memory_limit_bytes, *info.environment.memory_limit_mib * mebibyte, "in the usage");
    }
}

void memory_limit_survives_restart(Context& context) {
    const auto sandbox = context.fresh(with_memory(128));
    context.host().restart(sandbox, Context::bounded());
    expect_out_of_memory(context, context.host().execute(sandbox, hog(), Context::bounded()));
    context.expect(context.host().get(sandbox, Context::bounded()).environment.memory_limit_mib.has_value(),
                   "the info still tells it");
}

void memory_limit_zero_is_none(Context& context) {
    const auto sandbox = context.fresh(with_memory(0));
    context.equal(context.host().execute(sandbox, hog(), Context::bounded()).status, ProcessStatus::completed,
                  "status without a limit");
}

void memory_limit_in_setup(Context& context) {
    auto config = with_memory(128);
    config.setup_commands = {"dd if=/dev/zero of=/dev/null bs=300M count=1 && touch went-through; true"};
    const auto sandbox = context.fresh(config);
    context.equal(context.shell(sandbox, "test -e went-through").exit_code, 1, "a setup command is limited, too");
}

/// Needs 0.4 s of CPU time by its own count.
constexpr const char* burner =
    "while :; do read -r line < /proc/$$/stat; set -- $line; [ $((${14} + ${15})) -lt 40 ] || break; done";

void cpu_limit_holds(Context& context) {
    SandboxConfig config;
    config.environment.cpu_limit = 20;
    const auto sandbox = context.fresh(config);
    const auto begin = std::chrono::steady_clock::now();
    context.output_of(sandbox, burner);
    context.expect(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1),
                   "0.4 s of CPU time take more than a second at a fifth of a core");
    const auto info = context.host().get(sandbox, Context::bounded());
    context.expect(info.environment.cpu_limit && *info.environment.cpu_limit >= 20, "the info tells the limit");
}

void pids_limit_holds(Context& context) {
    SandboxConfig config;
    config.pids_limit = 30;
    const auto sandbox = context.fresh(config);
    const auto result = context.shell(
        sandbox, "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i + 1)); done; echo all >&2; kill $(jobs -p)");
    context.expect(result.standard_error.find("all") == std::string::npos, "the 40th process is not started");
    const auto usage = context.host().get_resource_usage(sandbox, Context::bounded());
    if (usage.process_count) context.expect(*usage.process_count <= 30, "no more processes than the limit");
    context.host().destroy(sandbox, Context::bounded());  // a full sandbox can be ended
}

void process_memory_limit_holds(Context& context) {
    auto process = hog();
    process.environment.memory_limit_mib = 128;
    const auto sandbox = context.fresh();
    expect_out_of_memory(context, context.host().execute(sandbox, process, Context::bounded()));
    context.equal(context.host().execute(sandbox, hog(), Context::bounded()).status, ProcessStatus::completed,
                  "the next process has no limit");
}

void process_limit_bounds_the_tree(Context& context) {
    auto process = Context::shell_process("dd if=/dev/zero of=/dev/null bs=300M count=1; echo $?");
    process.environment.memory_limit_mib = 128;
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).standard_output,
                  std::string("137\n"), "a child of the process");
}

void process_cpu_limit_holds(Context& context) {
    auto process = Context::shell_process(burner);
    process.environment.cpu_limit = 20;
    const auto begin = std::chrono::steady_clock::now();
    context.equal(context.host().execute(context.shared(), process, Context::bounded()).exit_code, 0, "exit code");
    context.expect(std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1),
                   "0.4 s of CPU time take more than a second at a fifth of a core");
}

void process_limit_within_the_sandboxs(Context& context) {
    const auto sandbox = context.fresh(with_memory(128));
    auto process = hog();
    process.environment.memory_limit_mib = 1024;
    expect_out_of_memory(context, context.host().execute(sandbox, process, Context::bounded()));
}

void disk_limit_holds(Context& context) {
    SandboxConfig config;
    config.disk_limit_mib = 64;
    const auto sandbox = context.fresh(config);
    const auto result = context.shell(sandbox, "head -c 100000000 /dev/zero > big");
    context.expect(result.exit_code != 0, "a file larger than the limit cannot be written");
    std::string too_much;
    too_much.resize(100'000'000, 'x');
    const auto error = context.refused(
        Code::resource_exhausted,
        [&] {
            const FileOperation more{"", "more", {}, std::move(too_much)};
            context.host().upload_files(sandbox, {&more, 1}, Context::bounded());
        },
        "an upload to a full disk");
    context.equal(context.shell(sandbox, "test -e more").exit_code, 1, "no half file has its final name");
    context.host().restart(sandbox, Context::bounded());
    context.output_of(sandbox, "rm big; head -c 10000000 /dev/zero > small; test $(stat -c %s small) -eq 10000000");
    context.expect(context.shell(sandbox, "head -c 100000000 /dev/zero > big").exit_code != 0,
                   "the limit holds after a restart");
}

}  // namespace

std::vector<Case> resource_limit_cases() {
    return {
        {"limits", "a memory limit ends what outgrows it, and says so", memory_limit_holds, {"memory_limit"}},
        {"limits", "a memory limit is shown as it was given", memory_limit_is_shown, {"memory_limit"}},
        {"limits", "a memory limit survives a restart", memory_limit_survives_restart, {"memory_limit"}},
        {"limits", "a memory limit of 0 is none", memory_limit_zero_is_none, {"memory_limit"}},
        {"limits", "a memory limit holds for setup commands", memory_limit_in_setup, {"memory_limit"}},
        {"limits", "a CPU limit slows what outgrows it", cpu_limit_holds, {"cpu_limit"}},
        {"limits", "a limit of processes refuses more", pids_limit_holds, {"pids_limit"}},
        {"limits", "a process's memory limit is its own", process_memory_limit_holds, {"process_limits"}},
        {"limits", "a process's memory limit bounds its children", process_limit_bounds_the_tree, {"process_limits"}},
        {"limits", "a process's CPU limit slows it", process_cpu_limit_holds, {"process_limits"}},
        {"limits",
         "the sandbox's limit holds for a process with a larger one",
         process_limit_within_the_sandboxs,
         {"process_limits", "memory_limit"}},
        {"limits", "a disk limit ends in a full disk", disk_limit_holds, {"disk_limit"}},
    };
}

}  // namespace berth::inline host_v1::conformance

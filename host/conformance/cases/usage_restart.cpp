// get_resource_usage, is_ready and restart: docs/contract.md 3.9-3.11.
#include <algorithm>
#include <array>
#include <thread>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

Process busy(Context& context, const SandboxName& sandbox, std::string line) {
    auto process = context.host().execute_stream(sandbox, Context::shell_process(std::move(line)), Context::bounded());
    std::array<std::byte, 16> buffer{};
    context.expect(process.standard_output()->read(buffer) > 0, "the process has begun");
    return process;
}

void idle_usage(Context& context) {
    const auto usage = context.host().get_resource_usage(context.fresh(), Context::bounded());
    if (usage.memory_bytes) context.expect(*usage.memory_bytes < (std::uint64_t{1} << 40U), "memory is believable");
    if (usage.cpu_percent) context.expect(*usage.cpu_percent >= 0, "cpu is not negative");
    if (usage.disk_bytes) context.expect(*usage.disk_bytes < (std::uint64_t{1} << 50U), "disk is believable");
}

void memory_is_seen(Context& context) {
    const auto sandbox = context.fresh();
    const auto before = context.host().get_resource_usage(sandbox, Context::bounded()).memory_bytes;
    if (!before) throw Skipped("the provider does not know memory");
    // A shell variable of 40 million bytes lives in a grandchild.
    auto process =
        busy(context, sandbox,
             "sh -c 'x=$(head -c 40000000 /dev/zero | tr \"\\0\" x); echo up; sleep 3600; echo ${#x}' & wait");
    const auto after = context.host().get_resource_usage(sandbox, Context::bounded()).memory_bytes;
    process.kill(9);
    process.wait();
    context.expect(after && *after > *before + 35'000'000, "memory of a grandchild is counted: before " +
                                                               shown(*before) + ", after " +
                                                               (after ? shown(*after) : "absent"));
}

void cpu_is_seen(Context& context) {
    const auto sandbox = context.fresh();
    if (!context.host().get_resource_usage(sandbox, Context::bounded()).cpu_percent) {
        throw Skipped("the provider does not know cpu");
    }
    auto process = busy(context, sandbox, "sh -c 'echo up; while :; do :; done' & wait");
    double highest = 0;
    wait_until(
        context,
        [&] {
            const auto cpu = context.host().get_resource_usage(sandbox, Context::bounded()).cpu_percent;
            highest = std::max(highest, cpu.value_or(0));
            return highest > 5;
        },
        "a busy loop shows in cpu");
    process.kill(9);
    process.wait();
}

void disk_is_seen(Context& context) {
    const auto sandbox = context.fresh();
    const auto before = context.host().get_resource_usage(sandbox, Context::bounded()).disk_bytes;
    if (!before) throw Skipped("the provider does not know disk");
    // Where the disk is counted as a whole, others may free some of it meanwhile: then once more.
    bool is_counted = false;
    for (int turn = 0; turn < 5 && !is_counted; ++turn) {
        const auto now = context.host().get_resource_usage(sandbox, Context::bounded()).disk_bytes;
        context.output_of(sandbox, "head -c 8000000 /dev/urandom > file" + std::to_string(turn));
        const auto after = context.host().get_resource_usage(sandbox, Context::bounded()).disk_bytes;
        is_counted = now && after && *after >= *now + 8'000'000;
    }
    context.expect(is_counted, "8 MB of files are counted");
}

void processes_are_counted(Context& context) {
    const auto sandbox = context.fresh();
    const auto before = context.host().get_resource_usage(sandbox, Context::bounded()).process_count;
    if (!before) throw Skipped("the provider does not count processes");
    auto process = busy(context, sandbox, "sleep 3600 & sleep 3600 & sleep 3600 & echo up; wait");
    const auto after = context.host().get_resource_usage(sandbox, Context::bounded()).process_count;
    process.kill(9);
    process.wait();
    context.expect(after && *after >= *before + 4, "a shell and three sleeps are counted");
}

void restart_keeps(Context& context) {
    SandboxConfig config;
    config.name = "kept";
    config.environment.env = {{"KEPT", "value"}};
    config.labels = {{"label", "kept"}};
    const auto made = context.create(config);
    const SandboxName sandbox{made.provider, made.id};
    context.output_of(sandbox,
                      "echo content > file; mkdir -p deep/dir; chmod 700 deep; ln -s file link; echo t > /tmp/t");
    const auto info = context.host().restart(sandbox, Context::bounded());
    context.equal(info.id, made.id, "id");
    context.equal(info.state, SandboxState::ready, "state");
    context.equal(info.created_at.time_since_epoch().count(), made.created_at.time_since_epoch().count(), "created_at");
    context.equal(info.name, std::string("kept"), "name");
    context.expect(info.labels.contains("label"), "labels");
    context.equal(context.output_of(sandbox, "cat link; stat -c %a deep; printf %s \"$KEPT\""),
                  std::string("content\n700\nvalue"), "files, modes, links and environment");
}

void restart_ends_processes(Context& context) {
    const auto sandbox = context.fresh();
    auto process = busy(context, sandbox, "echo up; sleep 3600");
    context.host().restart(sandbox, Context::bounded());
    context.equal(process.wait().status, ProcessStatus::killed, "an open stream ends as killed");
    const auto left =
        context.output_of(sandbox, "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null; echo; done");
    context.expect(left.find("sleep 3600") == std::string::npos, "no old process is left");
}

void restarts_join(Context& context) {
    const auto sandbox = context.fresh();
    std::vector<std::thread> threads;
    std::array<std::string, 4> answers;
    threads.reserve(answers.size());
    for (auto& answer : answers) {
        threads.emplace_back([&context, &answer, sandbox] {
            try {
                answer = context.host().restart(sandbox, Context::bounded()).id;
            } catch (const std::exception& error) {
                answer = error.what();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const auto& answer : answers)
        context.equal(answer, sandbox.id, "each concurrent restart succeeds");
    context.equal(context.run(sandbox, {"true"}).exit_code, 0, "it works afterwards");
}

void restart_three_times(Context& context) {
    const auto sandbox = context.fresh();
    for (int round = 0; round < 3; ++round) {
        context.output_of(sandbox, "echo " + std::to_string(round) + " >> rounds");
        context.host().restart(sandbox, Context::bounded());
    }
    context.equal(context.output_of(sandbox, "cat rounds"), std::string("0\n1\n2\n"), "three rounds");
}

void ready_is_truth(Context& context) {
    const auto sandbox = context.fresh();
    context.expect(context.host().is_ready(sandbox, Context::bounded()), "ready after create");
    auto process = busy(context, sandbox, "echo up; sleep 3600");
    context.expect(context.host().is_ready(sandbox, Context::bounded()), "ready while busy");
    const auto state = context.host().get(sandbox, Context::bounded()).state;
    context.expect(state == SandboxState::busy || state == SandboxState::ready, "busy or ready while a process runs");
    process.kill(9);
    process.wait();
}

}  // namespace

std::vector<Case> usage_cases() {
    return {
        {"usage", "an idle sandbox has believable figures", idle_usage, {}},
        {"usage", "memory of grandchildren is counted", memory_is_seen, {}},
        {"usage", "a busy loop shows in cpu", cpu_is_seen, {}},
        {"usage", "files show in disk", disk_is_seen, {}},
        {"usage", "processes are counted", processes_are_counted, {}},
        {"usage", "is_ready tells the truth", ready_is_truth, {}},
    };
}

std::vector<Case> restart_cases() {
    return {
        {"restart", "id, files, environment and labels stay", restart_keeps, {"restart_keeps_files"}},
        {"restart", "processes end and open streams say killed", restart_ends_processes, {"restart_keeps_files"}},
        {"restart", "concurrent restarts join", restarts_join, {"restart_keeps_files"}},
        {"restart", "three rounds lose nothing", restart_three_times, {"restart_keeps_files"}},
    };
}

}  // namespace berth::inline host_v1::conformance

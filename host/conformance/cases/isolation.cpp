// What one sandbox may see of another. Each case tries it from inside.
#include <unistd.h>

#include <array>
#include <fstream>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

void files_are_apart(Context& context) {
    const auto first = context.fresh();
    const auto second = context.fresh();
    for (const std::string place : {"private-9d1f", "/tmp/private-9d1f"}) {
        context.output_of(first, "echo mine > " + place);
        context.equal(context.shell(second, "test -e " + place).exit_code, 1, "the other sees " + place);
    }
    context.host().destroy(second, Context::bounded());
    context.equal(context.output_of(first, "cat private-9d1f"), std::string("mine\n"),
                  "destroying the other takes nothing");
}

void processes_are_apart(Context& context) {
    const auto first = context.fresh();
    const auto second = context.fresh();
    auto process =
        context.host().execute_stream(first, Context::shell_process("echo up; exec sleep 36009"), Context::bounded());
    std::array<std::byte, 16> buffer{};
    context.expect(process.standard_output()->read(buffer) > 0, "it has begun");
    const auto seen =
        context.output_of(second, "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null; echo; done");
    process.kill(9);
    process.wait();
    context.expect(seen.find("36009") == std::string::npos, "the other does not see the process");
}

void host_processes_are_hidden(Context& context) {
    const auto mine = std::to_string(::getpid());
    const auto name = context.output_of(context.shared(), "cat /proc/" + mine + "/comm 2>/dev/null || echo hidden");
    std::ifstream own("/proc/self/comm");
    std::string own_name;
    std::getline(own, own_name);
    context.expect(name != own_name + "\n", "the process of the host is not seen by its pid");
}

void disks_are_out_of_reach(Context& context) {
    for (const std::string disk : {"/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/mem", "/dev/kmsg"}) {
        context.expect(context.run(context.shared(), {"dd", "if=" + disk, "of=/dev/null", "count=1"}).exit_code != 0,
                       "reading " + disk + " fails");
    }
}

void kernel_files_are_closed(Context& context) {
    for (const std::string path : {"/sys/written-9d1f", "/proc/written-9d1f", "/proc/sysrq-trigger"}) {
        context.expect(context.shell(context.shared(), "echo x > " + path).exit_code != 0,
                       "writing " + path + " fails");
    }
}

void nothing_of_the_caller_is_inherited(Context& context) {
    const auto canary = Context::canary();
    const auto shared = context.shared();
    const auto seen = context.output_of(shared, "env; tr '\\0' '\\n' < /proc/self/environ; echo seen");
    context.expect(seen.find(canary) == std::string::npos, "the caller's environment is not there");
    context.equal(context.shell(shared, "exec 2>/dev/null < /dev/tty").exit_code != 0, true,
                  "the caller's terminal is not there");
}

}  // namespace

std::vector<Case> isolation_cases() {
    return {
        {"isolation", "files of two sandboxes are apart", files_are_apart, {}},
        {"isolation", "processes of two sandboxes are apart", processes_are_apart, {}},
        {"isolation", "processes of the host are hidden", host_processes_are_hidden, {}},
        {"isolation", "disks of the host are out of reach", disks_are_out_of_reach, {}},
        {"isolation", "kernel files cannot be made or written", kernel_files_are_closed, {}},
        {"isolation", "nothing of the caller is inherited", nothing_of_the_caller_is_inherited, {}},
    };
}

}  // namespace berth::inline host_v1::conformance

#include "sandbox_limits.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr std::size_t most_text = 64U << 10;
constexpr std::chrono::seconds removal_limit{10};

std::string group_name(const Record& record) {
    return "berth-" + record.id;
}

std::vector<Controller> controllers_for(const GroupLimits& limits) {
    std::vector<Controller> controllers;
    if (limits.memory_bytes) {
        controllers.push_back(Controller::memory);
    }
    if (limits.cpu_percent) {
        controllers.push_back(Controller::cpu);
    }
    if (limits.pids) {
        controllers.push_back(Controller::pids);
    }
    return controllers;
}

}  // namespace

std::uint64_t mebibytes(std::uint64_t count) {
    return std::min<std::uint64_t>(count, 1ULL << 40) << 20;
}

SandboxGroup limits_of(const Descriptor& sandbox) {
    return SandboxGroup::parse(read_file(sandbox.get(), limits_file, most_text).value_or(""));
}

SandboxGroup make_limits(const Descriptor& sandbox, Record& record) {
    GroupLimits limits;
    if (record.memory_limit_mib) {
        limits.memory_bytes = mebibytes(*record.memory_limit_mib);
    }
    limits.cpu_percent = record.cpu_limit;
    if (record.pids_limit) {
        // Not the sandbox's, but for it: bubblewrap's own process beside the first one, and what carries its network.
        limits.pids = *record.pids_limit + 1 + (record.network == Network::outbound ? 1 : 0);
    }
    SandboxGroup group;
    if (limits.none()) {
        return group;
    }
    group.plan(cgroup_layout(), group_name(record), controllers_for(limits));
    put_file(sandbox.get(), limits_file, group.text());
    group.make();
    record.cpu_limit = group.limit(limits).cpu_percent;
    return group;
}

SandboxGroup make_run_limits(const Descriptor& sandbox, const Record& record, const GroupLimits& wanted) {
    SandboxGroup group = limits_of(sandbox);
    const std::string before = group.text();
    group.plan(cgroup_layout(), group_name(record), controllers_for(wanted));
    if (group.text() != before) {
        write_file(sandbox.get(), limits_file, group.text(), Durable::no);
    }
    group.make();
    return group;
}

void remove_limits(const Descriptor& sandbox) {
    const SandboxGroup group = limits_of(sandbox);
    if (!group.empty() && !group.remove(removal_limit)) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's control group still holds processes",
                      "a process may hang in the kernel: try again later");
    }
    ::unlinkat(sandbox.get(), limits_file, 0);
}

}  // namespace berth_local

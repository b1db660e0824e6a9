// The control group of one sandbox: made with its limits, joined, asked, removed. On v1 that is one directory in each
// hierarchy that is needed, on v2 one in all. Below it each process with limits of its own has a group, too.
//
//   PARENT/berth-ID                 the sandbox's limits
//   PARENT/berth-ID/main            its processes
//   PARENT/berth-ID/run-NAME        the limits of one process
//   PARENT/berth-ID/run-NAME/main   that process and what descends from it
//
// No group with limits holds a process itself: on v2 it must not, as there are groups below it; and where processes may
// mount control groups (user_namespaces), the one they are in is what they see and, as an ordinary user's, may change.
// Who makes a run's group holds a lock on its directory: one that nobody holds belongs to a host that died, and goes as
// soon as it is empty. Knows no sandbox but by the name of the group.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cgroup_layout.hpp"
#include "descriptor.hpp"

namespace berth_local {

struct GroupLimits {
    std::optional<std::uint64_t> memory_bytes;  // with swap
    std::optional<double> cpu_percent;          // 100 = one core
    std::optional<std::uint64_t> pids;          // processes and threads
    [[nodiscard]] bool none() const { return !memory_bytes && !cpu_percent && !pids; }
};

class SandboxGroup {
public:
    SandboxGroup() = default;

    // Makes room for the controllers in `wanted` that it does not have yet. Throws UNSUPPORTED with the reason when this
    // machine or user cannot have one. Nothing is made before `make`.
    void plan(const CgroupLayout& layout, const std::string& name, const std::vector<Controller>& wanted);
    // For the sandbox's directory, so that it is found again by whoever removes it.
    [[nodiscard]] std::string text() const;
    static SandboxGroup parse(std::string_view text);
    [[nodiscard]] bool empty() const { return parts_.empty(); }

    // Makes what is not there yet.
    void make() const;
    // Sets them and says what was really given.
    GroupLimits limit(const GroupLimits& limits) const;
    // Who writes "0" into each of these joins. For the sandbox's own processes.
    [[nodiscard]] std::vector<Descriptor> joins() const;

    // How often the kernel has ended a process in it for want of memory; absent: nobody counts.
    [[nodiscard]] std::optional<std::uint64_t> out_of_memory_kills() const;
    // What counts towards its memory limit and cannot just be dropped.
    [[nodiscard]] std::optional<std::uint64_t> memory_bytes() const;

    // Run groups whose host died and that are empty.
    void sweep() const;
    // With everything below it. False: after `patience` it still holds processes.
    [[nodiscard]] bool remove(std::chrono::milliseconds patience) const;

private:
    friend class RunGroup;
    struct Part {
        CgroupVersion version = CgroupVersion::v2;
        std::vector<Controller> controllers;
        std::string path;
        [[nodiscard]] bool has(Controller controller) const;
    };
    [[nodiscard]] const Part* part(Controller controller) const;

    std::vector<Part> parts_;
};

// The group of one process with limits of its own. Goes with this object, or, while a child that was left behind still
// lives in it, with a later sweep.
class RunGroup {
public:
    RunGroup(const SandboxGroup& sandbox, const GroupLimits& limits);
    ~RunGroup();
    RunGroup(const RunGroup&) = delete;
    RunGroup& operator=(const RunGroup&) = delete;

    [[nodiscard]] const std::vector<Descriptor>& joins() const { return joins_; }
    [[nodiscard]] std::optional<std::uint64_t> out_of_memory_kills() const { return group_.out_of_memory_kills(); }

private:
    void add(const SandboxGroup::Part& above);
    void remove();

    SandboxGroup group_;
    std::vector<Descriptor> locks_;
    std::vector<Descriptor> joins_;
};

// Whether the kernel ended something for want of memory since this was made, in a sandbox's group or in that of one of
// its processes. A process that died meanwhile by a SIGKILL which nobody of us had sent then died of that.
class OutOfMemory {
public:
    // `own` may be none.
    OutOfMemory(SandboxGroup sandbox, const RunGroup* own)
        : sandbox_(std::move(sandbox)), own_(own), before_(sandbox_.out_of_memory_kills()) {}
    [[nodiscard]] bool happened() const {
        const std::optional<std::uint64_t> now = sandbox_.out_of_memory_kills();
        return (before_ && now && *now > *before_) || (own_ != nullptr && own_->out_of_memory_kills().value_or(0) > 0);
    }

private:
    SandboxGroup sandbox_;
    const RunGroup* own_;
    std::optional<std::uint64_t> before_;
};

}  // namespace berth_local

// Which system calls a sandbox does not get, group by group, each with its reason. Everything not named here is allowed:
// what is left has been looked at call by call, up to the newest one known. Knows no library and no bytes of the filter.
#pragma once

#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

namespace berth_local::filter {

// The highest number that has been looked at (Linux 6.18: file_setattr). What comes later answers "there is no such
// call", which every program can live with; so it is no new way out either. Both machines count alike up here.
inline constexpr std::uint32_t highest_known = 469;

struct Condition {
    enum class Compare { equal, bits_set, above } compare = Compare::equal;
    unsigned argument = 0;
    std::uint64_t value = 0;
};

struct Call {
    const char* name;
    std::optional<Condition> when = {};
    int answer = EPERM;
    int number = -1;  // for those that libseccomp 2.5 does not know by name
};

struct Group {
    const char* reason;
    enum class Applies { always, without_user_namespaces } applies = Applies::always;
    std::vector<Call> calls;
};

// The kernel takes 32 bits of most arguments: only those count, or a sandbox would set the others and pass.
inline Condition is(unsigned argument, std::uint64_t value) {
    return {Condition::Compare::equal, argument, value};
}
inline Condition has(unsigned argument, std::uint64_t bits) {
    return {Condition::Compare::bits_set, argument, bits};
}

inline Group namespaces() {
    Group group{
        "namespaces of its own would open most of what is closed below, and much code of the kernel that only "
        "expects root",
        Group::Applies::without_user_namespaces,
        {{"setns"},
         // Its flags lie in memory, where no filter can look. C libraries then fall back to clone.
         {"clone3", {}, ENOSYS}}};
    constexpr int kinds[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                             CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    for (const int kind : kinds) {
        group.calls.push_back({"clone", has(0, static_cast<std::uint64_t>(kind))});
        group.calls.push_back({"unshare", has(0, static_cast<std::uint64_t>(kind))});
    }
    group.calls.push_back({"unshare", has(0, CLONE_NEWTIME)});  // for clone the same bit belongs to a signal's number
    return group;
}

// Unix, IPv4, IPv6 and netlink (0, 1, 2, 10, 16) are what programs use. The others load rarely tested modules, several
// belong to no network namespace, and one (vsock) reaches the hypervisor around every network policy.
inline Group socket_families() {
    Group group{
        "rare socket families load old modules, and vsock ignores network namespaces", Group::Applies::always, {}};
    for (const char* call : {"socket", "socketpair"}) {
        for (const unsigned family : {3U, 4U, 5U, 6U, 7U, 8U, 9U, 11U, 12U, 13U, 14U, 15U}) {
            group.calls.push_back({call, is(0, family), EAFNOSUPPORT});
        }
        group.calls.push_back({call, Condition{Condition::Compare::above, 0, AF_NETLINK}, EAFNOSUPPORT});
    }
    return group;
}

// The first process belongs to the same account as what runs beside it, so the kernel itself would allow these.
inline Group first_process() {
    constexpr std::uint64_t first = 1;
    constexpr std::uint64_t io_priority_of_user = 3;
    return {"the sandbox's first process is not to be slowed down or starved by what runs beside it",
            Group::Applies::always,
            {{"prlimit64", is(0, first)},
             {"sched_setaffinity", is(0, first)},
             {"sched_setattr", is(0, first)},
             {"sched_setparam", is(0, first)},
             {"sched_setscheduler", is(0, first)},
             {"setpriority", is(1, first)},  // as a process, as a group
             {"setpriority", is(0, PRIO_USER)},
             {"ioprio_set", is(1, first)},
             {"ioprio_set", is(0, io_priority_of_user)}}};
}

inline std::vector<Group> groups() {
    using Applies = Group::Applies;
    return {
        namespaces(),
        {"mounts, old and new, change what paths mean; file systems are parsers that trust their disks",
         Applies::without_user_namespaces,
         {{"mount"},
          {"umount2"},
          {"pivot_root"},
          {"open_tree"},
          {"open_tree_attr", {}, EPERM, 467},
          {"move_mount"},
          {"fsopen"},
          {"fsconfig"},
          {"fsmount"},
          {"fspick"},
          {"mount_setattr"}}},
        {"the kernel's keyrings belong to the account, not to the sandbox",
         Applies::always,
         {{"add_key"}, {"request_key"}, {"keyctl"}}},
        {"programs inside the kernel and views into it",
         Applies::always,
         {{"bpf"}, {"perf_event_open"}, {"lookup_dcookie"}, {"syslog"}}},
        {"other code for the kernel",
         Applies::always,
         {{"init_module"},
          {"finit_module"},
          {"delete_module"},
          {"create_module"},
          {"query_module"},
          {"get_kernel_syms"},
          {"kexec_load"},
          {"kexec_file_load"}}},
        {"page faults that wait for user space turn races in the kernel, and waits of whoever reads from us, into "
         "certainties",
         Applies::always,
         {{"userfaultfd"}}},
        {"io_uring does the work of other calls out of sight of this filter, and is the kernel's richest source of "
         "holes",
         Applies::always,
         {{"io_uring_setup"}, {"io_uring_enter"}, {"io_uring_register"}}},
        {"files by number instead of by path lead out of the sandbox's root", Applies::always, {{"open_by_handle_at"}}},
        {"watching whole file systems shows what the host does with the files it shares",
         Applies::always,
         {{"fanotify_init"}, {"cachestat", {}, EPERM, 451}}},
        {"the machine: clock, power, swap, accounting, quota, ports",
         Applies::always,
         {{"settimeofday"},
          {"clock_settime"},
          {"stime"},
          {"adjtimex"},
          {"clock_adjtime"},
          {"reboot"},
          {"swapon"},
          {"swapoff"},
          {"acct"},
          {"quotactl"},
          {"quotactl_fd"},
          {"nfsservctl"},
          {"vhangup"},
          {"iopl"},
          {"ioperm"}}},
        {"memory of others, moved between the machine's parts", Applies::always, {{"migrate_pages"}, {"move_pages"}}},
        {"nobody needs these any more, and nobody looks after them",
         Applies::always,
         {{"uselib"}, {"ustat"}, {"sysfs"}, {"_sysctl"}, {"modify_ldt"}, {"vm86"}, {"vm86old"}, {"remap_file_pages"}}},
        {"typing into a terminal that somebody else reads from; other line disciplines load old modules",
         Applies::always,
         {{"ioctl", is(1, TIOCSTI)}, {"ioctl", is(1, TIOCLINUX)}, {"ioctl", is(1, TIOCSETD)}}},
        socket_families(),
        first_process(),
    };
}

}  // namespace berth_local::filter

// What hostile code in a sandbox would try, one attack for each word: `attacker ATTACK...` prints for each the name of
// the error it met, or "done". Static, so that it runs in any root. It knows nothing of what should happen.
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr long first_process = 1;
constexpr unsigned long high_bits = 0xDEADBEEF00000000;

template <class... Arguments>
long call(long number, Arguments... arguments) {
    return ::syscall(number, arguments...);
}

// With low bits that the kernel looks at, and high ones that it does not.
template <class Value>
unsigned long disguised(Value value) {
    return high_bits | static_cast<unsigned>(value);
}

long cloned(unsigned long flags) {
    const long child = call(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        ::_exit(0);
    }
    return child < 0 ? child : ::waitpid(static_cast<pid_t>(child), nullptr, 0);
}

long cloned_3() {
    unsigned long arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
    const long child = call(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) {
        ::_exit(0);
    }
    return child < 0 ? child : ::waitpid(static_cast<pid_t>(child), nullptr, 0);
}

// --- what another process of the same account could do to `process`

long opened(long process, const char* what, int how) {
    return ::open(("/proc/" + std::to_string(process) + "/" + what).c_str(), how | O_CLOEXEC);
}

long written(long process, const char* what, const char* text) {
    const long file = opened(process, what, O_WRONLY);
    return file < 0 ? file : ::write(static_cast<int>(file), text, std::strlen(text));
}

long listed(long process, const char* what) {
    const long directory = opened(process, what, O_RDONLY | O_DIRECTORY);
    char entries[4096];
    return directory < 0 ? directory : call(SYS_getdents64, directory, entries, sizeof entries);
}

long read_memory(long process) {
    char byte = 0;
    iovec here{&byte, 1};
    iovec there{reinterpret_cast<void*>(0x400000), 1};
    return call(SYS_process_vm_readv, process, &here, 1, &there, 1, 0);
}

long take_descriptor(long process, int number) {
    const long handle = call(SYS_pidfd_open, process, 0);
    return handle < 0 ? handle : call(SYS_pidfd_getfd, handle, number, 0);
}

long enter(long process) {
    const long handle = call(SYS_pidfd_open, process, 0);
    return handle < 0 ? handle : call(SYS_setns, handle, CLONE_NEWNS);
}

long queue_signal(long process, int number) {
    siginfo_t info{};
    info.si_code = SI_QUEUE;
    return call(SYS_rt_sigqueueinfo, process, number, &info);
}

long limit(unsigned long process) {
    const rlimit none{0, 0};
    return call(SYS_prlimit64, process, RLIMIT_NOFILE, &none, 0);
}

long schedule(long process) {
    const int priority = 0;
    return call(SYS_sched_setscheduler, process, SCHED_IDLE, &priority);
}

long schedule_parameters(long process) {
    const int priority = 0;
    return call(SYS_sched_setparam, process, &priority);
}

long schedule_attributes(long process) {
    struct {
        unsigned size = 48;
        unsigned policy = SCHED_IDLE;
        unsigned long rest[5] = {};
    } const attributes;
    return call(SYS_sched_setattr, process, &attributes, 0);
}

long pin(long process) {
    const unsigned long first_cpu[16] = {1};
    return call(SYS_sched_setaffinity, process, sizeof first_cpu, first_cpu);
}

// What listens outside under an abstract name: our own name, so that tests side by side do not meet.
long connect_abstract() {
    const char* name = std::getenv("NAME");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = std::strlen(name);
    std::memcpy(address.sun_path + 1, name, size);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size));
}

// --- what is allowed among one's own

long trace_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        ::_exit(7);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || ::ptrace(PTRACE_CONT, child, nullptr, nullptr) != 0) {
        return -1;
    }
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : -1;
}

long limit_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const long result = limit(static_cast<unsigned long>(child));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return result;
}

long foreign_architecture() {
#if defined(__x86_64__)
    long result = 20;  // getpid of i386
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    return result;
#else
    ::raise(SIGSYS);  // there is no such way in
    return 0;
#endif
}

void print_descriptors() {
    for (int number = 0; number < 4096; ++number) {
        if (::fcntl(number, F_GETFD) >= 0) {
            std::printf("%d ", number);
        }
    }
    std::printf("\n");
}

struct Attack {
    const char* name;
    long (*attempt)();
};

// The process that started us: an anchor of berth-init.
long anchor() {
    return ::getppid();
}

const Attack attacks[] = {
    {"keyctl", [] { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1); }},
    {"add_key", [] { return call(SYS_add_key, "user", "a", "b", 1, KEY_SPEC_PROCESS_KEYRING); }},
    {"request_key", [] { return call(SYS_request_key, "user", "a", 0, KEY_SPEC_PROCESS_KEYRING); }},
    {"mount", [] { return call(SYS_mount, "none", "/tmp", "tmpfs", 0, 0); }},
    {"umount2", [] { return call(SYS_umount2, "/tmp", 2); }},
    {"pivot_root", [] { return call(SYS_pivot_root, "/tmp", "/tmp"); }},
    {"open_tree", [] { return call(SYS_open_tree, AT_FDCWD, "/tmp", 0); }},
    {"open_tree_attr", [] { return call(467, AT_FDCWD, "/tmp", 0, 0, 0); }},
    {"move_mount", [] { return call(SYS_move_mount, -1, "", -1, "", 0); }},
    {"fsopen", [] { return call(SYS_fsopen, "tmpfs", 0); }},
    {"fsconfig", [] { return call(SYS_fsconfig, -1, 0, 0, 0, 0); }},
    {"fsmount", [] { return call(SYS_fsmount, -1, 0, 0); }},
    {"fspick", [] { return call(SYS_fspick, AT_FDCWD, "/tmp", 0); }},
    {"mount_setattr", [] { return call(SYS_mount_setattr, -1, "", 0, 0, 0); }},
    {"setns", [] { return call(SYS_setns, -1, 0); }},
    {"unshare_user", [] { return call(SYS_unshare, CLONE_NEWUSER); }},
    {"unshare_time", [] { return call(SYS_unshare, CLONE_NEWTIME); }},
    {"unshare_all", [] { return call(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID); }},
    {"clone_user", [] { return cloned(CLONE_NEWUSER); }},
    {"clone_net", [] { return cloned(CLONE_NEWUSER | CLONE_NEWNET); }},
    {"clone_cgroup", [] { return cloned(CLONE_NEWCGROUP); }},
    {"clone3", cloned_3},
    {"bpf", [] { return call(SYS_bpf, 0, 0, 0); }},
    {"perf_event_open", [] { return call(SYS_perf_event_open, 0, 0, -1, -1, 0); }},
    {"perf_first_process", [] { return call(SYS_perf_event_open, 0, 1, -1, -1, 0); }},
    {"syslog", [] { return call(SYS_syslog, 10, 0, 0); }},
    {"init_module", [] { return call(SYS_init_module, 0, 0, ""); }},
    {"finit_module", [] { return call(SYS_finit_module, -1, "", 0); }},
    {"delete_module", [] { return call(SYS_delete_module, "x", 0); }},
    {"kexec_load", [] { return call(SYS_kexec_load, 0, 0, 0, 0); }},
    {"kexec_file_load", [] { return call(SYS_kexec_file_load, -1, -1, 0, "", 0); }},
    {"userfaultfd", [] { return call(SYS_userfaultfd, 1); }},
    {"io_uring_setup", [] { return call(SYS_io_uring_setup, 1, 0); }},
    {"io_uring_enter", [] { return call(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0); }},
    {"io_uring_register", [] { return call(SYS_io_uring_register, -1, 0, 0, 0); }},
    {"open_by_handle_at", [] { return call(SYS_open_by_handle_at, AT_FDCWD, 0, 0); }},
    {"fanotify_init", [] { return call(SYS_fanotify_init, 0x200, 0); }},
    {"cachestat", [] { return call(451, -1, 0, 0, 0); }},
    {"settimeofday", [] { return call(SYS_settimeofday, 0, 0); }},
    {"clock_settime", [] { return call(SYS_clock_settime, 0, 0); }},
    {"adjtimex", [] { return call(SYS_adjtimex, 0); }},
    {"clock_adjtime", [] { return call(SYS_clock_adjtime, 0, 0); }},
    {"reboot", [] { return call(SYS_reboot, 0, 0, 0, 0); }},
    {"swapon", [] { return call(SYS_swapon, 0, 0); }},
    {"swapoff", [] { return call(SYS_swapoff, 0); }},
    {"acct", [] { return call(SYS_acct, "/nowhere"); }},
    {"quotactl", [] { return call(SYS_quotactl, 0, 0, 0, 0); }},
    {"quotactl_fd", [] { return call(SYS_quotactl_fd, -1, 0, 0, 0); }},
    {"vhangup", [] { return call(SYS_vhangup); }},
    {"migrate_pages", [] { return call(SYS_migrate_pages, 0, 0, 0, 0); }},
    {"move_pages", [] { return call(SYS_move_pages, 0, 0, 0, 0, 0, 0); }},
    {"remap_file_pages", [] { return call(SYS_remap_file_pages, 0, 0, 0, 0, 0); }},
#if defined(__x86_64__)
    {"iopl", [] { return call(SYS_iopl, 0); }},
    {"ioperm", [] { return call(SYS_ioperm, 0, 1, 1); }},
    {"modify_ldt", [] { return call(SYS_modify_ldt, 0, 0, 0); }},
    {"ustat", [] { return call(SYS_ustat, 0, 0); }},
    {"sysfs", [] { return call(SYS_sysfs, 3); }},
    {"x32", [] { return call(0x40000000 | SYS_getpid); }},
#endif
    {"foreign_architecture", foreign_architecture},
    {"unknown_next", [] { return call(470); }},
    {"unknown_far", [] { return call(100'000); }},
    {"unknown_last", [] { return call(0xFFFFFFF0); }},
    {"type_into_terminal", [] { return call(SYS_ioctl, 0, TIOCSTI, "x"); }},
    {"type_disguised", [] { return call(SYS_ioctl, 0, disguised(TIOCSTI), "x"); }},
    {"console_selection", [] { return call(SYS_ioctl, 0, disguised(TIOCLINUX), "x"); }},
    {"line_discipline", [] { return call(SYS_ioctl, 0, TIOCSETD, "x"); }},
    {"socket_vsock", [] { return call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
    {"socket_vsock_disguised", [] { return call(SYS_socket, disguised(AF_VSOCK), SOCK_STREAM, 0); }},
    {"socket_crypto", [] { return call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }},
    {"socket_packet", [] { return call(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"socket_key", [] { return call(SYS_socket, AF_KEY, SOCK_RAW, 2); }},
    {"socket_x25_disguised", [] { return call(SYS_socket, disguised(AF_X25), SOCK_SEQPACKET, 0); }},
    {"socket_bluetooth", [] { return call(SYS_socket, AF_BLUETOOTH, SOCK_RAW, 1); }},
    {"socketpair_tipc",
     [] {
         int ends[2];
         return call(SYS_socketpair, AF_TIPC, SOCK_STREAM, 0, ends);
     }},

    {"first_trace", [] { return call(SYS_ptrace, PTRACE_ATTACH, first_process, 0, 0); }},
    {"first_seize", [] { return call(SYS_ptrace, PTRACE_SEIZE, first_process, 0, 0); }},
    {"first_memory", [] { return read_memory(first_process); }},
    {"first_memory_file", [] { return opened(first_process, "mem", O_RDWR); }},
    {"first_environment", [] { return opened(first_process, "environ", O_RDONLY); }},
    {"first_maps", [] { return opened(first_process, "maps", O_RDONLY); }},
    {"first_auxiliary", [] { return opened(first_process, "auxv", O_RDONLY); }},
    {"first_program", [] { return opened(first_process, "exe", O_RDONLY); }},
    {"first_root", [] { return opened(first_process, "root/etc", O_RDONLY); }},
    {"first_directory", [] { return opened(first_process, "cwd/etc", O_RDONLY); }},
    {"first_descriptors", [] { return listed(first_process, "fd"); }},
    {"first_socket", [] { return opened(first_process, "fd/3", O_RDWR); }},
    {"first_descriptor_notes", [] { return listed(first_process, "fdinfo"); }},
    {"first_map_files", [] { return listed(first_process, "map_files"); }},
    {"first_take_descriptor", [] { return take_descriptor(first_process, 3); }},
    {"first_compare", [] { return call(SYS_kcmp, ::getpid(), first_process, KCMP_FILES, 0, 0); }},
    {"first_enter", [] { return enter(first_process); }},
    {"first_clear_refs", [] { return written(first_process, "clear_refs", "1"); }},
    {"first_oom_score", [] { return written(first_process, "oom_score_adj", "1000"); }},
    {"first_timer_slack", [] { return written(first_process, "timerslack_ns", "4000000000"); }},
    {"first_name", [] { return written(first_process, "comm", "x"); }},
    {"first_limit", [] { return limit(first_process); }},
    {"first_limit_disguised", [] { return limit(disguised(first_process)); }},
    {"first_nice", [] { return call(SYS_setpriority, PRIO_PROCESS, first_process, 19); }},
    {"first_nice_disguised", [] { return call(SYS_setpriority, PRIO_PROCESS, disguised(first_process), 19); }},
    {"first_nice_group", [] { return call(SYS_setpriority, PRIO_PGRP, first_process, 19); }},
    {"first_nice_user", [] { return call(SYS_setpriority, PRIO_USER, 0, 19); }},
    {"first_io_nice", [] { return call(SYS_ioprio_set, 1, first_process, IOPRIO_PRIO_VALUE(3, 0)); }},
    {"first_io_nice_user", [] { return call(SYS_ioprio_set, 3, ::getuid(), IOPRIO_PRIO_VALUE(3, 0)); }},
    {"first_scheduler", [] { return schedule(first_process); }},
    {"first_scheduler_parameters", [] { return schedule_parameters(first_process); }},
    {"first_scheduler_attributes", [] { return schedule_attributes(first_process); }},
    {"first_affinity", [] { return pin(first_process); }},
    {"first_kill", [] { return call(SYS_kill, first_process, SIGKILL); }},
    {"first_stop", [] { return call(SYS_kill, first_process, SIGSTOP); }},
    {"first_fault", [] { return call(SYS_kill, first_process, SIGSEGV); }},
    {"first_false_child_signal", [] { return queue_signal(first_process, SIGCHLD); }},

    {"anchor_stop", [] { return call(SYS_kill, anchor(), SIGSTOP); }},
    {"all_stop", [] { return call(SYS_kill, -1, SIGSTOP); }},
    {"anchor_trace", [] { return call(SYS_ptrace, PTRACE_SEIZE, anchor(), 0, 0); }},
    {"anchor_memory", [] { return read_memory(anchor()); }},
    {"anchor_memory_file", [] { return opened(anchor(), "mem", O_RDWR); }},
    {"anchor_environment", [] { return opened(anchor(), "environ", O_RDONLY); }},
    {"anchor_descriptors", [] { return listed(anchor(), "fd"); }},
    {"anchor_socket", [] { return opened(anchor(), "fd/3", O_RDWR); }},
    {"anchor_take_descriptor", [] { return take_descriptor(anchor(), 3); }},
    {"anchor_enter", [] { return enter(anchor()); }},

    {"connect_abstract", connect_abstract},

    {"own_trace", trace_child},
    {"own_limit", limit_child},
    {"own_nice", [] { return call(SYS_setpriority, PRIO_PROCESS, 0, 5); }},
    {"own_affinity", [] { return call(SYS_sched_getaffinity, 0, 128, std::calloc(1, 128)); }},
    {"own_unshare_files", [] { return call(SYS_unshare, CLONE_FILES | CLONE_FS); }},
    {"own_fork", [] { return cloned(0); }},
    {"own_unix", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"own_ipv4", [] { return call(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"own_ipv6", [] { return call(SYS_socket, AF_INET6, SOCK_DGRAM, 0); }},
    {"own_netlink", [] { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
};

}  // namespace

int main(int count, char** arguments) {
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    for (int i = 1; i < count; ++i) {
        if (std::strcmp(arguments[i], "descriptors") == 0) {
            print_descriptors();
            continue;
        }
        const Attack* found = nullptr;
        for (const Attack& attack : attacks) {
            found = std::strcmp(attack.name, arguments[i]) == 0 ? &attack : found;
        }
        if (found == nullptr) {
            std::printf("%s: no such attack\n", arguments[i]);
            return 2;
        }
        errno = 0;
        const long result = found->attempt();
        std::printf("%s: %s\n", found->name, result >= 0 ? "done" : ::strerrorname_np(errno));
    }
}

// Hostile code in a sandbox: a program of ours (attacker.cpp, attack.hpp) is put into it and tries each thing for real. Every line
// of the tables is one attempt and the error it must meet; what ordinary programs need stands beside it and must work.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstddef>

#include "attack.hpp"

using namespace room;
using namespace attack;

TEST_CASE("the kernel's dangerous calls are refused") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        keyctl EPERM  add_key EPERM  request_key EPERM
        mount EPERM  umount2 EPERM  pivot_root EPERM  open_tree EPERM  open_tree_attr EPERM  move_mount EPERM
        fsopen EPERM  fsconfig EPERM  fsmount EPERM  fspick EPERM  mount_setattr EPERM
        bpf EPERM  perf_event_open EPERM  perf_first_process EPERM  syslog EPERM
        init_module EPERM  finit_module EPERM  delete_module EPERM  kexec_load EPERM  kexec_file_load EPERM
        userfaultfd EPERM  io_uring_setup EPERM  io_uring_enter EPERM  io_uring_register EPERM
        open_by_handle_at EPERM  fanotify_init EPERM  cachestat EPERM
        settimeofday EPERM  clock_settime EPERM  adjtimex EPERM  clock_adjtime EPERM
        reboot EPERM  swapon EPERM  swapoff EPERM  acct EPERM  quotactl EPERM  quotactl_fd EPERM  vhangup EPERM
        migrate_pages EPERM  move_pages EPERM  remap_file_pages EPERM
        type_into_terminal EPERM  type_disguised EPERM  console_selection EPERM  line_discipline EPERM
        unknown_next ENOSYS  unknown_far ENOSYS  unknown_last ENOSYS
    )");
#if defined(__x86_64__)
    expect(provider, id, "iopl EPERM  ioperm EPERM  modify_ldt EPERM  ustat EPERM  sysfs EPERM  x32 ENOSYS");
#endif
}

TEST_CASE("rare kinds of sockets are refused, vsock to the hypervisor above all") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        socket_vsock EAFNOSUPPORT  socket_vsock_disguised EAFNOSUPPORT  socket_crypto EAFNOSUPPORT
        socket_packet EAFNOSUPPORT  socket_key EAFNOSUPPORT  socket_x25_disguised EAFNOSUPPORT
        socket_bluetooth EAFNOSUPPORT  socketpair_tipc EAFNOSUPPORT
    )");
}

TEST_CASE("a program of another architecture dies at its first call") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    const Result result = provider.run(id, Provider::command({program, "own_fork", "foreign_architecture"}));
    CHECK(result.out == "own_fork: done\n");
    CHECK(result.end.kind == BERTH_ENDED_SIGNALLED);
    CHECK(result.end.signal == SIGSYS);
}

TEST_CASE("no namespaces are made inside, by no way") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        setns EPERM  unshare_user EPERM  unshare_time EPERM  unshare_all EPERM
        clone_user EPERM  clone_net EPERM  clone_cgroup EPERM  clone3 ENOSYS
    )");
    CHECK(provider.run(id, "unshare -U true").end.exit_code != 0);
}

TEST_CASE("user namespaces inside where the configuration allows them, and nothing else with them") {
    Provider provider([](rooms::Settings settings) {
        settings.user_namespaces = rooms::UserNamespaces::allowed;
        return settings;
    });
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        unshare_user done  keyctl EPERM  bpf EPERM  io_uring_setup EPERM  open_by_handle_at EPERM
        socket_vsock EAFNOSUPPORT  first_limit EPERM  first_trace EPERM  first_memory EPERM  unknown_next ENOSYS
    )");
    expect(provider, id, "clone_user done  clone3 done");
    CHECK(provider.run(id, "unshare -Urm sh -c 'mount -t tmpfs none /mnt 2>/dev/null || mount -t tmpfs none /tmp'")
              .end.exit_code == 0);
}

TEST_CASE("the first process cannot be traced, read, entered, slowed down or ended") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        first_trace EPERM  first_seize EPERM  first_memory EPERM  first_memory_file EACCES
        first_environment EACCES  first_maps EACCES  first_auxiliary EACCES  first_program EACCES
        first_root EACCES  first_directory EACCES  first_descriptors EACCES  first_socket EACCES
        first_descriptor_notes EACCES  first_map_files EACCES
        first_take_descriptor EPERM  first_compare EPERM  first_enter EPERM
        first_clear_refs EACCES  first_oom_score EACCES  first_timer_slack EPERM  first_name EACCES
        first_limit EPERM  first_limit_disguised EPERM
        first_nice EPERM  first_nice_disguised EPERM  first_nice_group EPERM  first_nice_user EPERM
        first_io_nice EPERM  first_io_nice_user EPERM  first_scheduler EPERM  first_scheduler_parameters EPERM
        first_scheduler_attributes EPERM  first_affinity EPERM 
    )");
    // These say that all went well, and nothing happens: the kernel keeps them from a first process.
    expect(provider, id, "first_kill done  first_stop done  first_fault done  first_false_child_signal done");
    const Result after = provider.run(id, "grep -E '^(State|Threads)' /proc/1/status; awk '{print $19}' /proc/1/stat");
    const int niceness = ::getpriority(PRIO_PROCESS, 0);  // what it was started with: the test's own
    CHECK(after.out == "State:\tS (sleeping)\nThreads:\t1\n" + std::to_string(niceness) + "\n");
}

TEST_CASE("what stands between the first process and a command cannot be traced or read either") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        anchor_trace EPERM  anchor_memory EPERM  anchor_memory_file EACCES  anchor_environment EACCES
        anchor_descriptors EACCES  anchor_socket EACCES  anchor_take_descriptor EPERM  anchor_enter EPERM
    )");
}

TEST_CASE("what is stopped between the first process and a command goes on, so that every end is told") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    CHECK(provider.run(id, Provider::command({program, "anchor_stop"})).out == "anchor_stop: done\n");
    TestCaller caller;
    TestSink sink;
    Result stopping;
    sink.on_output = [&] { stopping = provider.run(id, Provider::command({program, "all_stop"})); };
    rooms::RunRequest request = Provider::shell("echo up; exec sleep 1000");
    request.timeout_ms = 3000;
    request.process.kill_grace_ms = 100;
    const rooms::ProcessEnd beside = provider.sandboxes.run(id, request, caller, sink);
    CHECK(stopping.out == "all_stop: done\n");
    CHECK(beside.kind == BERTH_ENDED_TIMEOUT);
    CHECK(provider.run(id, "echo still").out == "still\n");
}

TEST_CASE("a command gets its three descriptors and no other") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    CHECK(provider.run(id, Provider::command({program, "descriptors"})).out == "0 1 2 \n");
    rooms::RunRequest with_input = Provider::command({program, "descriptors"});
    with_input.process.input = "input";
    with_input.process.discard_stderr = true;
    CHECK(provider.run(id, with_input).out == "0 1 2 \n");
}

TEST_CASE("/proc keeps the kernel's secrets, /sys is not there, nothing is made in /dev") {
    Provider provider;
    const std::string id = provider.create();
    for (const char* file : {"kcore", "kmsg", "timer_list", "slabinfo", "vmallocinfo", "kpagecount", "pagetypeinfo",
                             "sysrq-trigger", "sched_debug"}) {
        CHECK_MESSAGE(provider.run(id, "head -c 1 /proc/" + std::string(file)).end.exit_code != 0, file);
    }
    CHECK(provider.run(id, "cat /proc/keys").out.empty());
    CHECK(provider.run(id, "grep -v '^0000000000000000 ' /proc/kallsyms | head -n 1").out.empty());
    CHECK(provider.run(id, "ls -A /sys").end.exit_code != 0);
    CHECK(provider.run(id, "touch /dev/mark || mkdir /dev/mark || mknod /dev/mark c 1 1").end.exit_code != 0);
    CHECK(provider.run(id, "mknod /tmp/memory c 1 1 || mknod /tmp/disk b 8 0").end.exit_code != 0);
    CHECK(provider.run(id, "echo x > /dev/null && head -c 1 /dev/zero | wc -c").out == "1\n");
    CHECK(provider.run(id, "stat -c %a /dev/shm; echo x > /dev/shm/mark && cat /dev/shm/mark").out == "1777\nx\n");
}

TEST_CASE("with the host's network, its abstract sockets stay out of reach") {
    const std::string name = "berth-test-" + rooms::random_name(12);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, name.size());
    const rooms::Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    Provider provider;
    rooms::CreateRequest request;
    request.network = rooms::Network::host;
    request.environment = {{"NAME", name}};
    const std::string id = provider.create(request);
    arm(provider, id);
    // Landlock knows how to keep them apart from its sixth version on, of Linux 6.12.
    constexpr unsigned ask_version = 1;
    const bool can = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, ask_version) >= 6;
    expect(provider, id, std::string("connect_abstract ") + (can ? "EPERM" : "done"));
}

TEST_CASE("what ordinary programs do to themselves and their children works") {
    Provider provider;
    const std::string id = provider.create();
    arm(provider, id);
    expect(provider, id, R"(
        own_trace done  own_limit done  own_nice done  own_affinity done  own_unshare_files done  own_fork done
        own_unix done  own_ipv4 done  own_ipv6 done  own_netlink done
    )");
}

namespace {

// Whether this machine has a program that sandboxes see.
bool has(const std::string& name) {
    return std::filesystem::exists("/usr/bin/" + name);
}

}  // namespace

TEST_CASE("compilers, interpreters and debuggers work") {
    Provider provider;
    const std::string id = provider.create();
    if (has("gcc")) {
        const Result built = provider.run(
            id, "printf '#include <stdio.h>\\nint main(void) { puts(\"built\"); }' > a.c && gcc -g -o a a.c && ./a");
        CHECK_MESSAGE(built.out == "built\n", built.err);
    }
    if (has("python3")) {
        const Result ran = provider.run(
            id, Provider::command(
                    {"python3", "-c",
                     "import subprocess, threading, multiprocessing, socket, tempfile\n"
                     "with multiprocessing.Pool(2) as pool: print(sum(pool.map(abs, [-1, -2])))\n"
                     "t = threading.Thread(target=lambda: print('thread')); t.start(); t.join()\n"
                     "print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout, end='')\n"}));
        CHECK_MESSAGE(ran.out == "3\nthread\nchild\n", ran.err);
    }
    if (has("node")) {
        const Result ran =
            provider.run(id, "node -e 'require(\"fs\").promises.readdir(\"/\").then(() => console.log(\"node\"))'");
        CHECK_MESSAGE(ran.out == "node\n", ran.err);
    }
    if (has("strace")) {
        CHECK(provider.run(id, "strace -f -e trace=none sh -c 'true; exit 3'").end.exit_code == 3);
    }
    if (has("gdb") && has("gcc")) {
        const Result traced = provider.run(id, "gdb -batch -ex 'break main' -ex run -ex 'print 40 + 2' ./a");
        CHECK_MESSAGE(traced.out.find("$1 = 42") != std::string::npos, traced.out, traced.err);
    }
}

// See launch.hpp.
#include "launch.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "call_filter.hpp"
#include "detached.hpp"
#include "etc_tree.hpp"
#include "failure.hpp"
#include "outbound.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

// The numbers that descriptors have in bubblewrap, from 3 on.
enum Place {
    at_listener = 3,
    at_init,
    at_etc,
    at_workspace,
    at_home,
    at_temporary,
    at_resolver,
    at_hosts,
    at_lower,
    at_changes,
    at_filter,
    at_name,
    at_note,
    places_end
};

// What the child does before it becomes bubblewrap, with the host's memory: system calls only.
struct Preparation {
    const LaunchPlan* plan;
    bool* outside_group;  // it is a control group that could not be joined
};

bool become_account(const LaunchPlan& plan) {
    if (!plan.uid) {
        return true;
    }
    // Raw: the C library's own would change every thread of the host.
    const long id = *plan.uid;
    return ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, id, id, id) == 0 &&
           ::syscall(SYS_setresuid, id, id, id) == 0;
}

bool prepare(const void* context) {
    const auto& preparation = *static_cast<const Preparation*>(context);
    const LaunchPlan& plan = *preparation.plan;
    *preparation.outside_group = plan.groups != nullptr && !join_groups(*plan.groups);
    return !*preparation.outside_group && become_account(plan);
}

void add(std::vector<std::string>& arguments, std::initializer_list<const char*> more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
}

void bind(std::vector<std::string>& arguments, const char* how, Place place, const char* target) {
    const std::string number = std::to_string(place);
    add(arguments, {how, number.c_str(), target});
}

// /bin and its like as this host has them: links into /usr, or directories of their own.
void add_roots(std::vector<std::string>& arguments) {
    for (const char* root : {"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"}) {
        char target[256];
        const ssize_t size = ::readlink(root, target, sizeof target - 1);
        if (size > 0) {
            target[size] = 0;
            add(arguments, {"--symlink", target, root});
        } else if (::access(root, F_OK) == 0) {
            add(arguments, {"--ro-bind", root, root});
        }
    }
}

std::string setting(const char* path) {
    try {
        std::string value = read_file(AT_FDCWD, path, 64).value_or("");
        while (!value.empty() && value.back() == '\n') {
            value.pop_back();
        }
        return value;
    } catch (const Failure&) {
        return "";
    }
}

// Files of /proc that other accounts may read on this machine and a sandbox should not. Most of what containers hide
// there is closed by its mode already, for nobody in a sandbox is the host's root.
std::vector<const char*> hidden_files(const LaunchPlan& plan) {
    std::vector<const char*> hidden;
    if (!plan.uid) {
        hidden.push_back("/proc/keys");  // an ordinary user's sandboxes have that user's keys
    }
    const std::string paranoid = setting("/proc/sys/kernel/perf_event_paranoid");
    const bool perf_for_all = paranoid == "1" || paranoid == "0" || paranoid.starts_with('-');
    if (setting("/proc/sys/kernel/kptr_restrict") == "0" && perf_for_all) {
        hidden.push_back("/proc/kallsyms");  // then it tells everybody where the kernel lies in memory
    }
    return hidden;
}

// Its own /proc, /dev and /run. Nothing is made in /dev, and what lies in memory has a bound.
void add_kernel_places(std::vector<std::string>& arguments, const LaunchPlan& plan) {
    add(arguments, {"--proc", "/proc"});
    for (const char* file : hidden_files(plan)) {
        if (::access(file, F_OK) == 0) {
            add(arguments, {"--ro-bind", "/dev/null", file});
        }
    }
    add(arguments, {"--dev", "/dev", "--perms", "1777", "--size", "1073741824", "--tmpfs", "/dev/shm"});
    add(arguments, {"--remount-ro", "/dev", "--size", "67108864", "--tmpfs", "/run"});
}

// What a package manager needs over the sandbox's own ids: to own, read and change any of its files, to become any of
// its users, to signal any of its processes, to chroot, to take low ports, and to write the file capabilities that some
// packages bring (which give nothing: no process here gains privileges). None of it counts anywhere else.
constexpr std::array template_capabilities{"CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",          "CAP_FSETID",
                                           "CAP_KILL",    "CAP_SETGID",       "CAP_SETUID",          "CAP_SETPCAP",
                                           "CAP_SETFCAP", "CAP_SYS_CHROOT",   "CAP_NET_BIND_SERVICE"};

// Inside the namespace that berth-root made. There bubblewrap makes no user namespace of its own.
void add_template_root(std::vector<std::string>& arguments, const LaunchPlan& plan) {
    for (const char* capability : template_capabilities) {
        add(arguments, {"--cap-add", capability});
    }
    add(arguments, {"--clearenv", "--bind", "/tmp/root", "/"});
    add_kernel_places(arguments, plan);
    add(arguments, {"--perms", "1777", "--dir", "/run/lock"});
}

void add_host_root(std::vector<std::string>& arguments, const LaunchPlan& plan) {
    add(arguments, {"--clearenv", "--ro-bind", "/usr", "/usr"});
    add_roots(arguments);
    bind(arguments, "--ro-bind-fd", at_etc, "/etc");
    add(arguments, {"--ro-bind-try", "/etc/alternatives", "/etc/alternatives"});
    if (plan.network != Network::none) {
        add(arguments, {"--ro-bind-try", "/etc/ssl/certs", "/etc/ssl/certs"});
    }
    if (plan.network == Network::outbound) {
        bind(arguments, "--ro-bind-data", at_resolver, "/etc/resolv.conf");
    } else if (plan.network == Network::host) {
        bind(arguments, "--ro-bind-fd", at_resolver, "/etc/resolv.conf");
        bind(arguments, "--ro-bind-fd", at_hosts, "/etc/hosts");
    }
    add_kernel_places(arguments, plan);
    bind(arguments, "--bind-fd", at_workspace, "/workspace");
    bind(arguments, "--bind-fd", at_home, inner_home);
    bind(arguments, "--bind-fd", at_temporary, "/tmp");
    add(arguments, {"--dir", "/var", "--symlink", "../tmp", "/var/tmp", "--symlink", "../run", "/var/run"});
    add(arguments, {"--remount-ro", "/"});
}

void add_root_builder(std::vector<std::string>& arguments, const LaunchPlan& plan) {
    add(arguments, {plan.root->program.c_str(),
                    plan.user_namespaces == UserNamespaces::allowed ? "start-with-namespaces" : "start",
                    std::to_string(plan.root->ids).c_str(), std::to_string(plan.root->lower_ids).c_str(),
                    std::to_string(at_lower).c_str(), std::to_string(at_changes).c_str()});
    if (plan.network != Network::none) {
        add(arguments, {std::to_string(at_resolver).c_str()});
    }
    if (plan.network == Network::host) {
        add(arguments, {std::to_string(at_hosts).c_str()});
    }
    add(arguments, {"--"});
}

Descriptor open_or_nothing(const char* path) {
    Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    return file ? std::move(file) : Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Descriptor file_in_memory(std::string_view content) {
    Descriptor file(::memfd_create("content", MFD_CLOEXEC));
    if (!file || ::pwrite(file.get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
        throw system_failure("no memory for a small file", errno);
    }
    return file;
}

// How names are looked up inside.
struct NameFiles {
    Descriptor resolver;
    Descriptor hosts;
};

NameFiles name_files(Network network) {
    switch (network) {
        case Network::host:
            return {open_or_nothing("/etc/resolv.conf"), open_or_nothing("/etc/hosts")};
        case Network::outbound:
            return {file_in_memory(outbound_resolver), {}};
        case Network::none:
            break;
    }
    return {};
}

}  // namespace

// Words without an effect: the environment is empty.
std::vector<std::string> launch_mark(const std::string& id) {
    return {"--unsetenv", "BERTH_LAUNCH_" + id};
}

std::vector<std::string> launch_arguments(const LaunchPlan& plan) {
    std::vector<std::string> arguments;
    if (plan.root) {
        add_root_builder(arguments, plan);
    }
    add(arguments, {plan.bubblewrap.c_str()});
    if (!plan.root) {
        const std::string id = std::to_string(inner_uid);
        add(arguments, {"--unshare-user", "--uid", id.c_str(), "--gid", id.c_str()});
    }
    const std::vector<std::string> mark = launch_mark(plan.id);
    arguments.insert(arguments.end(), mark.begin(), mark.end());
    add(arguments, {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"});
    if (plan.network != Network::host) {
        add(arguments, {"--unshare-net"});
    }
    add(arguments, {"--hostname", "sandbox", "--as-pid-1", "--new-session", "--cap-drop", "ALL"});
    if (plan.root) {
        add_template_root(arguments, plan);
    } else {
        add_host_root(arguments, plan);
    }
    add(arguments, {"--chdir", "/", "--seccomp", std::to_string(at_filter).c_str(), "--"});
    const std::string program = "/proc/self/fd/" + std::to_string(at_init);
    add(arguments, {program.c_str(), std::to_string(at_listener).c_str(), std::to_string(at_name).c_str(),
                    std::to_string(plan.look_ms).c_str()});
    if (plan.note != nullptr) {
        add(arguments, {std::to_string(at_note).c_str(), std::to_string(plan.life_ms).c_str(),
                        std::to_string(plan.idle_ms).c_str()});
    }
    return arguments;
}

pid_t launch(const LaunchPlan& plan) {
    DetachedProgram program;
    program.arguments = launch_arguments(plan);
    program.path = program.arguments.front();
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Descriptor filter = open_call_filter(plan.user_namespaces);
    const NameFiles names = name_files(plan.network);
    const auto number = [](const Descriptor* descriptor) { return descriptor != nullptr ? descriptor->get() : -1; };
    program.descriptors = {nothing.get(),
                           plan.log->get(),
                           plan.log->get(),
                           plan.listener->get(),
                           plan.init->get(),
                           number(plan.etc),
                           number(plan.workspace),
                           number(plan.home),
                           number(plan.temporary),
                           names.resolver.get(),
                           names.hosts.get(),
                           number(plan.root ? plan.root->lower : nullptr),
                           number(plan.root ? plan.root->changes : nullptr),
                           filter.get(),
                           number(plan.name),
                           number(plan.note)};
    bool outside_group = false;
    const Preparation preparation{&plan, &outside_group};
    program.prepare = prepare;
    program.context = &preparation;
    const Started started = start_detached(program);
    if (outside_group) {
        throw refusal(BERTH_UNSUPPORTED, "the sandbox cannot join its control group: " + words_of_errno(started.error),
                      "see what `berth doctor` says of the limits");
    }
    if (started.error == ENOENT) {
        throw refusal(BERTH_ISOLATION_UNAVAILABLE, "there is no " + program.path,
                      plan.root ? "install Berth whole" : "install the package bubblewrap");
    }
    if (started.error != 0) {
        throw refusal(
            BERTH_ISOLATION_UNAVAILABLE, "bubblewrap cannot be started: " + words_of_errno(started.error),
            plan.uid ? "is the uid " + std::to_string(*plan.uid) + " mapped here? See the setting uid_range" : "");
    }
    return started.pid;
}

std::string closed_namespaces() {
    if (setting("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
        return "user namespaces are closed: set the sysctl kernel.unprivileged_userns_clone=1";
    }
    if (setting("/proc/sys/user/max_user_namespaces") == "0") {
        return "user namespaces are closed: set the sysctl user.max_user_namespaces above 0";
    }
    return "";
}

}  // namespace berth_local

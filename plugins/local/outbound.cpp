// See outbound.hpp.
#include "outbound.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "detached.hpp"
#include "failure.hpp"
#include "first_process.hpp"
#include "link.hpp"
#include "outbound_routes.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds start_limit{30};
constexpr rlim_t most_log = 64U << 10;  // the sandbox's traffic decides how much the helper has to say
constexpr const char* device = "/dev/net/tun";

// The numbers that descriptors have in the helper, from 3 on.
enum Place { at_namespace = 3, at_ready, at_sandbox };

struct Namespaces {
    Descriptor network;
    Descriptor user;  // the one that rules the network
};

Namespaces namespaces_of(const ProcessId& first) {
    const std::string path = "/proc/" + std::to_string(first.pid) + "/ns/net";
    Namespaces namespaces;
    namespaces.network = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!namespaces.network || !first.alive()) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's first process died while its network was made");
    }
    struct stat theirs {};
    struct stat ours {};
    if (::fstat(namespaces.network.get(), &theirs) != 0 || ::stat("/proc/self/ns/net", &ours) != 0 ||
        (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)) {
        throw failure(BERTH_INTERNAL, "the sandbox has no network of its own");
    }
    namespaces.user = Descriptor(::ioctl(namespaces.network.get(), NS_GET_USERNS));
    if (!namespaces.user) {
        throw system_failure("cannot find who rules the sandbox's network", errno);
    }
    return namespaces;
}

struct Entering {
    const std::vector<Descriptor>* groups;
    bool* outside_group;  // it is a control group that could not be joined
    int user_namespace;
    bool as_root;
    bool own_device;
};

// As root, where the device is root's alone: in a mount namespace of the helper's own lies one that its account may
// open.
bool make_device() {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", "/dev/net", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4k,mode=755") == 0 &&
           ::mknod(device, S_IFCHR | 0666, ::makedev(10, 200)) == 0 && ::chmod(device, 0666) == 0;
}

// In the child, just before the helper: root of the sandbox's user namespace, which is the sandbox's account outside.
__attribute__((no_sanitize("address", "thread"))) bool enter(const void* context) {
    const Entering& entering = *static_cast<const Entering*>(context);
    *entering.outside_group = !join_groups(*entering.groups);
    if (*entering.outside_group) {
        return false;
    }
    const rlimit log_limit{most_log, most_log};
    // Ignored, by the kernel's own call: the C library and sanitizers keep tables of handlers, and those are the host's.
    const std::array<std::uintptr_t, 4> ignored{1};  // handler (SIG_IGN), flags, restorer, mask
    ::syscall(SYS_rt_sigaction, SIGXFSZ, ignored.data(), nullptr, sizeof(std::uintptr_t));
    ::setrlimit(RLIMIT_FSIZE, &log_limit);
    if (entering.own_device && !make_device()) {
        return false;
    }
    // Raw: the C library's own would change every thread of the host.
    return (!entering.as_root || ::syscall(SYS_setgroups, 0, nullptr) == 0) &&
           ::setns(entering.user_namespace, CLONE_NEWUSER) == 0 && ::syscall(SYS_setresgid, 0, 0, 0) == 0 &&
           ::syscall(SYS_setresuid, 0, 0, 0) == 0;
}

bool open_to_all(const char* path) {
    struct stat info {};
    return ::stat(path, &info) == 0 && (info.st_mode & 0006) == 0006;
}

// A connection that lasts as long as the sandbox's first process.
Link attend(const Descriptor& sandbox) {
    Link link = Link::to(sandbox.get());
    protocol::Writer(link.output(), protocol::Type::attend).u32(protocol::version).finish();
    if (link.flush() != Link::Sent::all) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's first process died while its network was made");
    }
    return link;
}

enum class Heard { ready, nothing, closed };

Heard hear(const Descriptor& ready, Caller& caller) {
    const auto until = Clock::now() + start_limit;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
        if (left <= 0 || caller.cancelled()) {
            return Heard::nothing;
        }
        pollfd waits[2] = {{ready.get(), POLLIN, 0}, {caller.events(), POLLIN, 0}};
        const bool blind = waits[1].fd < 0;
        ::poll(waits, 2, static_cast<int>(blind && left > blind_poll_ms ? blind_poll_ms : left));
        while (caller.next_event()) {
        }
        if (waits[0].revents != 0) {
            char byte = 0;
            return ::read(ready.get(), &byte, 1) == 1 ? Heard::ready : Heard::closed;
        }
    }
}

// What the helper said last, as one line.
std::string last_words(const Descriptor& sandbox) {
    std::string said = read_file(sandbox.get(), "network.log", most_log).value_or("");
    while (!said.empty() && said.back() == '\n') {
        said.pop_back();
    }
    said = said.substr(said.size() > 300 ? said.size() - 300 : 0);
    for (char& c : said) {
        c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return said;
}

DetachedProgram program_of(const std::string& helper) {
    DetachedProgram program;
    program.path = helper;
    program.arguments = {"slirp4netns",
                         "--configure",
                         "--mtu=65520",
                         "--disable-host-loopback",
                         "--enable-sandbox",
                         "--enable-seccomp",
                         "--ready-fd=" + std::to_string(at_ready),
                         "--exit-fd=" + std::to_string(at_sandbox),
                         "--netns-type=path",
                         "/proc/self/fd/" + std::to_string(at_namespace),
                         "tap0"};
    return program;
}

}  // namespace

std::string outbound_obstacle(const std::string& helper) {
    if (::access(helper.c_str(), X_OK) != 0) {
        return "there is no " + helper + ": install the package slirp4netns";
    }
    const Descriptor tun(::open(device, O_RDWR | O_CLOEXEC));
    if (tun) {
        return "";
    }
    const int error = errno;
    return std::string(device) + " cannot be opened (" + words_of_errno(error) + "): " +
           (error == ENOENT || error == ENODEV ? "load the kernel module tun"
                                               : "chmod 0666 /dev/net/tun, or allow the device in this container");
}

void start_outbound(const Descriptor& sandbox, const std::string& helper, const std::vector<Descriptor>& groups,
                    Caller& caller) {
    const std::optional<ProcessId> first = first_process(sandbox);
    if (!first) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's first process died while its network was made");
    }
    const Namespaces namespaces = namespaces_of(*first);
    close_routes(namespaces.user, namespaces.network, blocks_of_this_machine());
    const Link lasting = attend(sandbox);
    const Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const Descriptor log(
        ::openat(sandbox.get(), "network.log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    int ends[2];
    if (!nothing || !log || ::pipe2(ends, O_CLOEXEC) != 0) {
        throw system_failure("cannot start slirp4netns", errno);
    }
    const Descriptor ready(ends[0]);
    Descriptor telling(ends[1]);
    const bool as_root = ::geteuid() == 0;
    bool outside_group = false;
    const Entering entering{&groups, &outside_group, namespaces.user.get(), as_root, as_root && !open_to_all(device)};
    DetachedProgram program = program_of(helper);
    program.descriptors = {nothing.get(), log.get(),           log.get(), namespaces.network.get(),
                           telling.get(), lasting.descriptor()};
    program.prepare = enter;
    program.context = &entering;
    const Started started = start_detached(program);
    if (outside_group) {
        throw refusal(BERTH_UNSUPPORTED,
                      "the network helper cannot join the sandbox's control group: " + words_of_errno(started.error),
                      "see what `berth doctor` says of the limits");
    }
    if (started.error != 0) {
        throw system_failure("cannot start " + helper, started.error);
    }
    if (const std::optional<ProcessId> process = ProcessId::of(started.pid)) {
        write_file(sandbox.get(), "network", process->text() + "\n", Durable::no);
    }
    telling.reset();
    switch (hear(ready, caller)) {
        case Heard::ready:
            return;
        case Heard::closed:
            throw failure(BERTH_UNAVAILABLE, "slirp4netns cannot make the sandbox's network: " + last_words(sandbox));
        case Heard::nothing:
            break;
    }
    stop_outbound(sandbox);
    throw caller.cancelled() ? failure(BERTH_CANCELLED, "cancelled while the sandbox's network was made")
                             : failure(BERTH_TIMEOUT, "the sandbox's network was not ready within 30 s");
}

std::optional<ProcessId> outbound_helper(const Descriptor& sandbox) {
    const std::string text = read_file(sandbox.get(), "network", 1024).value_or("");
    const std::optional<ProcessId> process = ProcessId::parse(text.substr(0, text.find('\n')));
    return process && process->alive() ? process : std::nullopt;
}

void stop_outbound(const Descriptor& sandbox) {
    const std::optional<ProcessId> process = outbound_helper(sandbox);
    const Descriptor handle = process ? process->open() : Descriptor();
    kill_through(handle);
    if (!wait_gone(handle, seconds{20})) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's network helper does not end",
                      "it may hang in the kernel: try again later");
    }
    ::unlinkat(sandbox.get(), "network", 0);
}

}  // namespace berth_local

#include "first_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "failure.hpp"
#include "launch.hpp"
#include "lifetime.hpp"
#include "link.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds start_limit{30};
constexpr seconds death_limit{20};
constexpr int backlog = 4096;

// What it takes connections from, and the socket's name, which is gone when somebody removes that or all around it.
struct Listener {
    Descriptor socket;
    Descriptor name;
};

Listener listen_in(const Descriptor& sandbox) {
    ::unlinkat(sandbox.get(), "socket", 0);
    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", sandbox.get());
    if (!listener || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), backlog) != 0) {
        throw system_failure("cannot make the sandbox's socket", errno);
    }
    Descriptor name(::openat(sandbox.get(), "socket", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!name) {
        throw system_failure("cannot find the sandbox's socket", errno);
    }
    return {std::move(listener), std::move(name)};
}

void write_question(Link& link, protocol::Type question) {
    protocol::Writer(link.output(), question).u32(protocol::version).finish();
}

enum class Heard { answer, nothing, closed };

// Waits for a pong until `until`, or for the caller's cancel.
Heard hear(Link& link, Clock::time_point until, Caller* caller, Answer& answer) {
    for (;;) {
        link.flush();
        Frame frame;
        const Link::Got got = link.next(frame);
        if (got == Link::Got::frame && frame.type == protocol::Type::pong) {
            protocol::Reader reader(frame.payload);
            reader.u32();
            answer = {reader.u32(), link.peer()};
            return reader.finished() ? Heard::answer : Heard::closed;
        }
        if (got != Link::Got::nothing) {
            return Heard::closed;
        }
        const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
        if (left <= 0 || (caller != nullptr && caller->cancelled())) {
            return Heard::nothing;
        }
        pollfd waits[2] = {{link.descriptor(), static_cast<short>(POLLIN | (link.output_waits() ? POLLOUT : 0)), 0},
                           {caller != nullptr ? caller->events() : -1, POLLIN, 0}};
        const bool blind = caller != nullptr && waits[1].fd < 0;
        ::poll(waits, 2, static_cast<int>(blind && left > blind_poll_ms ? blind_poll_ms : left));
    }
}

// What bubblewrap said, as one line, and what opens the way.
Failure cannot_isolate(const Descriptor& log) {
    std::array<char, 2000> text{};
    const ssize_t size = ::pread(log.get(), text.data(), text.size(), 0);
    std::string said(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!said.empty() && said.back() == '\n') {
        said.pop_back();
    }
    for (char& c : said) {
        c = c == '\n' ? ' ' : c;
    }
    Failure failure{BERTH_ISOLATION_UNAVAILABLE,
                    "no sandbox can be made here: " + (said.empty() ? "it died at once" : said),
                    "",
                    BERTH_OUTCOME_NONE,
                    {},
                    {},
                    {}};
    const auto has = [&](std::string_view part) { return said.find(part) != std::string::npos; };
    if (has("source path")) {
        failure.hint = "the sandbox's account must be able to search every directory above state_dir and Berth's own";
    } else if (has("id-mapped mounts")) {
        failure.hint = "keep the template on ext4, xfs or btrfs, as its own or unpacked from a tar file by Berth";
    } else if (has("newuidmap") || has("newgidmap")) {
        failure.hint = "are the ranges in /etc/subuid and /etc/subgid this user's? newuidmap says no";
    } else if (has("overlay")) {
        failure.hint = "state_dir must lie on a file system that overlayfs can write to, such as ext4, xfs or tmpfs";
    } else if (has("nknown option")) {
        failure.hint = "install a newer bubblewrap: 0.8.0 of Debian 12 or 0.10 and later know --bind-fd";
    } else if (has("mount proc")) {
        failure.hint = "a container hides parts of /proc: run it with --security-opt systempaths=unconfined";
    } else if (const std::string closed = closed_namespaces(); !closed.empty()) {
        failure.hint = closed;
    } else if (has("namespace") || has("uid map") || has("Permission denied") || has("not permitted")) {
        failure.hint =
            "allow user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or in a container "
            "--security-opt seccomp=unconfined";
    }
    return failure;
}

ProcessId note(const Descriptor& sandbox, const Answer& answer) {
    const std::optional<ProcessId> first = ProcessId::of(answer.pid);
    if (!first) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's first process died at once");
    }
    std::string text = first->text();
    // bubblewrap stays beside it and ends with it; written down so that its end can be awaited too.
    if (const auto monitor = parent_called(first->pid, "bwrap")) {
        text += "\n" + monitor->text();
    }
    put_file(sandbox.get(), "init", text + "\n");  // who reads half of it asks the socket instead
    return *first;
}

// The directories that the root is made of, open.
class Trunk {
public:
    Trunk(const Descriptor& sandbox, const Record& record) {
        if (record.root) {
            lower_ = Descriptor(::open(record.root->tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (!lower_) {
                throw failure(BERTH_UNAVAILABLE, "the template " + record.root->name + " cannot be opened at " +
                                                     record.root->tree + ": " + words_of_errno(errno));
            }
            changes_ = open_directory(sandbox.get(), "root");
        } else {
            workspace_ = open_directory(sandbox.get(), "workspace");
            home_ = open_directory(sandbox.get(), "home");
            temporary_ = open_directory(sandbox.get(), "tmp");
        }
        if (record.root ? !changes_ : !workspace_ || !home_ || !temporary_) {
            throw system_failure("the sandbox's directory is damaged", errno);
        }
    }
    void put_into(LaunchPlan& plan, const Record& record, const StartSettings& settings) const {
        if (record.root) {
            plan.root =
                TemplatePlan{settings.root_program, &lower_, &changes_, record.root->ids, record.root->tree_ids};
        } else {
            plan.workspace = &workspace_;
            plan.home = &home_;
            plan.temporary = &temporary_;
        }
    }

private:
    Descriptor lower_;
    Descriptor changes_;
    Descriptor workspace_;
    Descriptor home_;
    Descriptor temporary_;
};

// What was launched and has not answered yet. Given up, it is ended with all that it started: when only bubblewrap's
// outer half dies, the inner one waits for it for ever, and holds the sandbox's socket.
class UnansweredLaunch {
public:
    explicit UnansweredLaunch(pid_t group) : group_(group), leader_(ProcessId::of(group)) {}
    UnansweredLaunch(const UnansweredLaunch&) = delete;
    UnansweredLaunch& operator=(const UnansweredLaunch&) = delete;
    ~UnansweredLaunch() {
        // A number is nobody else's while a group has it. Should somebody else be its process by now, our group is gone.
        const std::optional<ProcessId> now = ProcessId::of(group_);
        if (group_ > 1 && (!now || (leader_ && now->start == leader_->start))) {
            ::kill(-group_, SIGKILL);
        }
    }
    void answered() { group_ = 0; }

private:
    pid_t group_;
    std::optional<ProcessId> leader_;
};

struct Written {
    std::optional<ProcessId> first;
    std::optional<ProcessId> monitor;
};

Written read_note(const Descriptor& sandbox) {
    const std::string text = read_file(sandbox.get(), "init", 1024).value_or("");
    const std::size_t line = text.find('\n');
    return {ProcessId::parse(text.substr(0, line)),
            line == std::string::npos ? std::nullopt : ProcessId::parse(text.substr(line + 1))};
}

[[noreturn]] void do_not_end() {
    throw failure(BERTH_UNAVAILABLE, "the sandbox's processes do not end",
                  "a process may hang in the kernel: try again later");
}

}  // namespace

ProcessId start_first_process(const Descriptor& sandbox, const Record& record, const StartSettings& settings,
                              Caller& caller, const std::function<void()>& meanwhile) {
    const Descriptor log(::memfd_create("bubblewrap's words", MFD_CLOEXEC));
    if (!log || ::fcntl(log.get(), F_SETFL, O_APPEND) != 0) {
        throw system_failure("cannot keep what bubblewrap says", errno);
    }
    const Trunk trunk(sandbox, record);
    Listener listener = listen_in(sandbox);
    LaunchPlan plan;
    plan.id = record.id;
    plan.bubblewrap = settings.bubblewrap;
    plan.init = settings.init;
    plan.listener = &listener.socket;
    plan.name = &listener.name;
    plan.look_ms = settings.look_each.count();
    plan.etc = settings.etc;
    plan.log = &log;
    plan.network = record.network;
    plan.groups = settings.groups;
    plan.user_namespaces = settings.user_namespaces;
    Descriptor end_note;
    if (has_lifetime(record)) {
        end_note = open_lifetime_note(sandbox);
        plan.note = &end_note;
        plan.life_ms = life_left_ms(record);
        plan.idle_ms = record.idle_ttl_ms;
    }
    plan.uid = record.uid;
    trunk.put_into(plan, record, settings);
    UnansweredLaunch launched(launch(plan));
    listener.socket.reset();  // theirs alone now: when they die it closes, and we hear it
    meanwhile();
    Answer answer;
    Heard heard = Heard::closed;
    try {
        Link link = Link::to(sandbox.get());
        write_question(link, record.stage == Stage::live ? protocol::Type::live : protocol::Type::ping);
        heard = hear(link, Clock::now() + start_limit, &caller, answer);
    } catch (const Failure& failure) {
        if (failure.code != BERTH_NOT_READY) {
            throw;
        }
    }
    if (heard == Heard::closed) {
        throw cannot_isolate(log);
    }
    if (heard == Heard::nothing) {
        if (caller.cancelled()) {
            throw failure(BERTH_CANCELLED, "cancelled while the sandbox started");
        }
        throw failure(BERTH_TIMEOUT, "the sandbox was not ready within 30 s");
    }
    launched.answered();
    return note(sandbox, answer);
}

void begin_idle_time(const Descriptor& sandbox) {
    Link link = Link::to(sandbox.get());
    write_question(link, protocol::Type::live);
    Answer answer;
    if (hear(link, Clock::now() + start_limit, nullptr, answer) != Heard::answer) {
        throw failure(BERTH_UNAVAILABLE, "the sandbox's first process does not answer");
    }
}

std::optional<ProcessId> first_process(const Descriptor& sandbox) {
    const Written written = read_note(sandbox);
    return written.first && written.first->alive() ? written.first : std::nullopt;
}

Asked ask_first_process(const Descriptor& sandbox, milliseconds limit) {
    try {
        Link link = Link::to(sandbox.get());
        write_question(link, protocol::Type::ping);
        Answer answer;
        switch (hear(link, Clock::now() + limit, nullptr, answer)) {
            case Heard::answer:
                return {Presence::answers, answer};
            case Heard::nothing:
                return {Presence::silent, {}};
            case Heard::closed:
                break;
        }
    } catch (const Failure& failure) {
        if (failure.code != BERTH_NOT_READY) {
            return {Presence::silent, {}};
        }
    }
    return {Presence::gone, {}};
}

namespace {

// Its creator died before it wrote who the first process is. Whoever holds the socket is it, and is written down now; or
// it is what was launched and did not come so far, perhaps without whom it waits for: that is ended here, and gone.
Presence find_unwritten(const Descriptor& sandbox, const std::string& id) {
    const auto until = Clock::now() + start_limit;
    for (milliseconds patience{100};; patience *= 2) {
        const Asked asked = ask_first_process(sandbox, patience);
        if (asked.presence == Presence::answers) {
            // By now it may be anything, also a child that answers in its place to be ended in its place.
            const std::optional<pid_t> answering = first_in_namespace(asked.answer.pid);
            (void)note(sandbox, {asked.answer.busy, answering.value_or(asked.answer.pid)});
        }
        if (asked.presence != Presence::silent) {
            return asked.presence;
        }
        if (Clock::now() > until) {
            do_not_end();
        }
        for (const ProcessId& process : processes_started_with(launch_mark(id))) {
            const Descriptor handle = process.open();
            kill_through(handle);
            (void)wait_gone(handle, death_limit);
        }
    }
}

}  // namespace

Descriptor end_first_process(const Descriptor& sandbox, const std::string& id, const std::function<void()>& meanwhile) {
    Written written = read_note(sandbox);
    Descriptor first = written.first ? written.first->open() : Descriptor();
    if (!first && find_unwritten(sandbox, id) == Presence::answers) {
        written = read_note(sandbox);
        first = written.first ? written.first->open() : Descriptor();
    }
    Descriptor monitor = written.monitor ? written.monitor->open() : Descriptor();
    kill_through(first);
    meanwhile();
    if (!wait_gone(first, death_limit)) {
        do_not_end();
    }
    ::unlinkat(sandbox.get(), "socket", 0);
    ::unlinkat(sandbox.get(), "init", 0);
    return monitor;
}

void wait_for_monitor(const Descriptor& monitor) {
    if (!wait_gone(monitor, seconds{5})) {
        kill_through(monitor);
        (void)wait_gone(monitor, seconds{5});
    }
}

void stop_first_process(const Descriptor& sandbox, const std::string& id) {
    wait_for_monitor(end_first_process(sandbox, id, [] {}));
}

}  // namespace berth_local

// The first process of a stand-in's sandbox: starts what the stand-in asks for, says how it ended, sends signals. Static,
// so it runs in any root. Its one argument is the descriptor of its socket; when that ends, so does everything.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "agent_protocol.hpp"

namespace {

using standin::FrameHeader;
using standin::Report;

struct Frame {
    FrameHeader header{};
    std::array<int, 3> descriptors{-1, -1, -1};
    std::string texts;
};

/// What a child tells before its program runs, or cannot.
struct Failure {
    std::uint32_t kind;
    std::int32_t number;
};

bool receive_all(int from, char* into, std::size_t size) {
    while (size > 0) {
        const auto count = ::recv(from, into, size, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        into += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

bool receive_header(int from, Frame& frame) {
    std::array<char, CMSG_SPACE(sizeof frame.descriptors)> control{};
    iovec part{&frame.header, sizeof frame.header};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t count = 0;
    do {
        count = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    const auto* attached = CMSG_FIRSTHDR(&message);
    if (attached != nullptr && attached->cmsg_type == SCM_RIGHTS) {
        std::memcpy(frame.descriptors.data(), CMSG_DATA(attached), sizeof frame.descriptors);
    }
    const auto got = static_cast<std::size_t>(count);
    std::string rest(sizeof frame.header - got, '\0');
    if (!receive_all(from, rest.data(), rest.size())) return false;
    std::memcpy(reinterpret_cast<char*>(&frame.header) + got, rest.data(), rest.size());
    return true;
}

bool receive(int from, Frame& frame) {
    if (!receive_header(from, frame)) return false;
    frame.texts.resize(frame.header.length);
    return receive_all(from, frame.texts.data(), frame.texts.size());
}

void write_file(const char* path, const char* text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || ::write(file, text, std::strlen(text)) < 0) ::_exit(125);
    ::close(file);
}

/// A user namespace in which the same account is called root, with root's rights over this sandbox's files.
void become_root() {
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(125);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", "0 1000 1");
    write_file("/proc/self/uid_map", "0 1000 1");
}

[[noreturn]] void fail(int to, std::uint32_t kind) {
    const Failure failure{kind, errno};
    static_cast<void>(::write(to, &failure, sizeof failure));
    ::_exit(127);
}

/// Splits the texts of a start: directory, arguments, variables.
struct Words {
    explicit Words(Frame& frame) {
        auto* at = frame.texts.data();
        const auto* end = at + frame.texts.size();
        std::vector<char*> all;
        while (at < end) {
            all.push_back(at);
            at += std::strlen(at) + 1;
        }
        if (all.size() < 1 + frame.header.arguments) ::_exit(125);
        const auto first_variable = all.begin() + 1 + static_cast<std::ptrdiff_t>(frame.header.arguments);
        directory = all.front();
        arguments.assign(all.begin() + 1, first_variable);
        variables.assign(first_variable, all.end());
        arguments.push_back(nullptr);
        variables.push_back(nullptr);
    }
    char* directory = nullptr;
    std::vector<char*> arguments;
    std::vector<char*> variables;
};

[[noreturn]] void become_program(Frame& frame, int failure_end) {
    Words words(frame);
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int index = 0; index < 3; ++index) {
        ::dup2(frame.descriptors[static_cast<std::size_t>(index)], index);
    }
    if (frame.header.kind == FrameHeader::start_as_root) become_root();
    if (::chdir(words.directory) != 0) fail(failure_end, Report::no_directory);
    ::environ = words.variables.data();  // execvpe would look in our own PATH
    ::execvp(words.arguments[0], words.arguments.data());
    fail(failure_end, Report::no_program);
}

class Agent {
public:
    explicit Agent(int socket) : socket_(socket) {
        sigset_t child;
        ::sigemptyset(&child);
        ::sigaddset(&child, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &child, nullptr);
        ended_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    }

    void run() {
        std::array<pollfd, 2> waits{pollfd{socket_, POLLIN, 0}, pollfd{ended_, POLLIN, 0}};
        while (true) {
            if (::poll(waits.data(), waits.size(), -1) < 0) continue;
            if (waits[1].revents != 0) reap();
            if (waits[0].revents != 0 && !obey()) return;
        }
    }

private:
    void say(const Report& report) const { static_cast<void>(::send(socket_, &report, sizeof report, MSG_NOSIGNAL)); }

    bool obey() {
        Frame frame;
        if (!receive(socket_, frame)) return false;
        switch (frame.header.kind) {
            case FrameHeader::start:
            case FrameHeader::start_as_root:
                start(frame);
                break;
            default:
                signal(frame);
                break;
        }
        for (const int descriptor : frame.descriptors) {
            if (descriptor >= 0) ::close(descriptor);
        }
        return true;
    }

    void start(Frame& frame) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
        const auto child = ::fork();
        if (child == 0) become_program(frame, ends[1]);
        ::close(ends[1]);
        Failure failure{};
        const bool failed = child < 0 || ::read(ends[0], &failure, sizeof failure) == sizeof failure;
        ::close(ends[0]);
        if (failed) {
            say({child < 0 ? std::uint32_t{Report::no_program} : failure.kind, frame.header.number,
                 child < 0 ? EAGAIN : failure.number, 0});
            return;
        }
        numbers_[child] = frame.header.number;
        say({Report::started, frame.header.number, 0, 0});
    }

    void signal(const Frame& frame) const {
        for (const auto& [process, number] : numbers_) {
            if (number != frame.header.number) continue;
            const bool group = frame.header.kind == FrameHeader::signal_group;
            ::kill(group ? -process : process, static_cast<int>(frame.header.arguments));
        }
    }

    void reap() {
        signalfd_siginfo ignored{};
        while (::read(ended_, &ignored, sizeof ignored) > 0) {
        }
        int status = 0;
        rusage usage{};
        pid_t process = 0;
        while ((process = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
            const auto known = numbers_.find(process);
            if (known == numbers_.end()) continue;  // an orphan, or one whose program did not start
            const auto milliseconds = [](const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; };
            say({Report::ended, known->second, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                 static_cast<std::uint32_t>(milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime))});
            numbers_.erase(known);
        }
    }

    int socket_;
    int ended_ = -1;
    std::map<pid_t, std::uint32_t> numbers_;
};

}  // namespace

int main(int count, char** words) {
    if (count != 2) return 2;
    const int socket = std::atoi(words[1]);
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    Agent(socket).run();
    return 0;
}

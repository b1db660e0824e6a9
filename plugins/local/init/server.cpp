// See server.hpp: the loop, its connections, and what they ask for. What becomes of runs is in server_runs.cpp.
#include "server.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "files.hpp"
#include "places.hpp"
#include "usage.hpp"

namespace berth_init {
namespace {

void send_all(int descriptor, const Buffer& buffer) {
    if (!buffer.failed()) {
        send(descriptor, buffer.data(), buffer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

// Keeps what came along, as far as it may be a request's, and nothing else.
void keep_passed(Connection& connection, msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
            std::uint32_t place = 0;
            while (place < protocol::most_groups && connection.passed[place] >= 0) {
                ++place;
            }
            if (place < protocol::most_groups && connection.run == nullptr) {
                connection.passed[place] = number;
            } else {
                close(number);
            }
        }
    }
}

ssize_t receive(Connection& connection, void* to, std::size_t size) {
    alignas(cmsghdr) char control[CMSG_SPACE(protocol::most_groups * sizeof(int))];
    iovec part{to, size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t result = recvmsg(connection.descriptor, &message, MSG_CMSG_CLOEXEC);
    if (result >= 0) {
        keep_passed(connection, message);
    }
    return result;
}

}  // namespace

bool Server::start(int listener) {
    listener_.descriptor = listener;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_SETMASK, &child, nullptr);
    signals_.descriptor = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    notify_.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    void* const shared =
        mmap(nullptr, max_file_servers * sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    transferring_ = static_cast<bool*>(shared);
    return shared != MAP_FAILED && reserve_places() && signals_.descriptor >= 0 && notify_.descriptor >= 0 &&
           epoll_ >= 0 && watch(listener_, EPOLLIN) && watch(signals_, EPOLLIN) && watch(notify_, EPOLLIN);
}

void Server::serve() {
    for (;;) {
        epoll_event events[most_events];
        const int count = epoll_wait(epoll_, events, most_events, wait_ms(monotonic_ns()));
        bool child_died = false;
        bool timer_spoke = false;
        for (int i = 0; i < count; ++i) {
            auto* source = static_cast<Source*>(events[i].data.ptr);
            switch (source->kind) {
                case Source::Kind::listener:
                    accept_some();
                    break;
                case Source::Kind::signals:
                    child_died = true;
                    break;
                case Source::Kind::notify: {
                    std::uint64_t value = 0;
                    [[maybe_unused]] const ssize_t size = read(notify_.descriptor, &value, sizeof value);
                    break;
                }
                case Source::Kind::lifetime:
                    timer_spoke = true;
                    break;
                case Source::Kind::connection:
                    read_some(*static_cast<Connection*>(source));
                    break;
                case Source::Kind::drain:
                    drain(*static_cast<Drain*>(source));
                    break;
            }
        }
        if (child_died) {
            reap_all();
        }
        if (timer_spoke && lifetime_.over(busy() > 0)) {
            lifetime_.end();
        }
        const std::int64_t now = monotonic_ns();
        if (reach_.lost(now)) {
            _exit(0);
        }
        look_at_runs(now);
        forget_finished_runs();
    }
}

bool Server::watch(Source& source, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &source;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, source.descriptor, &event) == 0;
}

// Always before a close: a child between vfork and exec may hold the same file, and its events would outlive ours.
void Server::unwatch(const Source& source) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, source.descriptor, nullptr);
}

// No descriptor is left for whoever waits. The spare one is given up for a moment to take the caller and hang up; where
// even that is gone, a pause keeps the loop from turning for nothing.
void Server::refuse_caller() {
    constexpr int pause_ms = 10;
    if (spare_ >= 0) {
        close(spare_);
        close(accept(listener_.descriptor, nullptr, nullptr));
    }
    spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (spare_ < 0) {
        poll(nullptr, 0, pause_ms);
    }
}

void Server::accept_some() {
    for (int taken = 0; taken < most_accepted; ++taken) {
        const int descriptor = accept4(listener_.descriptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                refuse_caller();
            }
            return;
        }
        auto* connection = new (std::nothrow) Connection;
        if (connection == nullptr) {
            close(descriptor);
            continue;
        }
        connection->kind = Source::Kind::connection;
        connection->descriptor = descriptor;
        if (!watch(*connection, EPOLLIN | EPOLLRDHUP)) {
            close(descriptor);
            delete connection;
            continue;
        }
        read_some(*connection);
    }
}

// --- children

void Server::reap_all() {
    signalfd_siginfo ignored{};
    while (read(signals_.descriptor, &ignored, sizeof ignored) > 0) {
    }
    for (;;) {
        int status = 0;
        const pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED | __WALL);
        if (pid <= 0) {
            return;
        }
        WIFSTOPPED(status) ? wake(pid) : reaped(pid, status);
    }
}

// --- connections

void Server::read_some(Connection& connection) {
    for (;;) {
        ssize_t size = 0;
        if (connection.received < sizeof connection.header) {
            auto* header = reinterpret_cast<char*>(&connection.header);
            size = receive(connection, header + connection.received, sizeof connection.header - connection.received);
        } else {
            const std::size_t done = connection.received - sizeof connection.header;
            size = receive(connection, connection.payload.data() + done, connection.header.size - done);
        }
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (size <= 0) {
            close_connection(connection);
            return;
        }
        connection.received += static_cast<std::size_t>(size);
        if (connection.received == sizeof connection.header) {
            const std::uint32_t limit = connection.run == nullptr ? protocol::max_request : 64;
            if (connection.header.size > limit || !connection.payload.resize(connection.header.size)) {
                close_connection(connection);
                return;
            }
        }
        if (connection.received >= sizeof connection.header &&
            connection.received == sizeof connection.header + connection.header.size) {
            connection.received = 0;
            if (!complete(connection)) {
                close_connection(connection);
                return;
            }
        }
    }
}

// A whole frame is here. False: the connection is to be closed.
bool Server::complete(Connection& connection) {
    return connection.run == nullptr ? begin_request(connection) : command_run(connection);
}

bool Server::begin_request(Connection& connection) {
    switch (static_cast<protocol::Type>(connection.header.type)) {
        case protocol::Type::live:
            lifetime_.begin_idle_time();
            return answer_ping(connection);
        case protocol::Type::ping:
            return answer_ping(connection);
        case protocol::Type::usage:
            return answer_usage(connection);
        case protocol::Type::attend:
            return true;
        case protocol::Type::run:
            lifetime_.used();
            return begin_run(connection);
        case protocol::Type::files_in:
        case protocol::Type::files_out:
            lifetime_.used();
            return serve_files(connection);
        default:
            return false;
    }
}

bool Server::begin_run(Connection& connection) {
    auto* run = new (std::nothrow) Run;
    if (run == nullptr) {
        return false;
    }
    run->connection = connection.descriptor;
    run->notify = notify_.descriptor;
    run->text.take(connection.payload);
    if (!parse_run(*run)) {
        run->stage.store(static_cast<int>(protocol::Stage::request));
        run->error.store(EPROTO);
    } else if (!take_groups(connection, *run)) {
        run->stage.store(static_cast<int>(protocol::Stage::group));
        run->error.store(EMFILE);  // what the kernel could not give us is lost
    }
    if (run->stage.load() != 0 || !start_run(*run)) {
        tell_failed(*run);
        delete run;
        return false;
    }
    connection.run = run;
    run->next = runs_;
    runs_ = run;
    return true;
}

// False: it is to join more groups than came.
bool Server::take_groups(Connection& connection, Run& run) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < protocol::most_groups; ++i) {
        run.groups[i] = connection.passed[i];
        connection.passed[i] = -1;
        count += run.groups[i] >= 0 ? 1 : 0;
    }
    return count == run.flags >> protocol::run_groups_shift;
}

bool Server::command_run(Connection& connection) {
    Run& run = *connection.run;
    protocol::Reader reader({connection.payload.data(), connection.payload.size()});
    switch (static_cast<protocol::Type>(connection.header.type)) {
        case protocol::Type::signal: {
            const std::uint32_t number = reader.u32();
            if (!reader.finished() || number == 0 || number > 64) {
                return false;
            }
            if (number == SIGKILL) {
                begin_ladder(run, protocol::Cause::killed, 0);
            } else {
                signal_run(run, static_cast<int>(number));
            }
            return true;
        }
        case protocol::Type::ladder: {
            const std::uint32_t cause = reader.u32();
            const std::int64_t grace = reader.i64();
            if (!reader.finished() || cause > 3 || grace < 0 || grace > 1'000LL * 3600 * 24) {
                return false;
            }
            begin_ladder(run, static_cast<protocol::Cause>(cause), grace);
            return true;
        }
        case protocol::Type::leave:
            run.left = true;
            return true;
        default:
            return false;
    }
}

bool Server::serve_files(Connection& connection) {
    const std::uint32_t slot = free_slot();
    if (slot == max_file_servers) {
        return false;
    }
    transferring_[slot] = true;
    const pid_t pid = fork();
    if (pid == 0) {
        const auto type = static_cast<protocol::Type>(connection.header.type);
        // Nothing of process 1 but this one connection stays open here, so that everybody sees the ends of theirs.
        dup2(connection.descriptor, 3);
        close_range(4, ~0U, 0);
        serve_file_connection(3, type, {connection.payload.data(), connection.payload.size()}, transferring_[slot]);
    }
    if (pid > 0) {
        file_servers_[slot] = pid;
    }
    return false;  // the child's alone now, or refused
}

bool Server::answer_ping(Connection& connection) {
    Buffer answer;
    protocol::Writer frame(answer, protocol::Type::pong);
    frame.u32(protocol::version).u32(busy()).finish();
    send_all(connection.descriptor, answer);
    return false;
}

bool Server::answer_usage(Connection& connection) {
    Buffer answer;
    write_usage(answer, runs_);
    send_all(connection.descriptor, answer);
    return false;
}

void Server::close_connection(Connection& connection) {
    unwatch(connection);
    if (connection.run != nullptr) {
        lifetime_.used();
        // The run goes on without a listener; its anchor may still report, so the descriptor stays until its end.
        Run& run = *connection.run;
        run.host_gone = true;
        constexpr std::uint32_t dialogue = protocol::run_terminal | protocol::run_stdin;
        if ((run.flags & dialogue) == dialogue && !run.left && !run.main_ended.load()) {
            close_end(run.outputs[0]);  // whoever typed died: the terminal is hung up, as when its window is closed
        }
        drain_outputs(run);
    } else {
        close(connection.descriptor);
    }
    for (int& passed : connection.passed) {
        close_end(passed);
    }
    delete &connection;
}

}  // namespace berth_init

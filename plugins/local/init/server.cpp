// See server.hpp.
#include "server.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "files.hpp"
#include "usage.hpp"

namespace berth_init {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t first_retry = 5 * millisecond;

void send_all(int descriptor, const Buffer& buffer) {
    if (!buffer.failed()) {
        send(descriptor, buffer.data(), buffer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

}  // namespace

bool Server::start(int listener) {
    listener_.descriptor = listener;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, nullptr);
    signals_.descriptor = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    notify_.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    void* const shared =
        mmap(nullptr, max_file_servers * sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    transferring_ = static_cast<bool*>(shared);
    return shared != MAP_FAILED && signals_.descriptor >= 0 && notify_.descriptor >= 0 && epoll_ >= 0 &&
           watch(listener_, EPOLLIN) && watch(signals_, EPOLLIN) && watch(notify_, EPOLLIN);
}

void Server::serve() {
    for (;;) {
        epoll_event events[32];
        const int count = epoll_wait(epoll_, events, 32, wait_ms(monotonic_ns()));
        bool child_died = false;
        for (int i = 0; i < count; ++i) {
            auto* source = static_cast<Source*>(events[i].data.ptr);
            switch (source->kind) {
                case Source::Kind::listener:
                    accept_all();
                    break;
                case Source::Kind::signals:
                    child_died = true;
                    break;
                case Source::Kind::notify: {
                    std::uint64_t value = 0;
                    [[maybe_unused]] const ssize_t size = read(notify_.descriptor, &value, sizeof value);
                    break;
                }
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
        look_at_runs(monotonic_ns());
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

void Server::accept_all() {
    for (;;) {
        const int descriptor = accept4(listener_.descriptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0) {
            if ((errno == EMFILE || errno == ENFILE) && spare_ >= 0) {
                close(spare_);
                close(accept(listener_.descriptor, nullptr, nullptr));
                spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
                continue;
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
        const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid <= 0) {
            return;
        }
        reaped(pid, status);
    }
}

void Server::reaped(pid_t pid, int status) {
    for (Run* run = runs_; run != nullptr; run = run->next) {
        if (run->anchor == pid && run->anchor_lives) {
            run->anchor_lives = false;
            if (!run->end_told.load() && run->stage.load() == 0 && run->main.load() == 0) {
                // Something killed the anchor before it had started anything.
                run->error.store(ECHILD);
                run->stage.store(static_cast<int>(protocol::Stage::resources));
            } else if (!run->main_ended.load() && run->stage.load() == 0) {
                recover_end(*run);
            }
            return;
        }
        if (run->main.load() == pid && !run->main_ended.load()) {
            // Its anchor was killed, so it became ours.
            run->status.store(status);
            run->ended_at.store(monotonic_ns());
            run->main_ended.store(true);
            return;
        }
    }
    for (pid_t& server : file_servers_) {
        if (server == pid) {
            server = 0;
            return;
        }
    }
}

// --- connections

void Server::read_some(Connection& connection) {
    for (;;) {
        ssize_t size = 0;
        if (connection.received < sizeof connection.header) {
            auto* header = reinterpret_cast<char*>(&connection.header);
            size = recv(connection.descriptor, header + connection.received,
                        sizeof connection.header - connection.received, 0);
        } else {
            const std::size_t done = connection.received - sizeof connection.header;
            size = recv(connection.descriptor, connection.payload.data() + done, connection.header.size - done, 0);
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
        case protocol::Type::ping:
            return answer_ping(connection);
        case protocol::Type::usage:
            return answer_usage(connection);
        case protocol::Type::run:
            return begin_run(connection);
        case protocol::Type::files_in:
        case protocol::Type::files_out:
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
        default:
            return false;
    }
}

std::uint32_t Server::free_slot() const {
    std::uint32_t slot = 0;
    while (slot < max_file_servers && file_servers_[slot] != 0) {
        ++slot;
    }
    return slot;
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
        // The run goes on without a listener; its anchor may still report, so the descriptor stays until its end.
        connection.run->host_gone = true;
        drain_outputs(*connection.run);
    } else {
        close(connection.descriptor);
    }
    delete &connection;
}

// --- runs

void Server::begin_ladder(Run& run, protocol::Cause cause, std::int64_t grace_ms) {
    const std::int64_t now = monotonic_ns();
    if (run.cause.load() == 0) {
        run.cause.store(static_cast<std::uint32_t>(cause));
    }
    run.wait_for_tree.store(true);
    const std::int64_t deadline = now + grace_ms * millisecond;
    if (run.phase == Run::Phase::running) {
        run.phase = grace_ms == 0 ? Run::Phase::killing : Run::Phase::asked_to_end;
        run.deadline = deadline;
        run.retry = first_retry;
        run.asked = false;
    } else if (deadline < run.deadline) {
        run.deadline = deadline;
    }
    look_at(run, now);
}

void Server::look_at_runs(std::int64_t now) {
    for (Run* run = runs_; run != nullptr; run = run->next) {
        look_at(*run, now);
    }
}

void Server::look_at(Run& run, std::int64_t now) {
    if (run.stage.load() != 0 || (run.main_ended.load() && !run.anchor_lives)) {
        // Nothing of it is left to end; an anchor that was killed could not say so itself.
        if (!run.anchor_lives && !run.end_told.load()) {
            run.stage.load() != 0 ? tell_failed(run) : tell_ended(run);
        }
        run.deadline = 0;
        return;
    }
    if (run.main_ended.load() && run.phase == Run::Phase::running) {
        if (!run.wait_for_tree.load()) {
            run.deadline = 0;  // what it left in the background goes on
            return;
        }
        run.phase = Run::Phase::killing;
        run.retry = first_retry;
        run.deadline = now;
    }
    if (run.main.load() == 0) {
        return;  // still between clone and exec; its deadline is looked at again
    }
    if (run.phase == Run::Phase::asked_to_end && !run.asked) {
        run.asked = true;
        signal_run(run, SIGTERM);
    }
    if (run.deadline == 0 || now < run.deadline) {
        return;
    }
    if (run.phase == Run::Phase::running) {
        begin_ladder(run, protocol::Cause::timeout, run.grace_ms);
        return;
    }
    run.phase = Run::Phase::killing;
    kill_tree(run);
    run.deadline = now + run.retry;
    run.retry = run.retry < 500 * millisecond ? 2 * run.retry : run.retry;
}

void Server::drain_outputs(Run& run) {
    for (int& output : run.outputs) {
        if (output < 0) {
            continue;
        }
        auto* drain = new (std::nothrow) Drain;
        if (drain == nullptr) {
            continue;  // it stays open with the run
        }
        drain->kind = Source::Kind::drain;
        drain->descriptor = output;
        fcntl(output, F_SETFL, O_NONBLOCK);
        output = -1;
        if (!watch(*drain, EPOLLIN)) {
            close(drain->descriptor);
            delete drain;
        }
    }
}

void Server::drain(Drain& drain) {
    static char scratch[64U << 10];
    const ssize_t size = read(drain.descriptor, scratch, sizeof scratch);
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }
    unwatch(drain);
    close(drain.descriptor);
    delete &drain;
}

void Server::forget_finished_runs() {
    Run** link = &runs_;
    while (*link != nullptr) {
        Run* run = *link;
        // A main process that died with its anchor, unseen: nobody can say how. The cut connection says so.
        const bool lost = !run->anchor_lives && !run->end_told.load() && kill(run->main.load(), 0) != 0;
        if (lost) {
            shutdown(run->connection, SHUT_RDWR);
        }
        if (run->host_gone && !run->anchor_lives && (run->end_told.load() || lost)) {
            *link = run->next;
            close(run->connection);
            delete run;
        } else {
            link = &run->next;
        }
    }
}

int Server::wait_ms(std::int64_t now) const {
    std::int64_t nearest = -1;
    for (const Run* run = runs_; run != nullptr; run = run->next) {
        std::int64_t deadline = run->deadline;
        if (run->phase != Run::Phase::running && run->main.load() == 0 && run->stage.load() == 0) {
            deadline = now + first_retry;  // asked to end before it had begun
        }
        if (deadline != 0 && (nearest < 0 || deadline < nearest)) {
            nearest = deadline;
        }
    }
    if (nearest < 0) {
        return -1;
    }
    const std::int64_t left = (nearest - now + millisecond - 1) / millisecond;
    return left < 0 ? 0 : left > 60'000 ? 60'000 : static_cast<int>(left);
}

std::uint32_t Server::busy() const {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < max_file_servers; ++slot) {
        count += file_servers_[slot] != 0 && transferring_[slot] ? 1 : 0;
    }
    for (const Run* run = runs_; run != nullptr; run = run->next) {
        count += run->main_ended.load() || run->stage.load() != 0 ? 0 : 1;
    }
    return count;
}

}  // namespace berth_init

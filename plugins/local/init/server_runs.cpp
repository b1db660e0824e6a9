// See server.hpp: runs from their first request to their last output, and the reaping of everybody.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <new>

#include "server.hpp"

namespace berth_init {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t first_retry = 5 * millisecond;

}  // namespace

bool Server::limit_lifetime(int note, std::int64_t life_ms, std::int64_t idle_ms) {
    if (!lifetime_.start(note, life_ms, idle_ms)) {
        return false;
    }
    timer_.descriptor = lifetime_.descriptor();
    return watch(timer_, EPOLLIN);
}

void Server::reaped(pid_t pid, int status) {
    for (Run* run = runs_; run != nullptr; run = run->next) {
        if (run->anchor == pid && run->anchor_lives) {
            lifetime_.used();
            run->anchor_lives = false;
            take_over(*run);
            return;
        }
        if ((run->main.load() == pid || run->child.load() == pid) && !run->main_ended.load()) {
            // Its anchor was killed, perhaps before it had said who the main process is, so it became ours.
            run->main.store(pid);
            run->status.store(status);
            run->ended_at.store(monotonic_ns());
            run->main_ended.store(true);
            return;
        }
    }
    for (pid_t& server : file_servers_) {
        if (server == pid) {
            lifetime_.used();
            server = 0;
            return;
        }
    }
}

// Something inside stopped a child of ours. Anchors and file servers are not to be held up: somebody waits for their word.
void Server::wake(pid_t pid) const {
    bool ours = false;
    for (const Run* run = runs_; run != nullptr; run = run->next) {
        ours = ours || (run->anchor == pid && run->anchor_lives);
    }
    for (const pid_t server : file_servers_) {
        ours = ours || server == pid;
    }
    if (ours) {
        kill(pid, SIGCONT);
    }
}

// Something killed the anchor. What it has not done is ours to do now.
void Server::take_over(Run& run) {
    if (run.end_told.load() || run.stage.load() != 0) {
        return;
    }
    if (run.main.load() == 0) {
        if (run.child.load() == 0) {  // nothing was started
            run.error.store(ECHILD);
            run.stage.store(static_cast<int>(protocol::Stage::resources));
            return;
        }
        run.main.store(run.child.load());
    }
    // Perhaps it was killed between saying and noting it: the plugin overhears a second time.
    if (!run.started_told.load()) {
        tell_started(run);
    }
    if (!run.main_ended.load()) {
        recover_end(run);
    }
}

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
    if (run.main.load() == 0 && now < run.deadline && run.phase != Run::Phase::killing) {
        return;  // still between clone and exec: too early to be asked, not to be killed when it hangs there
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
    std::int64_t nearest = reach_.next_look();
    for (const Run* run = runs_; run != nullptr; run = run->next) {
        std::int64_t deadline = run->deadline;
        if (run->phase != Run::Phase::running && run->main.load() == 0 && run->stage.load() == 0) {
            deadline = now + first_retry;  // asked to end before it had begun
        }
        if (deadline != 0 && deadline < nearest) {
            nearest = deadline;
        }
    }
    const std::int64_t left = (nearest - now + millisecond - 1) / millisecond;
    return left < 0 ? 0 : left > 60'000 ? 60'000 : static_cast<int>(left);
}

std::uint32_t Server::free_slot() const {
    std::uint32_t slot = 0;
    while (slot < max_file_servers && file_servers_[slot] != 0) {
        ++slot;
    }
    return slot;
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

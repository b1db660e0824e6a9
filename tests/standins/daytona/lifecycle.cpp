// How states follow each other: a thread that looks at the stand-in's time, and what happens when a state begins.
#include <algorithm>
#include <iostream>

#include "world.hpp"

namespace standin::daytona {

namespace {

constexpr Milliseconds minute = 60000;
constexpr Milliseconds longest_wait = 30000;
constexpr Milliseconds never = Milliseconds{1} << 60U;

}  // namespace

void World::go(Sandbox& sandbox, std::deque<std::string> states, const std::string& desired) {
    sandbox.state = states.front();
    states.pop_front();
    sandbox.next = std::move(states);
    sandbox.desired_state = desired;
    sandbox.due = now() + behaviour.step_ms;
    sandbox.updated_at = now();
    wake();
}

void World::await_settled(Lock& lock, const std::shared_ptr<Sandbox>& sandbox) {
    if (behaviour.answers != "late") return;
    const auto until = now() + longest_wait;
    while (!sandbox->next.empty() && now() < until && !ending_) {
        changed.wait_for(lock, std::chrono::milliseconds(until - now()));
    }
}

void World::shut_down(Lock& lock, const std::shared_ptr<Sandbox>& sandbox) {
    const auto machine = std::exchange(sandbox->machine, nullptr);
    sandbox->shells.clear();
    sandbox->daemon_environment.clear();
    if (!machine) return;
    lock.unlock();
    machine->stop();
    lock.lock();
}

void World::fail(Sandbox& sandbox, const std::string& state, const std::string& why) const {
    sandbox.state = state;
    sandbox.error_reason = why;
    sandbox.recoverable = state == "error" && behaviour.recoverable;
    sandbox.next.clear();
}

void World::start_machine(Sandbox& sandbox) {
    if (sandbox.machine) return;
    if (behaviour.failing_starts > 0) {
        --behaviour.failing_starts;
        fail(sandbox, "error", behaviour.error_reason);
        return;
    }
    try {
        if (sandbox.disk.empty()) {
            const auto disk = directory_ / sandbox.id;
            if (sandbox.source.empty()) {
                make_root(disk, {sandbox.user, "/home/" + sandbox.user});
            } else {
                copy_tree(sandbox.source, disk);
            }
            sandbox.disk = disk;
        }
        sandbox.machine = std::make_shared<Machine>(sandbox.disk);
    } catch (const std::exception& failure) {
        std::cerr << "the stand-in cannot start a sandbox: " << failure.what() << std::endl;
        fail(sandbox, "error", failure.what());
        return;
    }
    sandbox.late_answers = behaviour.late_toolbox;
    sandbox.entrypoint_log = behaviour.entrypoint;
    sandbox.preview_token = new_id();
    sandbox.last_activity = now();
}

void World::take_snapshot(Sandbox& sandbox) {
    const auto name = std::exchange(sandbox.snapshot_to_take, "");
    // A failure, also a name that is taken, shows nowhere.
    if (behaviour.silent_snapshot_failures > 0) {
        --behaviour.silent_snapshot_failures;
        return;
    }
    if (find_snapshot(name) != nullptr) return;
    Snapshot snapshot;
    snapshot.id = new_id();
    snapshot.name = name;
    snapshot.source_sandbox = sandbox.id;
    snapshot.cpu = sandbox.cpu;
    snapshot.memory = sandbox.memory;
    snapshot.disk_size = sandbox.disk_size;
    snapshot.created_at = snapshot.updated_at = now();
    snapshot.disk = directory_ / ("snapshot-" + snapshot.id);
    copy_tree(sandbox.disk, snapshot.disk);
    snapshots[snapshot.id] = snapshot;
}

void World::enter(Lock& lock, const std::shared_ptr<Sandbox>& sandbox) {
    if (sandbox->state == "snapshotting") take_snapshot(*sandbox);
    const auto state = sandbox->next.front();
    sandbox->next.pop_front();
    if (state == "building_snapshot" && behaviour.failing_builds > 0) {
        --behaviour.failing_builds;
        fail(*sandbox, "build_failed", behaviour.error_reason);
        return;
    }
    if (state == "stopped" || state == "destroyed" || state == "paused") shut_down(lock, sandbox);
    if (state == "started") start_machine(*sandbox);
    if (sandbox->state == "error" && state == "started") return;
    sandbox->state = state;
    sandbox->due = now() + behaviour.step_ms;
    sandbox->updated_at = sandbox->settled_at = now();
    if (state == "stopped" && sandbox->auto_delete == 0) go(*sandbox, {"destroying", "destroyed"}, "destroyed");
    if (state != "destroyed") return;
    if (!sandbox->disk.empty()) remove_tree(std::exchange(sandbox->disk, {}));
    sandboxes.erase(sandbox->id);
}

void World::meet_intervals(Sandbox& sandbox) {
    if (!sandbox.next.empty()) return;
    const auto time = now();
    const auto over = [&](std::int64_t minutes, Milliseconds since) {
        return minutes > 0 && time >= since + minutes * minute;
    };
    if (over(sandbox.ttl, sandbox.created_at)) {
        go(sandbox, {"destroying", "destroyed"}, "destroyed");
    } else if (sandbox.state == "started" && over(sandbox.auto_stop, sandbox.last_activity)) {
        go(sandbox, {"stopping", "stopped"}, "stopped");
    } else if (sandbox.state == "stopped" && over(sandbox.auto_delete, sandbox.settled_at)) {
        go(sandbox, {"destroying", "destroyed"}, "destroyed");
    } else if (sandbox.state == "stopped" && over(sandbox.auto_archive, sandbox.settled_at)) {
        go(sandbox, {"archiving", "archived"}, "archived");
    }
}

Milliseconds World::deadline_of(const Sandbox& sandbox) const {
    if (!sandbox.next.empty()) return behaviour.holds.contains(sandbox.state) ? never : sandbox.due;
    auto next = never;
    const auto consider = [&](std::int64_t minutes, Milliseconds since) {
        if (minutes > 0) next = std::min(next, since + minutes * minute);
    };
    consider(sandbox.ttl, sandbox.created_at);
    if (sandbox.state == "started") consider(sandbox.auto_stop, sandbox.last_activity);
    if (sandbox.state == "stopped") {
        consider(sandbox.auto_delete, sandbox.settled_at);
        consider(sandbox.auto_archive, sandbox.settled_at);
    }
    return next;
}

Milliseconds World::next_deadline() const {
    auto next = now() + 3600 * 1000;
    for (const auto& [id, sandbox] : sandboxes) {
        next = std::min(next, deadline_of(*sandbox));
    }
    for (const auto& [id, snapshot] : snapshots) {
        if (snapshot.due != 0) next = std::min(next, snapshot.due);
    }
    return next;
}

bool World::meet_deadlines(Lock& lock) {
    for (auto& [id, snapshot] : snapshots) {
        if (snapshot.due == 0 || now() < snapshot.due || behaviour.holds.contains(snapshot.state)) continue;
        snapshot.due = 0;
        snapshot.updated_at = now();
        if (snapshot.state == "removing") {
            if (!snapshot.disk.empty()) remove_tree(snapshot.disk);
            snapshots.erase(id);
            return true;
        }
        snapshot.state = snapshot.error_reason.empty() ? "active" : "build_failed";
        changed.notify_all();
    }
    const auto all = sandboxes;
    for (const auto& [id, sandbox] : all) {
        if (now() < deadline_of(*sandbox)) continue;
        if (sandbox->next.empty()) {
            meet_intervals(*sandbox);
        } else {
            enter(lock, sandbox);
        }
        changed.notify_all();
        return true;
    }
    return false;
}

void World::keep_time() {
    Lock lock(mutex);
    while (!ending_) {
        if (meet_deadlines(lock)) continue;
        const auto wait = std::clamp<Milliseconds>(next_deadline() - now(), 1, 3600 * 1000);
        changed.wait_for(lock, std::chrono::milliseconds(wait));
    }
}

}  // namespace standin::daytona

#include "world.hpp"

#include <algorithm>
#include <csignal>
#include <random>

namespace standin::vercel {

World::World(Clock& clock, std::filesystem::path directory) : clock_(clock), directory_(std::move(directory)) {
    time_keeper_ = std::thread([this] { keep_time(); });
}

World::~World() {
    end();
    time_keeper_.join();
    threads_.join();
    std::vector<std::filesystem::path> disks;
    for (const auto& [id, session] : sessions) {
        if (session->machine) session->machine->stop();
        if (!session->disk.empty()) disks.push_back(session->disk);
    }
    for (const auto& [id, snapshot] : snapshots) {
        if (!snapshot.disk.empty()) disks.push_back(snapshot.disk);
    }
    threads_.join();
    for (const auto& disk : disks) {
        remove_tree(disk);
    }
}

void World::end() {
    std::vector<std::shared_ptr<Machine>> machines;
    {
        const std::lock_guard lock(mutex);
        ending_ = true;
        for (const auto& [id, session] : sessions) {
            if (session->machine) machines.push_back(session->machine);
        }
    }
    changed.notify_all();
    for (const auto& machine : machines) {
        machine->stop();
    }
}

std::string World::new_id(const std::string& prefix) {
    static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device random;
    std::uniform_int_distribution<std::size_t> choose(0, letters.size() - 1);
    std::string id = prefix;
    for (int count = 0; count < 24; ++count) {
        id.push_back(letters[choose(random)]);
    }
    return id;
}

Sandbox& World::sandbox(const std::string& name) {
    const auto found = sandboxes.find(name);
    if (found == sandboxes.end()) throw Refusal(404, "not_found", "Sandbox " + name + " not found.");
    return found->second;
}

std::shared_ptr<Session> World::session(const std::string& id) {
    const auto found = sessions.find(id);
    if (found == sessions.end()) throw Refusal(404, "not_found", "Session " + id + " not found.");
    return found->second;
}

Snapshot& World::snapshot(const std::string& id) {
    const auto found = snapshots.find(id);
    if (found == snapshots.end()) throw Refusal(404, "not_found", "Snapshot " + id + " not found.");
    return found->second;
}

std::shared_ptr<Session> World::usable_session(Lock& lock, const std::string& id) {
    auto found = session(id);
    changed.wait(lock, [&] { return found->status != Status::pending || ending_; });
    switch (found->status) {
        case Status::running:
            break;
        case Status::stopping:
            throw Refusal(422, "sandbox_stopping", "Sandbox is stopping.");
        case Status::snapshotting:
            throw Refusal(422, "sandbox_snapshotting", "Sandbox is being snapshotted.");
        default:
            throw Refusal(410, "sandbox_stopped", "Sandbox has stopped execution and is no longer available.");
    }
    if (ending_) throw Refusal(503, "internal_server_error", "The stand-in ends.");
    return found;
}

void World::touch(Sandbox& sandbox) {
    sandbox.updated_at = now();
}

void World::remove_snapshot(Snapshot& snapshot) {
    snapshot.status = "deleted";
    snapshot.updated_at = now();
    if (!snapshot.disk.empty()) remove_tree(snapshot.disk);
    snapshot.disk.clear();
}

void World::hold(Lock& lock, const std::string& place) {
    changed.wait(lock, [&] { return !behaviour.holds.contains(place) || ending_; });
}

Milliseconds World::next_deadline() {
    auto next = now() + 3600 * 1000;
    for (const auto& [id, session] : sessions) {
        if (session->status != Status::running) continue;
        next = std::min(next, session->deadline());
        for (const auto& command : session->commands) {
            if (command->state == Command::State::running && command->deadline)
                next = std::min(next, *command->deadline);
        }
    }
    for (const auto& [id, snapshot] : snapshots) {
        if (snapshot.status == "created" && snapshot.expires_at()) next = std::min(next, *snapshot.expires_at());
    }
    return next;
}

void World::meet_deadlines() {
    const auto time = now();
    for (const auto& [id, session] : sessions) {
        if (session->status != Status::running) continue;
        for (const auto& command : session->commands) {
            if (command->state != Command::State::running || !command->deadline || *command->deadline > time) continue;
            session->machine->signal_group(command->process, SIGKILL);
            command->deadline.reset();
        }
        if (session->deadline() > time) continue;
        begin_end(*session, Ending::stop);
        threads_.start([this, session = session] {
            Lock lock(mutex);
            finish(lock, session, Ending::stop);
        });
    }
    for (auto& [id, snapshot] : snapshots) {
        if (snapshot.status == "created" && snapshot.expires_at().value_or(time + 1) <= time) remove_snapshot(snapshot);
    }
}

void World::keep_time() {
    Lock lock(mutex);
    while (!ending_) {
        meet_deadlines();
        const auto pause = std::max<Milliseconds>(1, next_deadline() - now());
        changed.wait_for(lock, std::chrono::milliseconds(pause));
    }
}

}  // namespace standin::vercel

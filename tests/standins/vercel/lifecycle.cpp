// How sessions begin and end, and what becomes of their disks.
#include <algorithm>
#include <iostream>

#include "world.hpp"

namespace standin::vercel {

namespace {

/// Vercel's default on v2 and v3: 30 days after the last use.
/// For machines that have none: enough of it for a package without dependencies.
constexpr const char* npm = R"SH(#!/bin/sh
# npm as the stand-in has it where there is no other.
[ "$1" = install ] && [ -f package.json ] || { echo 'the stand-in has no npm but: npm install, beside a package.json' >&2; exit 1; }
echo
echo 'up to date in 1ms'
)SH";
constexpr Milliseconds usual_expiration = Milliseconds{30} * 24 * 3600 * 1000;

std::shared_ptr<Session> session_of(const Sandbox& sandbox, const std::string& id, Milliseconds now) {
    auto session = std::make_shared<Session>();
    session->id = id;
    session->sandbox = sandbox.name;
    session->resources = sandbox.resources;
    session->region = sandbox.region;
    session->runtime = sandbox.runtime;
    session->account = sandbox.account;
    session->timeout = sandbox.timeout;
    session->requested_at = now;
    session->updated_at = now;
    session->network_policy = sandbox.network_policy;
    session->variables = sandbox.variables;
    return session;
}

}  // namespace

std::shared_ptr<Session> World::boot(Lock& lock, Sandbox& sandbox, const std::string& from) {
    const auto session = session_of(sandbox, new_id("sbx_"), now());
    session->source_snapshot = from;
    session->disk = directory_ / session->id;
    std::filesystem::path source;
    if (!from.empty()) {
        snapshots.at(from).last_used_at = now();
        source = snapshots.at(from).disk;
        // Copied while nobody can remove it.
        copy_tree(source, session->disk);
    }
    sessions[session->id] = session;
    sandbox.sessions.push_back(session->id);
    sandbox.current_session = session->id;
    sandbox.status_updated_at = now();
    touch(sandbox);
    const bool fails = behaviour.failing_boots > 0;
    if (fails) --behaviour.failing_boots;
    const auto tools = sandbox.runtime.starts_with("node") ? std::vector<Tool>{{"npm", npm}} : std::vector<Tool>{};
    threads_.start([this, session, fails, tools] {
        std::shared_ptr<Machine> machine;
        try {
            if (session->source_snapshot.empty()) make_root(session->disk, session->account, tools);
            if (!fails) machine = std::make_shared<Machine>(session->disk);
        } catch (const std::exception& failure) {
            std::cerr << "the stand-in cannot start a sandbox: " << failure.what() << std::endl;
        }
        Lock own(mutex);
        hold(own, "pending");
        if (session->status != Status::pending) return;
        session->machine = machine;
        session->started_at = now();
        session->updated_at = now();
        session->status = machine ? Status::running : Status::failed;
        changed.notify_all();
    });
    if (!behaviour.holds.contains("pending")) {
        changed.wait(lock, [&] { return session->status != Status::pending || ending_; });
    }
    return session;
}

void World::resume(Lock& lock, Sandbox& sandbox) {
    const auto old = session(sandbox.current_session);
    if (old->status == Status::stopping || old->status == Status::snapshotting) {
        throw Refusal(409, "conflict", "Cannot resume sandbox: it is still stopping.");
    }
    if (old->alive()) return;
    const auto found = snapshots.find(sandbox.current_snapshot);
    if (!sandbox.persistent || found == snapshots.end() || found->second.status != "created") {
        throw Refusal(410, "snapshot_not_found", "Cannot resume sandbox: no snapshot available.");
    }
    boot(lock, sandbox, found->first);
}

void World::begin_end(Session& session, Ending how) {
    session.status = how == Ending::snapshot ? Status::snapshotting : Status::stopping;
    session.requested_stop_at = now();
    session.updated_at = now();
    const auto found = sandboxes.find(session.sandbox);
    if (found != sandboxes.end()) found->second.status_updated_at = now();
    changed.notify_all();
}

void World::account_for(Session& session) {
    const auto found = sandboxes.find(session.sandbox);
    if (found == sandboxes.end()) return;
    auto& sandbox = found->second;
    sandbox.total_cpu += session.cpu_milliseconds;
    sandbox.total_duration += now() - session.started_at.value_or(now());
    sandbox.status_updated_at = now();
    touch(sandbox);
}

std::string World::take_snapshot(Lock& lock, Session& session, Ending how, std::optional<Milliseconds> expiration) {
    const auto found = sandboxes.find(session.sandbox);
    if (found == sandboxes.end()) return "";
    auto& sandbox = found->second;
    Snapshot snapshot;
    snapshot.id = new_id("snap_");
    snapshot.sandbox = sandbox.name;
    snapshot.session = session.id;
    snapshot.region = session.region;
    snapshot.method = how == Ending::snapshot ? "manual" : "automatic";
    snapshot.parent = session.source_snapshot;
    snapshot.size = size_of_tree(session.disk);
    snapshot.created_at = snapshot.updated_at = now();
    snapshot.expiration = expiration.value_or(sandbox.snapshot_expiration.value_or(usual_expiration));
    snapshot.disk = std::exchange(session.disk, {});
    snapshot.account = session.account;
    snapshot.runtime = sandbox.runtime;
    snapshot.image = sandbox.image;
    session.snapshotted_at = now();
    snapshots[snapshot.id] = snapshot;
    if (behaviour.holds.contains("snapshot_current")) {
        threads_.start([this, id = snapshot.id, name = sandbox.name] {
            Lock own(mutex);
            hold(own, "snapshot_current");
            const auto late = sandboxes.find(name);
            if (late != sandboxes.end()) late->second.current_snapshot = id;
        });
    } else {
        sandbox.current_snapshot = snapshot.id;
    }
    evict(sandbox);
    static_cast<void>(lock);
    return snapshot.id;
}

void World::evict(Sandbox& sandbox) {
    if (!sandbox.keep_last_snapshots.is_object()) return;
    std::vector<Snapshot*> own;
    for (auto& [id, snapshot] : snapshots) {
        if (snapshot.sandbox == sandbox.name && snapshot.status == "created") own.push_back(&snapshot);
    }
    std::sort(own.begin(), own.end(), [](const auto* a, const auto* b) { return a->created_at > b->created_at; });
    const auto count = sandbox.keep_last_snapshots.at("count").get<std::size_t>();
    for (auto index = count; index < own.size(); ++index) {
        if (sandbox.keep_last_snapshots.value("deleteEvicted", true)) {
            remove_snapshot(*own[index]);
        } else {
            own[index]->expiration = sandbox.keep_last_snapshots.value("expiration", usual_expiration);
        }
    }
}

std::string World::finish(Lock& lock, const std::shared_ptr<Session>& session, Ending how,
                          std::optional<Milliseconds> expiration) {
    const auto machine = std::exchange(session->machine, nullptr);
    lock.unlock();
    if (machine) machine->stop();
    lock.lock();
    hold(lock, how == Ending::snapshot ? "snapshotting" : "stopping");
    const auto found = sandboxes.find(session->sandbox);
    const bool persistent = found != sandboxes.end() && found->second.persistent;
    std::string snapshot;
    if (how == Ending::snapshot || (how == Ending::stop && persistent)) {
        snapshot = take_snapshot(lock, *session, how, expiration);
    }
    if (!session->disk.empty()) remove_tree(std::exchange(session->disk, {}));
    account_for(*session);
    session->status = how == Ending::abort ? Status::aborted : Status::stopped;
    (how == Ending::abort ? session->aborted_at : session->stopped_at) = now();
    session->updated_at = now();
    changed.notify_all();
    return snapshot;
}

}  // namespace standin::vercel

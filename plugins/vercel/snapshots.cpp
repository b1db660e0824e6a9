#include "snapshots.hpp"

namespace berth_vercel {

namespace {

using berth::Code;
using berth::Error;
using berth::Outcome;

constexpr std::chrono::seconds window{30};

Snapshot usable(const Backend& backend, berth::Call& call, std::string_view id) {
    const auto unknown = [] { return Error(Code::snapshot_not_found, "Vercel has no such snapshot"); };
    try {
        Snapshot snapshot = backend.api.snapshot(call, id);
        if (snapshot.status != "created") throw unknown();
        return snapshot;
    } catch (const Error& error) {
        const bool refused = error.code() == Code::not_found || error.code() == Code::invalid_argument;
        if (refused && !error.is_recorded()) throw unknown();
        throw;
    }
}

/// Only what persists can be resumed from a snapshot.
void keep_files(const Backend& backend, berth::Call& call, const SandboxAnswer& now) {
    if (!now.sandbox.persistent) backend.api.update(call, now.sandbox.name, {{"persistent", true}});
}

}  // namespace

std::string create_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view name) {
    const SandboxAnswer now = backend.look(call, id);
    if (!now.runs()) throw Error(Code::not_ready, "the sandbox is " + now.status()).hint("restart it first");
    const Record record = backend.refresh(call, now);
    keep_files(backend, call, now);
    const Snapshot taken = backend.api.take_snapshot(call, now.session->id, 0);
    // From here on there is a snapshot, and the sandbox is stopped: a cancel that comes now comes too late, and what was
    // begun is brought to its end.
    if (call.cancelled()) (void)call.begin_cleanup(window);
    bool kept = false;
    const auto finish = [&] {
        if (!kept) {
            backend.records.keep_snapshot(call, taken.id,
                                          {std::string{name}, std::string{id}, taken.created_at, record.env});
            (void)backend.records.change(call, id, [](Record& stored) { stored.took_snapshots = true; });
            kept = true;
        }
        if (!backend.wait_until_over(call, id, now.session->id).runs()) (void)backend.resume(call, id);
        backend.log.event(call, id, "snapshot " + taken.id + " taken; its processes ended with that");
    };
    try {
        finish();
    } catch (const Error& error) {
        if (call.cancelled() && call.begin_cleanup(window).count() > 0) {
            finish();
        } else if (error.is_recorded()) {
            throw;
        } else {
            throw Error(error.code(), "the snapshot " + taken.id +
                                          " was taken, but the sandbox could not be started again: " + error.message())
                .outcome(Outcome::done)
                .hint("restart the sandbox");
        }
    }
    if (taken.status != "created")
        throw Error(Code::unavailable, "Vercel could not take the snapshot: it is " + taken.status);
    return taken.id;
}

void restore_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view snapshot) {
    SandboxAnswer now = backend.look(call, id);
    const Record record = backend.refresh(call, now);
    (void)usable(backend, call, snapshot);
    keep_files(backend, call, now);
    std::optional<std::string> safety;
    std::optional<std::string> back = now.sandbox.snapshot_id;
    const std::string old_session = now.session ? now.session->id : "";
    const auto go_back = [&] {
        const SandboxAnswer at = backend.wait_until_over(call, id, old_session);
        if (at.session && at.runs()) {
            backend.api.stop(call, at.session->id);
            (void)backend.wait_until_over(call, id, at.session->id);
        }
        if (back) backend.api.update(call, id, {{"currentSnapshotId", *back}});
        (void)backend.resume(call, id);
    };
    bool stopped = false;
    auto undo = call.undo(
        [&] {
            if (stopped) go_back();
        },
        window);
    if (now.runs()) {
        stopped = true;
        // Not `stop`: the snapshot that it makes becomes the current one later, over what is set next.
        safety = backend.api.take_snapshot(call, now.session->id, backend.settings.snapshot_expiration_ms).id;
        back = safety;
    }
    (void)backend.wait_until_over(call, id, old_session);
    stopped = true;
    backend.api.update(call, id, {{"currentSnapshotId", snapshot}});
    now = backend.resume(call, id);
    if (now.session && now.session->source_snapshot && *now.session->source_snapshot != snapshot)
        throw Error(Code::protocol_error, "Vercel started the sandbox from another snapshot than the one asked for");
    const auto stored = backend.records.find_snapshot(call, snapshot);
    (void)backend.records.change(call, id, [&](Record& changed) {
        changed.env = stored ? stored->env : record.env;
        changed.took_snapshots = true;
    });
    undo.dismiss();
    backend.log.event(call, id, "restored from snapshot " + std::string{snapshot});
    if (!safety) return;
    // A cancel that comes now comes too late; the snapshot for safety goes all the same.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (call.cancelled()) (void)call.begin_cleanup(window);
        try {
            backend.api.remove_snapshot(call, *safety);
            return;
        } catch (const Error&) {
            if (!call.cancelled()) break;
        }
    }
    backend.warn("a snapshot for safety could not be deleted; it expires by itself");
}

std::vector<berth::SnapshotInfo> list_snapshots(const Backend& backend, berth::Call& call) {
    std::vector<berth::SnapshotInfo> all;
    for (const Snapshot& snapshot : backend.api.snapshots(call, {})) {
        if (snapshot.status != "created" || snapshot.automatic) continue;
        const auto known = backend.records.find_snapshot(call, snapshot.id);
        if (!known) continue;  // of somebody else, or for safety
        berth::SnapshotInfo info;
        info.id = snapshot.id;
        info.name = known->name;
        info.sandbox_id = known->sandbox;
        info.created_at = berth::Time{berth::Duration{snapshot.created_at}};
        if (snapshot.size_bytes && *snapshot.size_bytes >= 0)
            info.size_bytes = static_cast<std::uint64_t>(*snapshot.size_bytes);
        if (snapshot.expires_at) info.expires_at = berth::Time{berth::Duration{*snapshot.expires_at}};
        all.push_back(std::move(info));
    }
    return all;
}

void delete_snapshot(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    (void)usable(backend, call, snapshot);
    if (const auto known = backend.records.find_snapshot(call, snapshot)) {
        try {
            const SandboxAnswer of = backend.api.get(call, known->sandbox);
            if (!of.runs() && of.sandbox.snapshot_id && *of.sandbox.snapshot_id == snapshot)
                throw Error(Code::conflict, "a stopped sandbox has its files in this snapshot")
                    .hint("restart or destroy the sandbox " + known->sandbox + " first");
        } catch (const Error& error) {
            if (error.code() != Code::not_found || error.is_recorded()) throw;
        }
    }
    backend.api.remove_snapshot(call, snapshot);
    backend.records.forget_snapshot(call, snapshot);
}

}  // namespace berth_vercel

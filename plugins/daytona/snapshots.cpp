#include "snapshots.hpp"

#include "cloud/text.hpp"
#include "processes.hpp"

namespace berth_daytona {

namespace {

using berth::Code;
using berth::Error;
using berth::Outcome;

constexpr std::chrono::seconds window{60};
constexpr berth::PollPace capturing{berth::Duration{250}, berth::Duration{5000}, berth::Duration{60LL * 60'000}};

std::optional<Snapshot> find(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    try {
        return backend.api.snapshot(call, snapshot);
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded()) return std::nullopt;
        throw;
    }
}

Snapshot usable(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    std::optional<Snapshot> found = find(backend, call, snapshot);
    if (!found || !backend.records.find_snapshot(call, snapshot))
        throw Error(Code::snapshot_not_found, "Daytona has no such snapshot of this provider");
    return *std::move(found);
}

}  // namespace

std::string create_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view name) {
    const Known known = backend.look(call, id);
    if (!known.now.runs() && known.now.state != "stopped")
        throw Error(Code::not_ready, "the sandbox is " + known.now.state).hint("restart it first");
    // Names are one space for the whole organization; a failed capture is told by nothing but its absence.
    const std::string own_name = "berth-" + random_token();
    backend.api.take_snapshot(call, known.now.id, own_name);
    bool made = false;
    auto undo = call.undo(
        [&] {
            if (made) return;
            const berth::PollPace pace{berth::Duration{250}, berth::Duration{2000}, window / 2};
            (void)berth::poll_until(call, "the end of the capture", pace,
                                    [&] { return backend.api.get(call, known.now.id).state != "snapshotting"; });
            if (const auto found = find(backend, call, own_name)) backend.api.remove_snapshot(call, found->id);
        },
        window);
    (void)berth::poll_until(call, "the end of the capture", capturing,
                            [&] { return backend.api.get(call, known.now.id).state != "snapshotting"; });
    const Snapshot taken = *berth::poll_until(call, "the snapshot being usable", capturing, [&] {
        std::optional<Snapshot> found = find(backend, call, own_name);
        if (!found)
            throw Error(Code::unavailable, "Daytona has not made the snapshot, and does not say why")
                .outcome(Outcome::none);
        if (found->state == "error" || found->state == "build_failed")
            throw Error(Code::unavailable,
                        "Daytona could not make the snapshot: " + found->error_reason.value_or("no reason"));
        return found->state == "active" ? found : std::nullopt;
    });
    const std::int64_t created = taken.created_at.value_or(berth::now().time_since_epoch().count());
    backend.records.keep_snapshot(call, taken.id, {std::string{name}, std::string{id}, created, known.record.env});
    made = true;
    undo.dismiss();
    backend.log.event(call, id, "snapshot " + taken.id + " taken");
    return taken.id;
}

void restore_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view snapshot) {
    const Known old = backend.look(call, id);
    const Snapshot from = usable(backend, call, snapshot);
    Record record = old.record;
    record.generation = 1;
    for (const Sandbox& one : backend.generations(call, id))
        record.generation = std::max(record.generation, generation_of(one));
    ++record.generation;
    record.created_at = old.record.created_at ? old.record.created_at : old.now.created_at;
    const std::string name =
        std::string{id} + "-g" + std::to_string(record.generation) + "-" + random_token().substr(0, 8);

    Json body{{"name", name},
              {"snapshot", from.name},
              {"labels", labels_of(record, backend.settings.provider, id)},
              {"env", Json::object()},
              {"autoStopInterval", backend.settings.auto_stop_minutes},
              {"autoDeleteInterval", -1}};
    if (old.now.target) body["target"] = *old.now.target;
    if (old.now.network_blocked) body["networkBlockAll"] = true;
    bool may_exist = true;
    auto undo = call.undo(
        [&] {
            if (may_exist) backend.remove(call, name);
        },
        window);
    Known made{backend.api.create(call, body), record};
    made.record.current = made.now.id;
    // Not yet stored: until it answers, the old one is the sandbox.
    made.now =
        *berth::poll_until(call, "the restored sandbox being started", capturing, [&]() -> std::optional<Sandbox> {
            Sandbox now = backend.api.get(call, made.now.id);
            if (now.state == "error" || now.state == "build_failed")
                throw Error(Code::unavailable,
                            "Daytona could not start a sandbox from the snapshot: it is " + now.state);
            return now.runs() ? std::optional(std::move(now)) : std::nullopt;
        });
    const std::string box = backend.api.toolbox_of(call, made.now);
    const berth::PollPace answering{berth::Duration{100}, berth::Duration{1000}, berth::Duration{60'000}};
    (void)berth::poll_until(call, "the restored sandbox's toolbox answering", answering, [&] {
        try {
            (void)backend.api.version(call, box);
            return true;
        } catch (const Error& error) {
            if (error.code() == Code::unavailable || error.code() == Code::not_ready) return false;
            throw;
        }
    });
    Json labels = labels_of(record, backend.settings.provider, id);
    labels[ready_label] = "yes";
    backend.api.set_labels(call, made.now.id, labels);
    const auto stored = backend.records.find_snapshot(call, snapshot);
    made.record = backend.records.change(call, id, [&](Record& changed) {
        const Record before = changed.current.empty() ? record : changed;
        changed = before;
        changed.generation = record.generation;
        changed.created_at = record.created_at;
        changed.current = made.now.id;
        changed.box = box;
        changed.env = stored->env;
    });
    may_exist = false;
    undo.dismiss();
    // From here on the new one is the sandbox; a cancel that comes now comes too late.
    if (call.cancelled()) (void)call.begin_cleanup(window);
    for (const Sandbox& one : backend.generations(call, id)) {
        if (one.id == made.now.id) continue;
        try {
            backend.remove(call, one.id);
        } catch (const Error&) {
            backend.warn(
                "an old generation of a restored sandbox could not be deleted; destroying the sandbox deletes it");
        }
    }
    give_variables(backend, call, made.record);
    backend.log.event(call, id, "restored from snapshot " + std::string{snapshot});
}

std::vector<berth::SnapshotInfo> list_snapshots(const Backend& backend, berth::Call& call) {
    std::vector<berth::SnapshotInfo> all;
    for (const Snapshot& snapshot : backend.api.snapshots(call)) {
        const auto known = backend.records.find_snapshot(call, snapshot.id);
        if (!known) continue;  // of somebody else
        berth::SnapshotInfo info;
        info.id = snapshot.id;
        info.name = known->name;
        info.sandbox_id = known->sandbox;
        info.created_at = berth::Time{berth::Duration{known->created_at}};
        if (snapshot.size_gb && *snapshot.size_gb >= 0 && *snapshot.size_gb < 1e6)
            info.size_bytes = static_cast<std::uint64_t>(*snapshot.size_gb * 1e9);
        all.push_back(std::move(info));
    }
    return all;
}

void delete_snapshot(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    const Snapshot found = usable(backend, call, snapshot);
    backend.api.remove_snapshot(call, found.id);
    backend.records.forget_snapshot(call, snapshot);
}

}  // namespace berth_daytona

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

std::optional<Snapshot> find_snapshot(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    try {
        return backend.api.snapshot(call, snapshot);
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded()) return std::nullopt;
        throw;
    }
}

/// Daytona has answered that it does not do it.
bool is_refusal(const Error& error) {
    return !error.is_recorded() && error.outcome() == Outcome::none;
}

Snapshot usable(const Backend& backend, berth::Call& call, std::string_view snapshot) {
    std::optional<Snapshot> found = find_snapshot(backend, call, snapshot);
    if (!found || !backend.records.find_snapshot(call, snapshot))
        throw Error(Code::snapshot_not_found, "Daytona has no such snapshot of this provider");
    return *std::move(found);
}

/// Waits until it runs and answers.
Known started(const Backend& backend, berth::Call& call, Known made) {
    made.now =
        *berth::poll_until(call, "the restored sandbox being started", capturing, [&]() -> std::optional<Sandbox> {
            const std::optional<Sandbox> seen = backend.find(call, made.now.id);
            Sandbox now = seen ? *seen : Sandbox{};
            if (!seen) now.state = "gone";
            if (!seen || now.state == "error" || now.state == "build_failed" || is_going(now))
                throw Error(Code::unavailable, "Daytona could not start a sandbox from the snapshot: it is " +
                                                   now.state + (now.error_reason ? ", " + *now.error_reason : ""))
                    .hint("the sandbox is as it was before");
            return now.runs() ? std::optional(std::move(now)) : std::nullopt;
        });
    made.record.current = made.now.id;
    made.record.box = backend.api.toolbox_of(call, made.now);
    const berth::PollPace answering{berth::Duration{100}, berth::Duration{1000}, berth::Duration{60'000}};
    (void)berth::poll_until(call, "the restored sandbox's toolbox answering", answering, [&] {
        try {
            (void)backend.api.version(call, made.record.box);
            return true;
        } catch (const Error& error) {
            if (error.code() == Code::unavailable || error.code() == Code::not_ready) return false;
            throw;
        }
    });
    return made;
}

/// The new one is the sandbox: a cancel that comes now comes too late, and what fails now makes no failure of the restore.
/// Only older ones are deleted: two restores at once must not delete each other's.
void clear_up(const Backend& backend, berth::Call& call, std::string_view id, const Known& made) {
    const auto try_to = [&](const char* warning, auto&& act) {
        for (int attempt = 0; attempt < 2; ++attempt) {
            if (call.cancelled()) (void)call.begin_cleanup(window);
            try {
                act();
                return;
            } catch (const Error&) {
                if (!call.cancelled()) break;
            }
        }
        backend.warn(warning);
    };
    constexpr const char* left =
        "an old generation of a restored sandbox could not be deleted, and may cost; destroying the sandbox deletes it";
    std::vector<Sandbox> all;
    try_to(left, [&] { all = backend.generations(call, id); });
    for (const Sandbox& one : all)
        if (generation_of(one) < made.record.generation) try_to(left, [&] { backend.begin_removal(call, one.id); });
    try_to("variables reach only commands that are run through Berth, until the sandbox is restarted",
           [&] { give_variables(backend, call, made.record); });
}

}  // namespace

std::string create_snapshot(const Backend& backend, berth::Call& call, std::string_view id, std::string_view name) {
    const Known known = backend.look(call, id);
    if (!known.now.runs() && known.now.state != "stopped")
        throw Error(Code::not_ready, "the sandbox is " + known.now.state).hint("restart it first");
    // Names are one space for the whole organization; a failed capture is told by nothing but its absence.
    const std::string own_name = "berth-" + random_token();
    bool may_exist = true;
    auto undo = call.undo(
        [&] {
            if (!may_exist) return;
            const berth::PollPace pace{berth::Duration{250}, berth::Duration{2000}, window / 2};
            (void)berth::poll_until(call, "the end of the capture", pace,
                                    [&] { return backend.api.get(call, known.now.id).state != "snapshotting"; });
            if (const auto found = find_snapshot(backend, call, own_name)) backend.api.remove_snapshot(call, found->id);
        },
        window);
    try {
        backend.api.take_snapshot(call, known.now.id, own_name);
    } catch (const Error& error) {
        may_exist = !is_refusal(error);
        throw;
    }
    (void)berth::poll_until(call, "the end of the capture", capturing,
                            [&] { return backend.api.get(call, known.now.id).state != "snapshotting"; });
    const Snapshot taken = *berth::poll_until(call, "the snapshot being usable", capturing, [&] {
        std::optional<Snapshot> found = find_snapshot(backend, call, own_name);
        if (!found)
            throw Error(Code::unavailable, "Daytona has not made the snapshot, and does not say why")
                .outcome(Outcome::none)
                .hint("try again; a sandbox with less on its disk is captured sooner");
        if (found->state == "error" || found->state == "build_failed")
            throw Error(Code::unavailable,
                        "Daytona could not make the snapshot: " + found->error_reason.value_or("no reason"));
        return found->state == "active" ? found : std::nullopt;
    });
    const std::int64_t created = taken.created_at.value_or(berth::now().time_since_epoch().count());
    backend.records.keep_snapshot(call, taken.id, {std::string{name}, std::string{id}, created, known.record.env});
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
    // What the old one could not reach the new one must not reach either.
    if (old.now.network_blocked) body["networkBlockAll"] = true;
    if (!old.now.network_allow_list.empty()) body["networkAllowList"] = old.now.network_allow_list;
    if (!old.now.domain_allow_list.empty()) body["domainAllowList"] = old.now.domain_allow_list;
    bool may_exist = true;
    auto undo = call.undo(
        [&] {
            if (may_exist) backend.begin_removal(call, name);
        },
        window);
    Known made{{}, record};
    try {
        made.now = backend.api.create(call, body);
    } catch (const Error& error) {
        may_exist = !is_refusal(error) || error.message().find("failed to start") != std::string::npos;
        throw;
    }
    // Not yet stored: until it answers, the old one is the sandbox.
    made = started(backend, call, std::move(made));
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
        changed.box = made.record.box;
        if (stored) changed.env = stored->env;
    });
    undo.dismiss();
    clear_up(backend, call, id, made);
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

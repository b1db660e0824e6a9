// `berth snapshot create`, `restore`, `ls` and `rm`.
#include <chrono>

#include "../base/duration.hpp"
#include "../base/size.hpp"
#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "people_text.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// The providers to ask: the one named, or all that have snapshots at all.
std::vector<std::string> providers_with_snapshots(Session& session, const std::optional<std::string>& named) {
    if (named) return {*named};
    std::vector<std::string> names;
    for (const auto& provider : session.host().providers()) {
        const auto& methods = provider.methods;
        if (std::find(methods.begin(), methods.end(), "berth.snapshots/1") != methods.end())
            names.push_back(provider.name);
    }
    return names;
}

}  // namespace

int perform(Session& session, const SnapshotCreateCommand& command) {
    ProgressLine progress(session.progress_shown());
    const auto snapshot =
        session.host().create_snapshot(sandbox_named(command.sandbox), command.name, session.call(progress));
    progress.clear();
    if (session.out().wants_json()) {
        session.out().object({{"full_name", snapshot.text()}, {"provider", snapshot.provider}, {"id", snapshot.id}});
    } else {
        session.out().text(snapshot.text() + "\n");
    }
    return exit_ok;
}

int perform(Session& session, const SnapshotRestoreCommand& command) {
    const auto sandbox = sandbox_named(command.sandbox);
    const auto snapshot = snapshot_named(command.snapshot);
    ProgressLine progress(session.progress_shown());
    session.host().restore_snapshot(sandbox, snapshot, session.call(progress));
    return exit_ok;
}

int perform(Session& session, const SnapshotListCommand& command) {
    const auto& out = session.out();
    std::vector<SnapshotInfo> snapshots;
    int code = exit_ok;
    for (const auto& provider : providers_with_snapshots(session, command.provider)) {
        try {
            auto some = session.host().list_snapshots(provider, session.call());
            std::move(some.begin(), some.end(), std::back_inserter(snapshots));
        } catch (const Error& error) {
            out.failure(error);
            code = worse_exit_code(code, exit_code_of(error));
        }
    }
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(snapshots.size());
        for (const auto& snapshot : snapshots) {
            all.push_back(json_of(snapshot));
        }
        out.list(all);
    } else if (out.format() == OutputFormat::name) {
        std::string names;
        for (const auto& snapshot : snapshots) {
            names += snapshot.provider + "/" + snapshot.id + "\n";
        }
        out.text(names);
    } else {
        const auto now = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
        Table table({"SNAPSHOT", "NAME", "AGE", "SIZE", "SANDBOX"});
        for (const auto& snapshot : snapshots) {
            table.add({snapshot.provider + "/" + snapshot.id, snapshot.name, age_text(snapshot.created_at, now),
                       snapshot.size_bytes ? approximate_size_text(*snapshot.size_bytes) : std::string(),
                       snapshot.sandbox_id});
        }
        out.text(table.text(out.colour()));
    }
    return code;
}

int perform(Session& session, const SnapshotRemoveCommand& command) {
    std::vector<SnapshotName> snapshots;
    for (const auto& text : command.snapshots) {
        snapshots.push_back(snapshot_named(text));
    }
    int code = exit_ok;
    for (const auto& snapshot : snapshots) {
        try {
            session.host().delete_snapshot(snapshot, session.call());
        } catch (const Error& error) {
            session.out().failure(error);
            code = worse_exit_code(code, exit_code_of(error));
        }
    }
    return session.ending_signal() == 0 ? code : exit_signal_base + session.ending_signal();
}

}  // namespace berth::inline host_v1::cli

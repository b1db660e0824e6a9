// Snapshots and their extension, and that an absent optional method is refused: docs/contract.md section 4.
#include <algorithm>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

void absent_methods(Context& context) {
    const auto sandbox = context.shared();
    auto& host = context.host();
    const auto options = Context::bounded();
    const auto check = [&](std::string_view method, const std::function<void()>& act) {
        if (!context.offers(method)) context.refused(Code::unsupported, act, method);
    };
    check("create_snapshot", [&] { (void)host.create_snapshot(sandbox, "name", options); });
    check("restore_snapshot", [&] { host.restore_snapshot(sandbox, {context.provider(), "id"}, options); });
    check("get_logs", [&] { (void)host.get_logs(sandbox, {}, options); });
    check("set_environment_variables", [&] { host.set_environment_variables(sandbox, {{"A", "b"}}, {}, options); });
    check("get_environment_variables", [&] { (void)host.get_environment_variables(sandbox, options); });
    check("berth.snapshots/1", [&] { (void)host.list_snapshots(context.provider(), options); });
    check("berth.snapshots/1", [&] { host.delete_snapshot({context.provider(), "id"}, options); });
}

/// Deletes a snapshot with the case, where the provider can.
class SnapshotGuard {
public:
    SnapshotGuard(Context& context, SnapshotName name) : context_(context), name_(std::move(name)) {}
    ~SnapshotGuard() {
        try {
            if (context_.offers("berth.snapshots/1")) context_.host().delete_snapshot(name_, Context::bounded());
        } catch (const std::exception&) {
            // Deleting it is what some cases do themselves.
        }
    }
    SnapshotGuard(const SnapshotGuard&) = delete;
    SnapshotGuard& operator=(const SnapshotGuard&) = delete;

private:
    Context& context_;
    SnapshotName name_;
};

void snapshot_round_trip(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox,
                      "echo old > file; mkdir -p dir/empty; chmod 700 dir; ln -s file link; echo gone > later");
    const auto snapshot = context.host().create_snapshot(sandbox, "first", Context::bounded());
    const SnapshotGuard guard(context, snapshot);
    context.equal(context.run(sandbox, {"true"}).exit_code, 0, "the sandbox runs on");
    context.output_of(sandbox, "echo new > file; rm -r dir later; echo made > since");
    const auto created = context.host().get(sandbox, Context::bounded()).created_at;
    for (int round = 0; round < 2; ++round) {
        context.host().restore_snapshot(sandbox, snapshot, Context::bounded());
        context.equal(
            context.output_of(sandbox,
                              "cat file later link; stat -c %a dir; test -d dir/empty && test ! -e since && echo same"),
            std::string("old\ngone\nold\n700\nsame\n"), "the tree of the snapshot");
        context.output_of(sandbox, "echo again > file");
    }
    const auto info = context.host().get(sandbox, Context::bounded());
    context.expect(info.created_at == created && info.state == SandboxState::ready,
                   "id and created_at stay; it is ready");
}

void snapshot_outlives_sandbox(Context& context) {
    const auto first = context.fresh();
    context.output_of(first, "echo carried > file");
    const auto snapshot = context.host().create_snapshot(first, "carried", Context::bounded());
    const SnapshotGuard guard(context, snapshot);
    context.host().destroy(first, Context::bounded());
    const auto second = context.fresh();
    context.host().restore_snapshot(second, snapshot, Context::bounded());
    context.equal(context.output_of(second, "cat file"), std::string("carried\n"), "in another sandbox");
}

void snapshot_refusals(Context& context) {
    const auto sandbox = context.fresh();
    const std::vector<std::string> names{"", "a b", "a/b", std::string(65, 'x')};
    for (const auto& name : names) {
        context.refused(
            Code::invalid_argument, [&] { (void)context.host().create_snapshot(sandbox, name, Context::bounded()); },
            "snapshot name " + shown(name));
    }
    context.output_of(sandbox, "echo kept > file");
    context.refused(
        Code::snapshot_not_found,
        [&] {
            context.host().restore_snapshot(sandbox, {context.provider(), "no-such-9d1f"}, Context::bounded());
        },
        "an unknown snapshot");
    context.equal(context.output_of(sandbox, "cat file"), std::string("kept\n"), "the old files are still there");
}

void snapshot_keeps_environment(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"A", "old"}};
    const auto sandbox = context.fresh(config);
    const auto snapshot = context.host().create_snapshot(sandbox, "variables", Context::bounded());
    const SnapshotGuard guard(context, snapshot);
    context.host().set_environment_variables(sandbox, {{"A", "new"}, {"B", "made"}}, {}, Context::bounded());
    context.host().restore_snapshot(sandbox, snapshot, Context::bounded());
    context.expect(context.host().get_environment_variables(sandbox, Context::bounded()) == Variables{{"A", "old"}},
                   "the variables of the snapshot and no others");
    context.equal(context.output_of(sandbox, "printf %s \"$A$B\""), std::string("old"), "processes have them");
    context.host().restart(sandbox, Context::bounded());
    context.equal(context.output_of(sandbox, "printf %s \"$A$B\""), std::string("old"), "also after a restart");
}

void restore_ends_processes(Context& context) {
    const auto sandbox = context.fresh();
    const auto snapshot = context.host().create_snapshot(sandbox, "processes", Context::bounded());
    const SnapshotGuard guard(context, snapshot);
    auto process =
        context.host().execute_stream(sandbox, Context::shell_process("echo up; exec sleep 1000"), Context::bounded());
    (void)read_until(context, *process.standard_output(), "up");
    context.host().restore_snapshot(sandbox, snapshot, Context::bounded());
    context.expect(process.wait().status == ProcessStatus::killed, "what ran is killed");
}

void snapshots_of_one_name(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox, "echo 1 > file");
    const auto first = context.host().create_snapshot(sandbox, "same", Context::bounded());
    const SnapshotGuard first_guard(context, first);
    context.output_of(sandbox, "echo 2 > file");
    const auto second = context.host().create_snapshot(sandbox, "same", Context::bounded());
    const SnapshotGuard second_guard(context, second);
    context.expect(first.id != second.id, "names need not be unique, ids are");
    context.host().restore_snapshot(sandbox, first, Context::bounded());
    context.equal(context.output_of(sandbox, "cat file"), std::string("1\n"), "the first");
    context.host().restore_snapshot(sandbox, second, Context::bounded());
    context.equal(context.output_of(sandbox, "cat file"), std::string("2\n"), "the second");
}

void snapshots_of_nobody(Context& context) {
    const SandboxName nobody{context.provider(), "no-such-sandbox-9d1f"};
    context.refused(
        Code::not_found, [&] { (void)context.host().create_snapshot(nobody, "name", Context::bounded()); }, "take one");
    context.refused(
        Code::not_found,
        [&] {
            context.host().restore_snapshot(nobody, {context.provider(), "no-such-9d1f"}, Context::bounded());
        },
        "put one back");
}

void snapshots_are_listed(Context& context) {
    const auto sandbox = context.fresh();
    const auto snapshot = context.host().create_snapshot(sandbox, "listed", Context::bounded());
    const auto listed = [&] {
        const auto all = context.host().list_snapshots(context.provider(), Context::bounded());
        return std::any_of(all.begin(), all.end(), [&](const SnapshotInfo& info) { return info.id == snapshot.id; });
    };
    context.expect(listed(), "a new snapshot is listed");
    context.host().delete_snapshot(snapshot, Context::bounded());
    context.expect(!listed(), "a deleted one is not");
    context.refused(
        Code::snapshot_not_found, [&] { context.host().delete_snapshot(snapshot, Context::bounded()); },
        "a second delete");
}

}  // namespace

std::vector<Case> snapshot_cases() {
    return {
        {"optional", "an absent optional method is UNSUPPORTED", absent_methods, {}},
        {"snapshots", "files come back as they were", snapshot_round_trip, {"create_snapshot", "restore_snapshot"}},
        {"snapshots",
         "a snapshot outlives its sandbox",
         snapshot_outlives_sandbox,
         {"create_snapshot", "restore_snapshot"}},
        {"snapshots",
         "bad names and unknown snapshots are refused",
         snapshot_refusals,
         {"create_snapshot", "restore_snapshot"}},
        {"snapshots",
         "variables come back with the files",
         snapshot_keeps_environment,
         {"create_snapshot", "restore_snapshot", "set_environment_variables", "get_environment_variables"}},
        {"snapshots", "a restore ends what runs", restore_ends_processes, {"create_snapshot", "restore_snapshot"}},
        {"snapshots", "two of one name are two", snapshots_of_one_name, {"create_snapshot", "restore_snapshot"}},
        {"snapshots", "of an unknown sandbox", snapshots_of_nobody, {"create_snapshot", "restore_snapshot"}},
        {"snapshots",
         "snapshots are listed and deleted",
         snapshots_are_listed,
         {"create_snapshot", "berth.snapshots/1"}},
    };
}

}  // namespace berth::inline host_v1::conformance

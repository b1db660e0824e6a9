// The five optional methods and the snapshots extension: docs/contract.md section 4.
#include <algorithm>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

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

void logs_hold_output(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox, "echo first-9d1f; echo second-9d1f; echo problem-9d1f >&2");
    const auto log = context.host().get_logs(sandbox, {}, Context::bounded());
    const auto first = log.find("first-9d1f");
    const auto second = log.find("second-9d1f");
    context.expect(first != std::string::npos && second != std::string::npos && first < second, "output, oldest first");
    context.expect(log.find("problem-9d1f") != std::string::npos && log.find("stderr") != std::string::npos,
                   "stderr is marked");
    LogOptions last;
    last.lines = 1;
    context.equal(lines_of(context.host().get_logs(sandbox, last, Context::bounded())).size(), std::size_t{1},
                  "the last line");
    last.lines = 0;
    context.equal(context.host().get_logs(sandbox, last, Context::bounded()), std::string(), "no line");
    LogOptions future;
    future.since =
        std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now() + std::chrono::hours{24});
    context.equal(context.host().get_logs(sandbox, future, Context::bounded()), std::string(), "since tomorrow");
}

void logs_hold_no_secrets(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"TOKEN", "canary-51c2"}};
    config.secret_env = {"TOKEN"};
    const auto sandbox = context.fresh(config);
    auto process = Context::process({"cat"});
    process.input = "canary-input-51c2";
    process.output = Capture::discard;
    context.host().execute(sandbox, process, Context::bounded());
    const auto log = context.host().get_logs(sandbox, {}, Context::bounded());
    context.expect(log.find("canary") == std::string::npos, "neither values of variables nor input are logged");
}

void environment_round_trip(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"FIRST", "1"}};
    const auto sandbox = context.fresh(config);
    const Variables set{{"ODD", "a \"b\" $c\nd"}, {"EMPTY", ""}, {"FIRST", "changed"}};
    context.host().set_environment_variables(sandbox, set, {}, Context::bounded());
    context.expect(context.host().get_environment_variables(sandbox, Context::bounded()) == set,
                   "it comes back byte for byte");
    context.equal(context.output_of(sandbox, "printf '%s|%s|%s' \"$ODD\" \"${EMPTY-unset}\" \"$FIRST\""),
                  std::string("a \"b\" $c\nd||changed"), "processes see it");
    const std::vector<std::string> unset{"ODD"};
    context.host().set_environment_variables(sandbox, {}, unset, Context::bounded());
    context.expect(!context.host().get_environment_variables(sandbox, Context::bounded()).contains("ODD"), "unset");
    context.host().restart(sandbox, Context::bounded());
    context.equal(context.output_of(sandbox, "printf %s \"$FIRST\""), std::string("changed"), "it survives a restart");
}

void environment_all_or_nothing(Context& context) {
    const auto sandbox = context.fresh();
    context.refused(
        Code::invalid_argument,
        [&] {
            context.host().set_environment_variables(sandbox, {{"GOOD", "x"}, {"BAD-NAME", "y"}}, {},
                                                     Context::bounded());
        },
        "a bad name");
    context.expect(!context.host().get_environment_variables(sandbox, Context::bounded()).contains("GOOD"),
                   "nothing is applied");
    context.refused(
        Code::resource_exhausted,
        [&] {
            context.host().set_environment_variables(sandbox, {{"HUGE", std::string(140'000, 'x')}}, {},
                                                     Context::bounded());
        },
        "more than 128 KiB");
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
         "snapshots are listed and deleted",
         snapshots_are_listed,
         {"create_snapshot", "berth.snapshots/1"}},
    };
}

std::vector<Case> log_cases() {
    return {
        {"logs", "output is kept, oldest first", logs_hold_output, {"get_logs"}},
        {"logs", "no secret is in them", logs_hold_no_secrets, {"get_logs"}},
    };
}

std::vector<Case> environment_cases() {
    return {
        {"environment",
         "variables are set, unset and survive a restart",
         environment_round_trip,
         {"set_environment_variables", "get_environment_variables"}},
        {"environment",
         "a bad call applies nothing",
         environment_all_or_nothing,
         {"set_environment_variables", "get_environment_variables"}},
    };
}

}  // namespace berth::inline host_v1::conformance

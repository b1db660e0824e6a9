#include "shapes.hpp"

namespace standin::vercel {

namespace {

template <typename Value>
void put(Json& object, const char* name, const std::optional<Value>& value) {
    if (value) object[name] = *value;
}

void put(Json& object, const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
}

void put(Json& object, const char* name, const Json& value) {
    if (!value.is_null()) object[name] = value;
}

/// A list knows only three states of a sandbox.
std::string_view state_of(Status status) {
    switch (status) {
        case Status::pending:
        case Status::running:
            return "running";
        case Status::stopping:
        case Status::snapshotting:
            return "stopping";
        default:
            return "stopped";
    }
}

}  // namespace

std::string_view name_of(Status status) {
    switch (status) {
        case Status::pending:
            return "pending";
        case Status::running:
            return "running";
        case Status::stopping:
            return "stopping";
        case Status::stopped:
            return "stopped";
        case Status::failed:
            return "failed";
        case Status::aborted:
            return "aborted";
        case Status::snapshotting:
            return "snapshotting";
    }
    return "failed";
}

Json shape(const Session& session) {
    Json object = session.resources;
    object.update({{"id", session.id},
                   {"status", name_of(session.status)},
                   {"region", session.region},
                   {"timeout", session.timeout},
                   {"cwd", session.account.home},
                   {"requestedAt", session.requested_at},
                   {"createdAt", session.requested_at},
                   {"updatedAt", session.updated_at},
                   {"sourceSandboxName", session.sandbox}});
    put(object, "runtime", session.runtime);
    put(object, "startedAt", session.started_at);
    put(object, "requestedStopAt", session.requested_stop_at);
    put(object, "stoppedAt", session.stopped_at);
    put(object, "abortedAt", session.aborted_at);
    put(object, "snapshottedAt", session.snapshotted_at);
    put(object, "sourceSnapshotId", session.source_snapshot);
    put(object, "networkPolicy", session.network_policy);
    if (session.status == Status::stopped) {
        object["duration"] = *session.stopped_at - session.started_at.value_or(*session.stopped_at);
        object["activeCpuDurationMs"] = session.cpu_milliseconds;
        object["networkTransfer"] = {{"ingress", 0}, {"egress", 0}};
    }
    return object;
}

Json shape(World& world, const Sandbox& sandbox) {
    const auto session = world.session(sandbox.current_session);
    Json object = sandbox.resources;
    object.update({{"name", sandbox.name},
                   {"persistent", sandbox.persistent},
                   {"status", state_of(session->status)},
                   {"currentSessionId", sandbox.current_session},
                   {"createdAt", sandbox.created_at},
                   {"updatedAt", sandbox.updated_at},
                   {"statusUpdatedAt", sandbox.status_updated_at},
                   {"region", sandbox.region},
                   {"timeout", sandbox.timeout},
                   {"cwd", sandbox.account.home},
                   {"tags", sandbox.tags},
                   {"totalEgressBytes", 0},
                   {"totalIngressBytes", 0},
                   {"totalActiveCpuDurationMs", sandbox.total_cpu},
                   {"totalDurationMs", sandbox.total_duration}});
    if (session->status == Status::running) object["expiresAt"] = session->deadline();
    put(object, "currentSnapshotId", sandbox.current_snapshot);
    put(object, "runtime", sandbox.runtime);
    put(object, "image", sandbox.image);
    put(object, "networkId", sandbox.network_id);
    put(object, "failoverRegions", sandbox.failover_regions);
    put(object, "mounts", sandbox.mounts);
    put(object, "networkPolicy", sandbox.network_policy);
    put(object, "snapshotExpiration", sandbox.snapshot_expiration);
    put(object, "keepLastSnapshots", sandbox.keep_last_snapshots);
    return object;
}

Json shape(const Command& command) {
    Json object{{"id", command.id},
                {"name", command.name},
                {"args", command.arguments},
                {"cwd", command.directory},
                {"sessionId", command.session},
                {"exitCode", nullptr},
                {"startedAt", command.started_at}};
    put(object, "exitCode", command.exit_code);
    put(object, "durationMs", command.duration);
    return object;
}

Json shape(const Snapshot& snapshot) {
    Json object{{"id", snapshot.id},
                {"sourceSessionId", snapshot.session},
                {"region", snapshot.region},
                {"regions", {snapshot.region}},
                {"status", snapshot.status},
                {"sizeBytes", snapshot.size},
                {"createdAt", snapshot.created_at},
                {"updatedAt", snapshot.updated_at},
                {"creationMethod", snapshot.method}};
    put(object, "expiresAt", snapshot.expires_at());
    put(object, "lastUsedAt", snapshot.last_used_at);
    put(object, "parentId", snapshot.parent);
    return object;
}

Json routes_of(const Sandbox& sandbox) {
    auto routes = Json::array();
    for (const auto& [port, subdomain] : sandbox.subdomains) {
        routes.push_back({{"url", "https://" + subdomain + ".vercel.run"}, {"subdomain", subdomain}, {"port", port}});
    }
    return routes;
}

Json whole_shape(World& world, const Sandbox& sandbox) {
    return {{"sandbox", shape(world, sandbox)},
            {"session", shape(*world.session(sandbox.current_session))},
            {"routes", routes_of(sandbox)}};
}

}  // namespace standin::vercel

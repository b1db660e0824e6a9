// Endpoints of snapshots: create from a session, get, list, tree, delete.
#include <limits>

#include "endpoints.hpp"
#include "pages.hpp"
#include "shapes.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

Answer create(const Call& call) {
    const Body body(call.request);
    body.only({"expiration"});
    const auto expiration = body.number("expiration", 0, std::numeric_limits<std::int64_t>::max());
    auto& world = call.world;
    Lock lock(world.mutex);
    const auto session = world.usable_session(lock, call.rest[1]);
    world.begin_end(*session, Ending::snapshot);
    const auto id = world.finish(lock, session, Ending::snapshot, expiration);
    return json_answer({{"snapshot", shape(world.snapshot(id))}, {"session", shape(*session)}}, 201);
}

Answer get(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer({{"snapshot", shape(call.world.snapshot(call.rest[1]))}});
}

Answer list(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto name = call.request.asked("name");
    std::vector<Listed> all;
    for (const auto& [id, snapshot] : call.world.snapshots) {
        if (snapshot.status == "deleted" || (!name.empty() && snapshot.sandbox != name)) continue;
        all.push_back({sort_key(snapshot.created_at), id, shape(snapshot)});
    }
    return json_answer(page(call.request, "snapshots", std::move(all)));
}

Answer tree(const Call& call) {
    const Lock lock(call.world.mutex);
    std::vector<Listed> all;
    for (auto id = call.request.asked("snapshotId"); !id.empty();) {
        const auto& snapshot = call.world.snapshot(id);
        const Json node{{"snapshot", shape(snapshot)}, {"siblings", Json::array()}, {"count", "1"}};
        all.push_back({sort_key(snapshot.created_at), snapshot.id, node});
        id = call.world.snapshots.contains(snapshot.parent) ? snapshot.parent : "";
    }
    return json_answer(page(call.request, "snapshots", std::move(all)));
}

Answer remove(const Call& call) {
    const Lock lock(call.world.mutex);
    auto& snapshot = call.world.snapshot(call.rest[1]);
    if (snapshot.status == "deleted") throw Refusal(404, "not_found", "Snapshot " + snapshot.id + " not found.");
    call.world.remove_snapshot(snapshot);
    return json_answer({{"snapshot", shape(snapshot)}});
}

}  // namespace

std::optional<Answer> snapshot_endpoints(const Call& call) {
    if (call.is("POST", {"sessions", "*", "snapshot"})) return create(call);
    if (call.is("GET", {"snapshots"})) return list(call);
    if (call.is("GET", {"snapshots", "tree"})) return tree(call);
    if (call.is("GET", {"snapshots", "*"})) return get(call);
    if (call.is("DELETE", {"snapshots", "*"})) return remove(call);
    return std::nullopt;
}

}  // namespace standin::vercel

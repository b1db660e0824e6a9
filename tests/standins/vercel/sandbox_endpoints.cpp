// Endpoints of sandboxes: create, get with or without resume, list, update, delete, fork.
#include <algorithm>
#include <limits>

#include "endpoints.hpp"
#include "pages.hpp"
#include "sandbox_settings.hpp"
#include "shapes.hpp"

namespace standin::vercel {

namespace {

/// Waits until its session is neither booting nor ending.
void settle(World& world, Lock& lock, const std::string& name) {
    const auto session = world.session(world.sandbox(name).current_session);
    world.changed.wait(lock, [&] { return session->status != Status::pending || world.ending(); });
}

/// A snapshot that a sandbox can begin with.
const Snapshot& source_snapshot(World& world, const std::string& id) {
    const auto found = world.snapshots.find(id);
    if (found == world.snapshots.end() || found->second.status != "created") {
        throw Refusal(410, "snapshot_not_found", "Snapshot " + id + " not found.");
    }
    return found->second;
}

Answer begin(World& world, Lock& lock, Sandbox sandbox, const std::string& from) {
    if (world.sandboxes.contains(sandbox.name)) {
        bad_request("Sandbox with name \"" + sandbox.name + "\" already exists for this project.");
    }
    const auto name = sandbox.name;
    sandbox.created_at = world.now();
    if (!from.empty()) {
        const auto& snapshot = source_snapshot(world, from);
        if (snapshot.region != sandbox.region) {
            throw Refusal(400, "snapshot_region_mismatch",
                          "Snapshot " + from + " is not in region " + sandbox.region + ".");
        }
        sandbox.account = snapshot.account;
        sandbox.runtime = snapshot.runtime;
        sandbox.image = snapshot.image;
        sandbox.current_snapshot = from;
    }
    auto& kept = world.sandboxes[name] = std::move(sandbox);
    world.boot(lock, kept, from);
    return json_answer(whole_shape(world, world.sandbox(name)));
}

Answer create(const Call& call) {
    const Body body(call.request);
    Lock lock(call.world.mutex);
    auto sandbox = new_sandbox(call.world, body, call.version);
    const auto project = body.text("projectId");
    if (project && *project != call.project) throw Refusal(403, "forbidden", "Not authorized for this project.");
    return begin(call.world, lock, std::move(sandbox), snapshot_of_source(body));
}

Answer get(const Call& call) {
    Lock lock(call.world.mutex);
    auto& sandbox = call.world.sandbox(call.rest[0]);
    const auto before = sandbox.current_session;
    if (call.request.asked("resume") == "true") call.world.resume(lock, sandbox);
    const auto& now = call.world.sandbox(call.rest[0]);
    auto answer = whole_shape(call.world, now);
    answer["resumed"] = now.current_session != before;
    return json_answer(answer);
}

bool fits(const World& world, const Request& request, const Sandbox& sandbox) {
    if (const auto tag = request.asked("tags"); !tag.empty()) {
        const auto colon = tag.find(':');
        const auto found = sandbox.tags.find(tag.substr(0, colon));
        if (colon == std::string::npos) bad_request("Invalid request: `tags` should be key:value.");
        if (found == sandbox.tags.end() || found->second != tag.substr(colon + 1)) return false;
    }
    const auto prefix = request.asked("namePrefix");
    static_cast<void>(world);
    return sandbox.name.compare(0, prefix.size(), prefix) == 0;
}

std::string key_of(const Sandbox& sandbox, const std::string& sort) {
    if (sort == "name") return sandbox.name;
    if (sort == "statusUpdatedAt") return sort_key(sandbox.status_updated_at);
    if (sort == "currentSnapshotId") return sandbox.current_snapshot;
    if (sort != "createdAt") bad_request("Invalid request: `sortBy` is unknown.");
    return sort_key(sandbox.created_at);
}

Answer list(const Call& call) {
    const auto sort = call.request.asked("sortBy", "createdAt");
    if (call.request.query.contains("namePrefix") && sort != "name") {
        bad_request("Invalid request: `namePrefix` needs `sortBy` to be name.");
    }
    const auto status = call.request.asked("status");
    if (!status.empty() && sort != "createdAt")
        bad_request("Invalid request: `status` needs `sortBy` to be createdAt.");
    const Lock lock(call.world.mutex);
    std::vector<Listed> all;
    for (const auto& [name, sandbox] : call.world.sandboxes) {
        if (!fits(call.world, call.request, sandbox)) continue;
        auto object = shape(call.world, sandbox);
        if (status.empty() || object["status"] == status)
            all.push_back({key_of(sandbox, sort), name, std::move(object)});
    }
    return json_answer(page(call.request, "sandboxes", std::move(all)));
}

Answer update(const Call& call) {
    const Body body(call.request);
    const Lock lock(call.world.mutex);
    auto& sandbox = call.world.sandbox(call.rest[0]);
    change_sandbox(call.world, sandbox, body);
    call.world.touch(sandbox);
    return json_answer({{"sandbox", shape(call.world, sandbox)}, {"routes", routes_of(sandbox)}});
}

void remove_orphans(World& world, const std::string& name) {
    for (auto& [id, snapshot] : world.snapshots) {
        const auto uses = [&, wanted = id](const auto& entry) { return entry.second.current_snapshot == wanted; };
        const bool used = std::any_of(world.sandboxes.begin(), world.sandboxes.end(), uses);
        if (snapshot.sandbox == name && snapshot.status == "created" && !used) world.remove_snapshot(snapshot);
    }
}

Answer remove(const Call& call) {
    auto& world = call.world;
    const auto name = call.rest[0];
    Lock lock(world.mutex);
    settle(world, lock, name);
    const auto session = world.session(world.sandbox(name).current_session);
    if (session->status == Status::running) {
        world.begin_end(*session, Ending::removal);
        world.finish(lock, session, Ending::removal);
    }
    world.changed.wait(lock, [&] { return !session->alive() || world.ending(); });
    const auto found = world.sandboxes.find(name);
    if (found == world.sandboxes.end()) throw Refusal(404, "not_found", "Sandbox " + name + " not found.");
    const auto answer = json_answer({{"sandbox", shape(world, found->second)}});
    for (const auto& id : found->second.sessions) {
        world.sessions.erase(id);
    }
    world.sandboxes.erase(found);
    if (call.request.asked("deleteOrphanSnapshots") == "true") remove_orphans(world, name);
    return answer;
}

Answer fork(const Call& call) {
    const Body body(call.request);
    Lock lock(call.world.mutex);
    const auto& source = call.world.sandbox(call.rest[0]);
    if (source.current_snapshot.empty()) {
        throw Refusal(410, "snapshot_not_found", "Cannot fork sandbox: no snapshot available.");
    }
    auto sandbox = forked_sandbox(call.world, source, body);
    return begin(call.world, lock, std::move(sandbox), source.current_snapshot);
}

}  // namespace

std::optional<Answer> sandbox_endpoints(const Call& call) {
    if (call.is("POST", {})) return create(call);
    if (call.is("GET", {})) return list(call);
    if (call.is("GET", {"*"})) return get(call);
    if (call.is("PATCH", {"*"})) return update(call);
    if (call.is("DELETE", {"*"})) return remove(call);
    if (call.is("POST", {"*", "fork"})) return fork(call);
    return std::nullopt;
}

}  // namespace standin::vercel

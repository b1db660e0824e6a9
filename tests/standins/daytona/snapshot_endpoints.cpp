// Snapshots as the control plane has them: reusable images with resources.
#include <algorithm>

#include "endpoints.hpp"
#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

Answer get(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer(shape(call.world.snapshot(call.rest[1])));
}

Answer list(const Call& call) {
    const auto size = std::stoul("0" + call.request.asked("limit", "100"));
    const auto page = std::stoul("0" + call.request.asked("page", "1"));
    if (size < 1 || page < 1) bad_request("page and limit must be positive");
    const Lock lock(call.world.mutex);
    std::vector<const Snapshot*> found;
    for (const auto& [id, snapshot] : call.world.snapshots) {
        const auto source = call.request.asked("sourceSandboxId");
        if (snapshot.name.find(call.request.asked("name")) == std::string::npos) continue;
        if (!source.empty() && source != snapshot.source_sandbox) continue;
        found.push_back(&snapshot);
    }
    std::sort(found.begin(), found.end(), [](const auto* left, const auto* right) { return left->name < right->name; });
    auto items = Json::array();
    for (auto index = (page - 1) * size; index < std::min(found.size(), page * size); ++index) {
        items.push_back(shape(*found[index]));
    }
    return json_answer(
        {{"items", items}, {"total", found.size()}, {"page", page}, {"totalPages", (found.size() + size - 1) / size}});
}

void check_image(const std::string& image) {
    const auto tag = image.rfind(':');
    if (tag == std::string::npos || image.find('/', tag) != std::string::npos || image.substr(tag) == ":latest") {
        bad_request("Image name must include a tag or a digest, and not latest");
    }
}

Answer create(const Call& call) {
    const Fields fields(call.request);
    Snapshot snapshot;
    snapshot.name = fields.needed_text("name");
    const bool from_build = fields.has("buildInfo");
    if (!from_build) {
        snapshot.image = fields.needed_text("imageName");
        check_image(snapshot.image);
    }
    snapshot.cpu = fields.whole_number("cpu").value_or(1);
    snapshot.memory = fields.whole_number("memory").value_or(1);
    snapshot.disk_size = fields.whole_number("disk").value_or(3);
    const Lock lock(call.world.mutex);
    if (call.world.find_snapshot(snapshot.name) != nullptr) {
        throw Refusal(409, "", "Snapshot with name " + snapshot.name + " already exists for this organization");
    }
    snapshot.id = World::new_id();
    snapshot.created_at = snapshot.updated_at = call.world.now();
    snapshot.state = from_build ? "building" : "pulling";
    snapshot.due = call.world.now() + call.world.behaviour.step_ms;
    if (call.world.behaviour.failing_builds > 0) {
        --call.world.behaviour.failing_builds;
        snapshot.error_reason = call.world.behaviour.error_reason;
    }
    call.world.snapshots[snapshot.id] = snapshot;
    call.world.wake();
    return json_answer(shape(snapshot));
}

/// By its id alone: names are not taken here.
Snapshot& own_snapshot(const Call& call) {
    const auto found = call.world.snapshots.find(call.rest[1]);
    if (found == call.world.snapshots.end()) throw Refusal(404, "", "Snapshot with ID " + call.rest[1] + " not found");
    if (found->second.general) throw Refusal(403, "", "General snapshots cannot be changed");
    return found->second;
}

Answer remove(const Call& call) {
    const Lock lock(call.world.mutex);
    auto& snapshot = own_snapshot(call);
    snapshot.state = "removing";
    snapshot.due = call.world.now() + call.world.behaviour.step_ms;
    call.world.wake();
    return {200, {}, "", nullptr};
}

Answer activate(const Call& call) {
    const Lock lock(call.world.mutex);
    auto& snapshot = own_snapshot(call);
    if (snapshot.state != "inactive") bad_request("Snapshot " + snapshot.name + " is not inactive");
    snapshot.state = "active";
    return json_answer(shape(snapshot));
}

Answer deactivate(const Call& call) {
    const Lock lock(call.world.mutex);
    auto& snapshot = own_snapshot(call);
    if (snapshot.state != "active") bad_request("Snapshot " + snapshot.name + " is not active");
    snapshot.state = "inactive";
    return {204, {}, "", nullptr};
}

}  // namespace

std::optional<Answer> snapshot_endpoints(const Call& call) {
    if (call.is("GET", {"snapshots"})) return list(call);
    if (call.is("POST", {"snapshots"})) return create(call);
    if (call.is("GET", {"snapshots", "*"})) return get(call);
    if (call.is("DELETE", {"snapshots", "*"})) return remove(call);
    if (call.is("POST", {"snapshots", "*", "activate"})) return activate(call);
    if (call.is("POST", {"snapshots", "*", "deactivate"})) return deactivate(call);
    return std::nullopt;
}

}  // namespace standin::daytona

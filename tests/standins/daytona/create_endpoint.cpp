// POST /sandbox: what is refused, and what a new sandbox is made of.
#include <algorithm>
#include <array>
#include <cctype>

#include "endpoints.hpp"
#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

constexpr std::array resources{"cpu", "memory", "disk", "gpu"};
constexpr const char* default_snapshot = "daytona-small";

void check_name(World& world, const std::string& name) {
    const auto refused = [](unsigned char letter) {
        return std::iscntrl(letter) != 0 || letter == '<' || letter == '>';
    };
    if (name.empty() || std::any_of(name.begin(), name.end(), refused) || name.find("://") != std::string::npos) {
        bad_request("name contains characters that are not allowed");
    }
    for (const auto& [id, sandbox] : world.sandboxes) {
        if (sandbox->name == name) throw Refusal(409, "", "Sandbox with name " + name + " already exists");
    }
}

void take_snapshot(World& world, const Fields& fields, Sandbox& sandbox) {
    if (std::any_of(resources.begin(), resources.end(), [&](const char* name) { return fields.has(name); })) {
        bad_request("Cannot specify Sandbox resources when using a snapshot");
    }
    const auto wanted = fields.text("snapshot").value_or(default_snapshot);
    const auto* found = world.find_snapshot(wanted);
    if (found == nullptr) {
        bad_request("Snapshot " + wanted + " not found. Did you add it through the Daytona Dashboard?");
    }
    if (found->state == "inactive") bad_request("Snapshot " + wanted + " is inactive");
    if (found->state != "active") bad_request("Snapshot " + wanted + " is " + found->state);
    sandbox.snapshot = found->name;
    sandbox.source = found->disk;
    sandbox.cpu = found->cpu;
    sandbox.memory = found->memory;
    sandbox.disk_size = found->disk_size;
}

/// The image of a Dockerfile's first line, or "".
std::string image_of(const std::string& dockerfile) {
    if (dockerfile.rfind("FROM ", 0) != 0) return "";
    return dockerfile.substr(5, dockerfile.find_first_of(" \n", 5) - 5);
}

void take_image(const Fields& fields, Sandbox& sandbox) {
    const auto& build = fields.json()["buildInfo"];
    if (fields.has("snapshot")) bad_request("Cannot specify both a snapshot and a build info entry");
    if (!build.is_object() || !build.contains("dockerfileContent") || !build["dockerfileContent"].is_string()) {
        bad_request("buildInfo.dockerfileContent must be a string");
    }
    if (image_of(build["dockerfileContent"].get<std::string>()).empty()) {
        bad_request("the Dockerfile must begin with FROM");
    }
    const auto size = [&](const char* name, std::int64_t otherwise, std::int64_t least) {
        const auto value = fields.whole_number(name).value_or(otherwise);
        if (value < least) bad_request(std::string(name) + " must not be less than " + std::to_string(least));
        return value;
    };
    sandbox.build = build;
    sandbox.build["createdAt"] = sandbox.build["updatedAt"] = time_text(sandbox.created_at);
    sandbox.cpu = size("cpu", 1, 1);
    sandbox.memory = size("memory", 1, 1);
    sandbox.disk_size = size("disk", 3, 1);
    sandbox.gpu = size("gpu", 0, 0);
}

std::int64_t interval(const Fields& fields, const char* name, std::int64_t otherwise, std::int64_t least) {
    const auto value = fields.whole_number(name).value_or(otherwise);
    if (value < least) bad_request(std::string(name) + " must be a non-negative integer");
    return value;
}

void take_settings(const Fields& fields, Sandbox& sandbox) {
    sandbox.env = fields.texts("env");
    sandbox.labels = fields.texts("labels");
    sandbox.user = fields.text("user").value_or("daytona");
    sandbox.target = fields.text("target").value_or("eu");
    sandbox.auto_stop = interval(fields, "autoStopInterval", 15, 0);
    sandbox.auto_archive = interval(fields, "autoArchiveInterval", 10080, 0);
    sandbox.auto_delete = interval(fields, "autoDeleteInterval", -1, -1);
    sandbox.ttl = interval(fields, "ttlMinutes", 0, 0);
    sandbox.settings = {{"public", fields.yes_or_no("public").value_or(false)},
                        {"networkBlockAll", fields.yes_or_no("networkBlockAll").value_or(false)}};
    for (const auto* name : {"networkAllowList", "domainAllowList"}) {
        if (const auto value = fields.text(name)) sandbox.settings[name] = *value;
    }
    if (fields.has("volumes")) sandbox.volumes = fields.json()["volumes"];
    if (interval(fields, "autoPauseInterval", 0, 0) > 0) {
        throw Refusal(422, "", "Auto-pause is not supported for sandboxes of the class container");
    }
    if (sandbox.gpu > 0 && sandbox.auto_delete != 0) bad_request("GPU sandboxes must have an autoDeleteInterval of 0");
}

/// A snapshot's name is no image that a registry would have.
bool names_snapshot(World& world, const Sandbox& sandbox) {
    return world.find_snapshot(image_of(sandbox.build["dockerfileContent"].get<std::string>())) != nullptr;
}

Answer create(const Call& call) {
    const Fields fields(call.request);
    Lock lock(call.world.mutex);
    const auto sandbox = std::make_shared<Sandbox>();
    sandbox->id = World::new_id();
    sandbox->created_at = sandbox->last_activity = call.world.now();
    sandbox->name = fields.text("name").value_or(sandbox->id);
    check_name(call.world, sandbox->name);
    const bool from_image = fields.has("buildInfo");
    if (from_image) {
        take_image(fields, *sandbox);
    } else {
        take_snapshot(call.world, fields, *sandbox);
    }
    take_settings(fields, *sandbox);
    call.world.sandboxes[sandbox->id] = sandbox;
    if (!from_image) {
        call.world.go(*sandbox, {"creating", "starting", "started"}, "started");
    } else if (names_snapshot(call.world, *sandbox)) {
        sandbox->error_reason = "pull access denied, repository does not exist or may require authorization";
        call.world.go(*sandbox, {"pending_build", "building_snapshot", "build_failed"}, "started");
    } else {
        call.world.go(*sandbox, {"pending_build", "building_snapshot", "creating", "starting", "started"}, "started");
    }
    auto answered = shape(call.world, *sandbox);  // as it was before any wait
    if (!from_image) call.world.await_settled(lock, sandbox);
    if (!from_image && sandbox->state == "error" && call.world.behaviour.answers == "late") {
        bad_request("Sandbox failed to start: " + sandbox->error_reason);
    }
    return json_answer(answered);
}

}  // namespace

std::optional<Answer> create_endpoint(const Call& call) {
    if (call.is("POST", {"sandbox"})) return create(call);
    return std::nullopt;
}

}  // namespace standin::daytona

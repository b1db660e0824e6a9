// A sandbox's life: read, start, stop, archive, recover, delete, resize, snapshot.
#include <set>

#include "endpoints.hpp"
#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

/// Refuses what is in the middle of a change, as 409, or as the 400 that users have met, too.
void check_settled(const Call& call, const Sandbox& sandbox) {
    if (sandbox.next.empty()) return;
    throw Refusal(static_cast<unsigned>(call.world.behaviour.conflict_status), "", "Sandbox state change in progress");
}

Answer answered(const Call& call, Lock& lock, const std::shared_ptr<Sandbox>& sandbox) {
    call.world.await_settled(lock, sandbox);
    return json_answer(shape(call.world, *sandbox));
}

Answer get(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer(shape(call.world, *call.world.sandbox(call.rest[1])));
}

Answer remove(const Call& call) {
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    check_settled(call, *sandbox);
    call.world.go(*sandbox, {"destroying", "destroyed"}, "destroyed");
    // The name is free from now on.
    sandbox->name += "_DESTROYED_" + std::to_string(call.world.now());
    return json_answer(shape(call.world, *sandbox));
}

Answer start(const Call& call) {
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    if (sandbox->state == "started" && sandbox->next.empty()) return json_answer(shape(call.world, *sandbox));
    if (sandbox->state != "archiving") check_settled(call, *sandbox);
    if (sandbox->state == "error" || sandbox->state == "build_failed") {
        bad_request("Sandbox is in an errored state");
    }
    if (sandbox->state == "archived" || sandbox->state == "archiving") {
        call.world.go(*sandbox, {"restoring", "starting", "started"}, "started");
        return json_answer(shape(call.world, *sandbox));
    }
    if (sandbox->state != "stopped" && sandbox->state != "paused") bad_request("Sandbox is not in valid state");
    call.world.go(*sandbox, {"starting", "started"}, "started");
    return answered(call, lock, sandbox);
}

Answer stop(const Call& call) {
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    check_settled(call, *sandbox);
    if (sandbox->state != "started" && sandbox->state != "paused") {
        bad_request("Sandbox is not in a stoppable state");
    }
    if (sandbox->auto_delete == 0) {
        call.world.go(*sandbox, {"destroying", "destroyed"}, "destroyed");
    } else {
        call.world.go(*sandbox, {"stopping", "stopped"}, "stopped");
    }
    return json_answer(shape(call.world, *sandbox));
}

Answer archive(const Call& call) {
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    check_settled(call, *sandbox);
    if (sandbox->state != "stopped") bad_request("Sandbox is not stopped");
    if (sandbox->auto_delete == 0) bad_request("Ephemeral sandboxes cannot be archived");
    call.world.go(*sandbox, {"archiving", "archived"}, "archived");
    return json_answer(shape(call.world, *sandbox));
}

Answer recover(const Call& call) {
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    if (sandbox->state != "error") bad_request("Sandbox must be in error state to recover");
    if (!sandbox->recoverable) bad_request("Sandbox is not recoverable");
    sandbox->error_reason.clear();
    sandbox->recoverable = false;
    if (call.request.asked("skipStart") == "true") {
        call.world.go(*sandbox, {"stopped"}, "stopped");
        return json_answer(shape(call.world, *sandbox));
    }
    call.world.go(*sandbox, {"starting", "started"}, "started");
    return answered(call, lock, sandbox);
}

Answer resize(const Call& call) {
    const Fields fields(call.request);
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    check_settled(call, *sandbox);
    const auto back = sandbox->state;
    if (back != "started" && back != "stopped") bad_request("Sandbox is not in valid state");
    const auto cpu = fields.whole_number("cpu").value_or(sandbox->cpu);
    const auto memory = fields.whole_number("memory").value_or(sandbox->memory);
    const auto disk = fields.whole_number("disk").value_or(sandbox->disk_size);
    if (cpu == sandbox->cpu && memory == sandbox->memory && disk == sandbox->disk_size) {
        bad_request("At least one resource must change");
    }
    const bool running = back == "started";
    if (cpu < 1 || memory < 1 || disk < sandbox->disk_size) bad_request("Resources cannot be made smaller");
    if (running && (cpu < sandbox->cpu || memory < sandbox->memory || disk != sandbox->disk_size)) {
        bad_request("A running Sandbox takes only more cpu and memory");
    }
    sandbox->cpu = cpu;
    sandbox->memory = memory;
    sandbox->disk_size = disk;
    call.world.go(*sandbox, {"resizing", back}, "resized");
    return json_answer(shape(call.world, *sandbox));
}

Answer take_snapshot(const Call& call) {
    const Fields fields(call.request);
    const auto name = fields.needed_text("name");
    Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    check_settled(call, *sandbox);
    const auto back = sandbox->state;
    if (back != "started" && back != "stopped") bad_request("Sandbox is not in valid state");
    if (fields.yes_or_no("includeMemory").value_or(false)) {
        throw Refusal(422, "", "Memory is only included for sandboxes of a VM class");
    }
    sandbox->snapshot_to_take = name;
    call.world.go(*sandbox, {"snapshotting", back}, back);
    return json_answer(shape(call.world, *sandbox));
}

Answer not_for_containers(const Call& call) {
    const Lock lock(call.world.mutex);
    static_cast<void>(call.world.sandbox(call.rest[1]));
    throw Refusal(422, "", "Sandboxes of the class container do not support " + call.rest[2]);
}

}  // namespace

std::optional<Answer> sandbox_endpoints(const Call& call) {
    if (call.is("GET", {"sandbox", "*"})) return get(call);
    if (call.is("DELETE", {"sandbox", "*"})) return remove(call);
    if (call.is("POST", {"sandbox", "*", "start"})) return start(call);
    if (call.is("POST", {"sandbox", "*", "stop"})) return stop(call);
    if (call.is("POST", {"sandbox", "*", "archive"})) return archive(call);
    if (call.is("POST", {"sandbox", "*", "recover"})) return recover(call);
    if (call.is("POST", {"sandbox", "*", "resize"})) return resize(call);
    if (call.is("POST", {"sandbox", "*", "snapshot"})) return take_snapshot(call);
    if (call.is("POST", {"sandbox", "*", "pause"})) return not_for_containers(call);
    if (call.is("POST", {"sandbox", "*", "fork"})) return not_for_containers(call);
    return std::nullopt;
}

}  // namespace standin::daytona

#include "vercel_control.hpp"

#include "shapes.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

Answer advance(World& world, Clock& clock, const Request& request) {
    const Body body(request);
    body.only({"advance_ms"});
    const std::lock_guard lock(world.mutex);
    clock.advance(body.number("advance_ms", 0, std::int64_t{1} << 50U).value_or(0));
    world.wake();
    return json_answer({{"now", clock.now()}});
}

std::string one_of(const Body& body, const char* name, const std::string& old,
                   std::initializer_list<const char*> known) {
    const auto value = body.text(name).value_or(old);
    for (const auto* each : known) {
        if (value == each) return value;
    }
    bad_request(std::string("`") + name + "` cannot be " + value);
}

Answer change_behaviour(World& world, const Request& request) {
    const Body body(request);
    body.only({"maximum_timeout", "holds", "stop_answers", "stopped_streams_end", "kill_reaches", "commands_end",
               "failing_boots", "requests_per_minute", "work"});
    constexpr std::int64_t most = 1'000'000'000;
    const std::lock_guard lock(world.mutex);
    auto next = world.behaviour;
    next.maximum_timeout = body.number("maximum_timeout", 1000, most).value_or(next.maximum_timeout);
    next.stop_answers = one_of(body, "stop_answers", next.stop_answers, {"stopped", "stopping"});
    next.stopped_streams_end = one_of(body, "stopped_streams_end", next.stopped_streams_end, {"error", "early"});
    next.kill_reaches = one_of(body, "kill_reaches", next.kill_reaches, {"process", "group"});
    next.commands_end = one_of(body, "commands_end", next.commands_end, {"process", "output"});
    next.work = one_of(body, "work", next.work, {"done", "none"});
    next.failing_boots = static_cast<int>(body.number("failing_boots", 0, most).value_or(next.failing_boots));
    next.requests_per_minute =
        static_cast<int>(body.number("requests_per_minute", 0, most).value_or(next.requests_per_minute));
    if (const auto holds = body.texts("holds")) {
        next.holds.clear();
        for (const auto& place : *holds) {
            if (place != "pending" && place != "stopping" && place != "snapshotting" && place != "snapshot_current") {
                bad_request("there is no place named " + place);
            }
            next.holds.insert(place);
        }
    }
    world.behaviour = next;
    world.wake();
    return json_answer(Json::object());
}

/// Everything there is, and what would still cost money on the real service.
Answer state(World& world) {
    const std::lock_guard lock(world.mutex);
    Json all{
        {"now", world.now()}, {"sandboxes", Json::array()}, {"sessions", Json::array()}, {"snapshots", Json::array()}};
    std::size_t running = 0;
    std::uintmax_t stored = 0;
    for (const auto& [name, sandbox] : world.sandboxes) {
        all["sandboxes"].push_back(shape(world, sandbox));
    }
    for (const auto& [id, session] : world.sessions) {
        auto object = shape(*session);
        object["commands"] = Json::array();
        for (const auto& command : session->commands) {
            object["commands"].push_back(shape(*command));
        }
        all["sessions"].push_back(std::move(object));
        if (session->alive()) ++running;
    }
    for (const auto& [id, snapshot] : world.snapshots) {
        all["snapshots"].push_back(shape(snapshot));
        if (snapshot.status == "created") stored += snapshot.size;
    }
    all["bills"] = {{"running_sessions", running}, {"stored_bytes", stored}};
    return json_answer(all);
}

}  // namespace

Answer vercel_control(World& world, Clock& clock, const Request& request) {
    const auto name = request.segments.size() == 2 ? request.segments[1] : "";
    const auto call = request.method + " " + name;
    if (call == "POST clock") return advance(world, clock, request);
    if (call == "POST behaviour") return change_behaviour(world, request);
    if (call == "GET state") return state(world);
    throw Refusal(404, "not_found", "the control interface has no " + request.method + " " + request.path);
}

}  // namespace standin::vercel

// Endpoints of sessions beyond commands and files: get, list, stop, extend, network policy, interactive.
#include <limits>

#include "endpoints.hpp"
#include "pages.hpp"
#include "shapes.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

Answer get(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto session = call.world.session(call.rest[1]);
    return json_answer({{"session", shape(*session)}, {"routes", routes_of(call.world.sandbox(session->sandbox))}});
}

Answer list(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto name = call.request.asked("name");
    std::vector<Listed> all;
    for (const auto& [id, session] : call.world.sessions) {
        if (name.empty() || session->sandbox == name)
            all.push_back({sort_key(session->requested_at), id, shape(*session)});
    }
    return json_answer(page(call.request, "sessions", std::move(all)));
}

Answer stop(const Call& call) {
    Body(call.request).only({});
    auto& world = call.world;
    Lock lock(world.mutex);
    const auto session = world.usable_session(lock, call.rest[1]);
    world.begin_end(*session, Ending::stop);
    Json answer;
    std::string snapshot;
    if (world.behaviour.stop_answers == "stopping") {
        world.threads().start([&world, session] {
            Lock own(world.mutex);
            world.finish(own, session, Ending::stop);
        });
    } else {
        snapshot = world.finish(lock, session, Ending::stop);
    }
    answer["session"] = shape(*session);
    const auto found = world.sandboxes.find(session->sandbox);
    if (found != world.sandboxes.end() && found->second.persistent) answer["sandbox"] = shape(world, found->second);
    if (!snapshot.empty()) answer["snapshot"] = shape(world.snapshot(snapshot));
    return json_answer(answer);
}

Answer extend(const Call& call) {
    const Body body(call.request);
    body.only({"duration"});
    if (!body.has("duration")) bad_request("Invalid request: missing required property `duration`.");
    const auto duration = *body.number("duration", 1000, std::numeric_limits<std::int32_t>::max());
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    if (session->timeout + duration > call.world.behaviour.maximum_timeout) {
        throw Refusal(400, "sandbox_timeout_invalid",
                      "Timeout must be at most " + std::to_string(call.world.behaviour.maximum_timeout) + " ms.");
    }
    session->timeout += duration;
    session->updated_at = call.world.now();
    call.world.wake();
    return json_answer({{"session", shape(*session)}});
}

Answer set_network_policy(const Call& call) {
    const auto policy = answered_policy(Json::parse(call.request.body, nullptr, false));
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    session->network_policy = policy;
    call.world.sandbox(session->sandbox).network_policy = policy;
    return json_answer({{"session", shape(*session)}});
}

Answer interactive(const Call& call) {
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    return json_answer({{"url", "wss://interactive.vercel.run/" + session->id}, {"token", call.world.new_id("")}});
}

}  // namespace

std::optional<Answer> session_endpoints(const Call& call) {
    if (call.is("GET", {"sessions"})) return list(call);
    if (call.is("GET", {"sessions", "*"})) return get(call);
    if (call.is("POST", {"sessions", "*", "stop"})) return stop(call);
    if (call.is("POST", {"sessions", "*", "extend-timeout"})) return extend(call);
    if (call.is("POST", {"sessions", "*", "network-policy"})) return set_network_policy(call);
    if (call.is("POST", {"sessions", "*", "interactive"})) return interactive(call);
    return std::nullopt;
}

}  // namespace standin::vercel

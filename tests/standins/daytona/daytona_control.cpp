#include "daytona_control.hpp"

#include <algorithm>

#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

Answer advance(World& world, Clock& clock, const Request& request) {
    const Fields fields(request);
    const std::lock_guard lock(world.mutex);
    clock.advance(fields.whole_number("advance_ms").value_or(0));
    world.wake();
    return json_answer({{"now", clock.now()}});
}

/// Takes over the members of a behaviour, and refuses those that there are not.
class Changes {
public:
    Changes(const Request& request, Behaviour& into) : fields_(request), into_(into) {}

    void take() {
        for (const auto& [name, value] : fields_.json().items()) {
            if (!take(name)) bad_request("there is no behaviour named " + name);
        }
    }

private:
    bool take(const std::string& name) {
        const std::map<std::string, int Behaviour::*> counts{
            {"late_toolbox", &Behaviour::late_toolbox},
            {"empty_proxy_urls", &Behaviour::empty_proxy_urls},
            {"failing_starts", &Behaviour::failing_starts},
            {"failing_builds", &Behaviour::failing_builds},
            {"conflict_status", &Behaviour::conflict_status},
            {"page_items", &Behaviour::page_items},
            {"silent_snapshot_failures", &Behaviour::silent_snapshot_failures}};
        const std::map<std::string, Milliseconds Behaviour::*> times{
            {"step_ms", &Behaviour::step_ms},
            {"log_close_after_ms", &Behaviour::log_close_after_ms},
            {"kill_grace_ms", &Behaviour::kill_grace_ms}};
        const std::map<std::string, std::size_t Behaviour::*> sizes{{"log_bytes", &Behaviour::log_bytes},
                                                                    {"log_slice", &Behaviour::log_slice},
                                                                    {"log_end_after", &Behaviour::log_end_after}};
        const std::map<std::string, bool Behaviour::*> switches{{"recoverable", &Behaviour::recoverable},
                                                                {"list_repeats", &Behaviour::list_repeats},
                                                                {"bulk_download_cut", &Behaviour::bulk_download_cut}};
        if (const auto at = counts.find(name); at != counts.end()) {
            into_.*(at->second) = static_cast<int>(number(name));
        } else if (const auto time = times.find(name); time != times.end()) {
            into_.*(time->second) = number(name);
        } else if (const auto size = sizes.find(name); size != sizes.end()) {
            into_.*(size->second) = static_cast<std::size_t>(number(name));
        } else if (const auto toggle = switches.find(name); toggle != switches.end()) {
            into_.*(toggle->second) = fields_.yes_or_no(name.c_str()).value_or(false);
        } else {
            return take_text(name);
        }
        return true;
    }

    bool take_text(const std::string& name) {
        if (name == "answers") {
            into_.answers = one_of(name, {"at_once", "late"});
        } else if (name == "work") {
            into_.work = one_of(name, {"done", "none"});
        } else if (name == "log_end") {
            into_.log_end = one_of(name, {"close", "early", "never", "abnormal"});
        } else if (name == "log_frames") {
            into_.log_frames = one_of(name, {"binary", "text"});
        } else if (name == "daemon_version") {
            into_.daemon_version = fields_.needed_text(name.c_str());
        } else if (name == "error_reason") {
            into_.error_reason = fields_.needed_text(name.c_str());
        } else if (name == "entrypoint") {
            into_.entrypoint = fields_.text(name.c_str()).value_or("");
        } else if (name == "holds") {
            const auto states = fields_.list(name.c_str());
            into_.holds = {states.begin(), states.end()};
        } else {
            return false;
        }
        return true;
    }

    [[nodiscard]] std::int64_t number(const std::string& name) const {
        const auto value = fields_.whole_number(name.c_str()).value_or(0);
        if (value < 0) bad_request(name + " must not be negative");
        return value;
    }

    [[nodiscard]] std::string one_of(const std::string& name, std::initializer_list<const char*> known) const {
        const auto value = fields_.text(name.c_str()).value_or("");
        const bool is_known = std::any_of(known.begin(), known.end(), [&](const char* each) { return value == each; });
        if (!is_known) bad_request("`" + name + "` cannot be " + value);
        return value;
    }

    Fields fields_;
    Behaviour& into_;
};

Answer change_behaviour(World& world, const Request& request) {
    const std::lock_guard lock(world.mutex);
    auto next = world.behaviour;
    Changes(request, next).take();
    if (next.log_slice == 0) bad_request("`log_slice` must be at least 1");
    world.behaviour = next;
    world.wake();
    return json_answer(Json::object());
}

/// Everything there is, and what would still cost money on the real service.
Answer state(World& world) {
    const std::lock_guard lock(world.mutex);
    Json all{{"now", world.now()}, {"sandboxes", Json::array()}, {"snapshots", Json::array()}};
    std::size_t running = 0;
    const auto empty = std::exchange(world.behaviour.empty_proxy_urls, 0);  // meant for clients
    for (const auto& [id, sandbox] : world.sandboxes) {
        auto object = shape(world, *sandbox);
        object["sessions"] = Json::array();
        for (const auto& [name, shell] : sandbox->shells) {
            object["sessions"].push_back(shape(*shell));
        }
        object["daemonEnvironment"] = sandbox->daemon_environment;
        all["sandboxes"].push_back(std::move(object));
        if (sandbox->machine) ++running;
    }
    world.behaviour.empty_proxy_urls = empty;
    std::size_t own = 0;
    for (const auto& [id, snapshot] : world.snapshots) {
        all["snapshots"].push_back(shape(snapshot));
        if (!snapshot.general) ++own;
    }
    all["bills"] = {{"running_sandboxes", running}, {"sandboxes", world.sandboxes.size()}, {"snapshots", own}};
    return json_answer(all);
}

}  // namespace

Answer daytona_control(World& world, Clock& clock, const Request& request) {
    const auto name = request.segments.size() == 2 ? request.segments[1] : "";
    const auto call = request.method + " " + name;
    if (call == "POST clock") return advance(world, clock, request);
    if (call == "POST behaviour") return change_behaviour(world, request);
    if (call == "GET state") return state(world);
    throw Refusal(404, "", "the control interface has no " + request.method + " " + request.path);
}

}  // namespace standin::daytona

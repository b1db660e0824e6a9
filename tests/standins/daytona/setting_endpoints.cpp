// A sandbox's labels, intervals and addresses, and what the service says of itself.
#include <charconv>

#include "endpoints.hpp"
#include "fields.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

std::int64_t minutes_of(const std::string& text, std::int64_t least) {
    std::int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value < least) {
        bad_request("the interval must be a whole number of minutes from " + std::to_string(least));
    }
    return value;
}

Answer set_interval(const Call& call) {
    const std::map<std::string, std::int64_t Sandbox::*> intervals{{"autostop", &Sandbox::auto_stop},
                                                                   {"autoarchive", &Sandbox::auto_archive},
                                                                   {"autodelete", &Sandbox::auto_delete},
                                                                   {"ttl", &Sandbox::ttl}};
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    const auto found = intervals.find(call.rest[2]);
    if (found == intervals.end()) {
        throw Refusal(422, "", "Sandboxes of the class container do not support " + call.rest[2]);
    }
    (*sandbox).*(found->second) = minutes_of(call.rest[3], call.rest[2] == "autodelete" ? -1 : 0);
    sandbox->updated_at = call.world.now();
    call.world.wake();
    return json_answer(shape(call.world, *sandbox));
}

Answer set_labels(const Call& call) {
    const Fields fields(call.request);
    if (!fields.has("labels")) bad_request("labels should not be empty");
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    sandbox->labels = fields.texts("labels");
    sandbox->updated_at = call.world.now();
    return json_answer({{"labels", sandbox->labels}});
}

Answer keep_awake(const Call& call) {
    const Lock lock(call.world.mutex);
    call.world.sandbox(call.rest[1])->last_activity = call.world.now();
    return {201, {}, "", nullptr};
}

Answer set_public(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    sandbox->settings["public"] = call.rest[3] == "true";
    return json_answer(shape(call.world, *sandbox));
}

Answer set_network(const Call& call) {
    const Fields fields(call.request);
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    for (const auto* name : {"networkBlockAll", "networkAllowList", "domainAllowList"}) {
        if (fields.has(name)) sandbox->settings[name] = fields.json()[name];
    }
    return json_answer(shape(call.world, *sandbox));
}

Answer toolbox_url(const Call& call) {
    const Lock lock(call.world.mutex);
    static_cast<void>(call.world.sandbox(call.rest[1]));
    return json_answer({{"url", call.world.proxy_url}});
}

Answer preview_url(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    return json_answer({{"sandboxId", sandbox->id},
                        {"url", "https://" + call.rest[3] + "-" + sandbox->id + ".proxy.invalid"},
                        {"token", sandbox->preview_token}});
}

Answer build_logs_url(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    if (sandbox->build.is_null()) throw Refusal(404, "", "Sandbox has no build");
    return json_answer({{"url", call.world.api_url + "/standin-build-logs/" + sandbox->id}});
}

Answer build_logs(const Call& call) {
    const Lock lock(call.world.mutex);
    const auto sandbox = call.world.sandbox(call.rest[1]);
    return {200,
            {{"content-type", "text/plain; charset=utf-8"}},
            "Step 1/1 : " + sandbox->build.value("dockerfileContent", ""),
            nullptr};
}

Answer configuration(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer({{"version", call.world.behaviour.daemon_version},
                        {"proxyToolboxUrl", call.world.proxy_url},
                        {"defaultSnapshot", "daytona-small"}});
}

}  // namespace

std::optional<Answer> setting_endpoints(const Call& call) {
    if (call.is("PUT", {"sandbox", "*", "labels"})) return set_labels(call);
    if (call.is("POST", {"sandbox", "*", "last-activity"})) return keep_awake(call);
    if (call.is("POST", {"sandbox", "*", "public", "*"})) return set_public(call);
    if (call.is("POST", {"sandbox", "*", "network-settings"})) return set_network(call);
    for (const auto* name : {"autostop", "autoarchive", "autodelete", "autopause", "ttl"}) {
        if (call.is("POST", {"sandbox", "*", name, "*"})) return set_interval(call);
    }
    if (call.is("GET", {"sandbox", "*", "toolbox-proxy-url"})) return toolbox_url(call);
    if (call.is("GET", {"sandbox", "*", "ports", "*", "preview-url"})) return preview_url(call);
    if (call.is("GET", {"sandbox", "*", "build-logs-url"})) return build_logs_url(call);
    if (call.is("GET", {"standin-build-logs", "*"})) return build_logs(call);
    if (call.is("GET", {"config"})) return configuration(call);
    if (call.request.method == "GET" && call.rest.size() == 4 && call.rest[2] == "telemetry") {
        throw Refusal(403, "", "Telemetry is served by the analytics API");
    }
    return std::nullopt;
}

}  // namespace standin::daytona

#include "sandbox_settings.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace standin::vercel {

namespace {

constexpr auto no_limit = std::numeric_limits<std::int64_t>::max();

void set_ports(World& world, Sandbox& sandbox, const std::vector<int>& ports) {
    std::map<int, std::string> subdomains;
    for (const int port : ports) {
        const auto old = sandbox.subdomains.find(port);
        auto subdomain = old == sandbox.subdomains.end() ? world.new_id("sb-") : old->second;
        std::transform(subdomain.begin(), subdomain.end(), subdomain.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        subdomains[port] = std::move(subdomain);
    }
    sandbox.subdomains = std::move(subdomains);
}

/// Members that create, fork and update have in common.
void set_common(World& world, Sandbox& sandbox, const Body& body) {
    if (const auto persistent = body.yes_or_no("persistent")) sandbox.persistent = *persistent;
    if (const auto timeout = body.number("timeout", 1000, world.behaviour.maximum_timeout)) sandbox.timeout = *timeout;
    if (body.has("resources")) sandbox.resources = valid_resources(body["resources"]);
    if (body.has("networkPolicy")) sandbox.network_policy = answered_policy(body["networkPolicy"]);
    if (body.has("tags")) sandbox.tags = valid_tags(body);
    if (body.has("env")) sandbox.variables = valid_variables(body);
    if (body.has("ports")) set_ports(world, sandbox, valid_ports(body["ports"]));
    if (const auto expiration = body.number("snapshotExpiration", 0, no_limit))
        sandbox.snapshot_expiration = expiration;
    if (body.has("keepLastSnapshots")) sandbox.keep_last_snapshots = valid_keep_last(body["keepLastSnapshots"]);
    if (body.is_null("networkId")) {
        sandbox.network_id.clear();
    } else if (const auto network = body.text("networkId")) {
        sandbox.network_id = *network;
    }
    if (body.has("mounts")) sandbox.mounts = body["mounts"];
    if (const auto region = body.text("region")) sandbox.region = *region;
    if (const auto regions = body.texts("failoverRegions")) {
        if (std::find(regions->begin(), regions->end(), sandbox.region) != regions->end()) {
            bad_request("Invalid request: `failoverRegions` should not contain the region.");
        }
        sandbox.failover_regions = regions->empty() ? Json() : Json(*regions);
    }
}

std::string name_of_new(World& world, const Body& body) {
    const auto name = body.text("name");
    if (!name) return world.new_id("sandbox-");
    check_name(*name);
    return *name;
}

void set_runtime(Sandbox& sandbox, const std::string& runtime) {
    constexpr std::array known{"node26", "node24", "node22", "python3.13"};
    if (std::find(known.begin(), known.end(), runtime) == known.end()) {
        bad_request("Invalid request: `runtime` should be one of node26, node24, node22, python3.13.");
    }
    sandbox.runtime = runtime;
    sandbox.image.clear();
    sandbox.account = {"vercel-sandbox", "/vercel/sandbox"};
}

/// v2 is Amazon Linux with a runtime, v3 is Ubuntu from an image.
void set_system(Sandbox& sandbox, const Body& body, int version) {
    const auto runtime = body.text("runtime");
    const auto image = body.text("image");
    if (runtime && image) bad_request("Invalid request: `runtime` and `image` exclude each other.");
    if (runtime && version != 2) bad_request("Invalid request: should NOT have additional property `runtime`.");
    if (!snapshot_of_source(body).empty() && (runtime || image)) {
        bad_request("Invalid request: `source` of type snapshot excludes `runtime` and `image`.");
    }
    if (version == 2 && !image) {
        set_runtime(sandbox, runtime.value_or("node24"));
        return;
    }
    sandbox.image = image.value_or("vercel/sandbox/universal:latest");
    if (sandbox.image.find("@sha256:") == std::string::npos) {
        sandbox.image = sandbox.image.substr(0, sandbox.image.rfind(':')) + "@sha256:" + std::string(64, '0');
    }
    sandbox.account = {"ubuntu", "/vercel"};
}

void check_timeout(const World& world, const Body& body) {
    const auto timeout = body.number("timeout", 1000, no_limit);
    if (timeout && *timeout > world.behaviour.maximum_timeout) {
        bad_request("Invalid request: `timeout` should be <= " + std::to_string(world.behaviour.maximum_timeout) + ".");
    }
}

}  // namespace

Sandbox new_sandbox(World& world, const Body& body, int version) {
    body.only({"projectId", "ports", "name", "image", "runtime", "timeout", "resources", "env", "persistent", "source",
               "networkPolicy", "networkId", "tags", "snapshotExpiration", "keepLastSnapshots", "region",
               "failoverRegions", "mounts"});
    check_timeout(world, body);
    Sandbox sandbox;
    sandbox.name = name_of_new(world, body);
    sandbox.timeout = Milliseconds{5} * 60 * 1000;
    sandbox.resources = {{"vcpus", 2}, {"memory", 4096}};
    sandbox.region = "iad1";
    sandbox.network_policy = {{"mode", "allow-all"}};
    set_system(sandbox, body, version);
    set_common(world, sandbox, body);
    return sandbox;
}

Sandbox forked_sandbox(World& world, const Sandbox& source, const Body& body) {
    body.only({"ports", "name", "image", "timeout", "resources", "env", "persistent", "networkPolicy", "networkId",
               "tags", "snapshotExpiration", "keepLastSnapshots", "region", "failoverRegions"});
    check_timeout(world, body);
    Sandbox sandbox = source;
    sandbox.name = name_of_new(world, body);
    sandbox.sessions.clear();
    sandbox.subdomains.clear();
    sandbox.total_cpu = sandbox.total_duration = 0;
    std::vector<int> ports;
    for (const auto& [port, subdomain] : source.subdomains) {
        ports.push_back(port);
    }
    set_ports(world, sandbox, ports);
    set_common(world, sandbox, body);
    return sandbox;
}

std::string snapshot_of_source(const Body& body) {
    if (!body.has("source")) return "";
    const auto& source = body["source"];
    const auto type = source.is_object() ? source.value("type", "") : "";
    if (type == "git" || type == "tarball") {
        if (!source.contains("url")) bad_request("Invalid request: missing required property `source.url`.");
        bad_request("The stand-in has no network, so `source` can only be of type snapshot.");
    }
    if (type != "snapshot") bad_request("Invalid request: `source.type` should be git, tarball or snapshot.");
    if (!source.contains("snapshotId") || !source["snapshotId"].is_string()) {
        bad_request("Invalid request: missing required property `source.snapshotId`.");
    }
    return source["snapshotId"].get<std::string>();
}

void change_sandbox(World& world, Sandbox& sandbox, const Body& body) {
    body.only({"persistent", "resources", "timeout", "networkPolicy", "networkId", "tags", "ports",
               "snapshotExpiration", "keepLastSnapshots", "currentSnapshotId", "region", "failoverRegions", "mounts",
               "env", "runtime"});
    check_timeout(world, body);
    auto changed = sandbox;
    set_common(world, changed, body);
    if (const auto runtime = body.text("runtime")) set_runtime(changed, *runtime);
    if (const auto snapshot = body.text("currentSnapshotId")) {
        if (world.snapshot(*snapshot).status != "created") {
            throw Refusal(410, "snapshot_not_found", "Snapshot " + *snapshot + " not found.");
        }
        changed.current_snapshot = *snapshot;
    }
    sandbox = std::move(changed);
}

}  // namespace standin::vercel

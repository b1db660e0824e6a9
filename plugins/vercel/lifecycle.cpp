#include "lifecycle.hpp"

#include "cloud/setup.hpp"
#include "cloud/text.hpp"
#include "cloud/upload.hpp"
#include "processes.hpp"
#include "sandbox_link.hpp"

namespace berth_vercel {

namespace {

using berth::Code;
using berth::Error;
using berth::Outcome;

Json network_policy(const berth::SandboxConfig& config) {
    switch (config.network()) {
        case berth::Network::none:
            return {{"mode", "deny-all"}};
        case berth::Network::allow_list: {
            Json hosts = Json::array();
            Json subnets = Json::array();
            for (const std::string_view item : config.network_allow())
                (item.find('/') == std::string_view::npos ? hosts : subnets).push_back(item);
            if (hosts.empty() && subnets.empty()) return {{"mode", "deny-all"}};
            Json policy{{"allow", std::move(hosts)}};
            if (!subnets.empty()) policy["subnets"] = {{"allow", std::move(subnets)}};
            return policy;
        }
        default:
            return {{"mode", "allow-all"}};
    }
}

bool holds(const berth::Error& error, std::string_view text) {
    return error.message().find(text) != std::string::npos;
}

/// Sends the request. Absent when the name is taken: then nothing was made by it.
std::optional<SandboxAnswer> make(const Backend& backend, berth::Call& call, const Json& body) {
    using Answer = std::optional<SandboxAnswer>;
    const berth::PollPace image{berth::Duration{2000}, berth::Duration{5000}, berth::Duration{120'000}};
    return *berth::poll_until(call, "the image being ready", image, [&]() -> std::optional<Answer> {
        try {
            return Answer{backend.api.create(call, body)};
        } catch (const Error& error) {
            if (says(error, "image_not_ready")) return std::nullopt;
            if (error.code() != Code::invalid_argument || !holds(error, "already exists")) throw;
            return Answer{};
        }
    });
}

/// The sandbox that has the name: with the same key it is the one that is asked for.
berth::SandboxInfo adopt(const Backend& backend, berth::Call& call, const std::string& name, const Record& record) {
    SandboxAnswer there = backend.look(call, name);
    const auto key = there.sandbox.tags.find("berth-key");
    if (key == there.sandbox.tags.end() || key->second != record.idempotency_key)
        throw Error(Code::conflict, "Vercel has a sandbox of this name that was made with another key")
            .outcome(Outcome::none);
    const Record known = backend.refresh(call, there);
    if (there.status() == "pending") there = backend.wait_until_running(call, name);
    return info_of(there.sandbox, there.status(), there.session, known);
}

/// Deletes what a create has made, whether its answer came or not.
void unmake(const Backend& backend, berth::Call& call, const std::string& name) {
    try {
        backend.api.remove(call, name);
    } catch (const Error& error) {
        if (error.code() != Code::not_found || error.is_recorded()) throw;
    }
    backend.records.remove(call, name);
}

bool certainly_not_made(const Error& error) {
    return !error.is_recorded() && error.outcome() == Outcome::none;
}

}  // namespace

Json creation_body(const Settings& settings, const berth::SandboxConfig& config, const std::string& name,
                   const Record& record) {
    const Origin origin = record.template_name ? origin_of_template(settings, *record.template_name) : settings.origin;
    Json body{{"name", name}, {"ports", settings.ports}, {"persistent", settings.persistent}};
    body["tags"] = tags_of(record, settings.provider);
    if (settings.persistent) body["snapshotExpiration"] = settings.snapshot_expiration_ms;
    if (origin.runtime) body["runtime"] = *origin.runtime;
    if (origin.image) body["image"] = *origin.image;
    if (origin.snapshot) body["source"] = {{"type", "snapshot"}, {"snapshotId", *origin.snapshot}};
    if (settings.region) body["region"] = *settings.region;
    if (settings.session_ms) body["timeout"] = *settings.session_ms;
    if (settings.vcpus) body["resources"] = {{"vcpus", *settings.vcpus}};
    if (config.network() != berth::Network::unspecified) body["networkPolicy"] = network_policy(config);
    return body;
}

berth::SandboxInfo create_sandbox(const Backend& backend, berth::Call& call, const berth::SandboxConfig& config,
                                  berth::FileSource& files) {
    if (!config.extra().empty()) throw Error(Code::invalid_argument, "the provider vercel knows no extra wishes");
    Record record;
    static_cast<KeptSandbox&>(record) = kept_of(config);
    const std::string name = id_of_key(backend.settings.provider, record.idempotency_key);
    const Json body = creation_body(backend.settings, config, name, record);

    bool may_exist = false;
    auto undo = call.undo([&] {
        if (may_exist) unmake(backend, call, name);
    });
    std::optional<SandboxAnswer> answer;
    try {
        may_exist = true;
        answer = make(backend, call, body);
    } catch (const Error& error) {
        may_exist = !certainly_not_made(error);
        throw;
    }
    if (!answer) {
        undo.dismiss();
        return adopt(backend, call, name, record);
    }
    SandboxAnswer made = *std::move(answer);
    const Session& session = *required(made.session ? std::optional(&*made.session) : std::nullopt, "session");
    record.session = session.id;
    record.session_cwd = session.cwd;
    if (const auto cwd = config.environment().cwd()) record.cwd = absolute_path(*cwd, session.cwd);
    (void)backend.records.change(call, name, [&](Record& stored) { stored = record; });
    call.announce(info_of(made.sandbox, "pending", session, record));
    if (!made.runs()) made = backend.wait_until_running(call, name);

    const Place place{name, record.session};
    VercelSandbox inside(backend, call, place);
    if (record.cwd) make_directory(inside, *record.cwd);
    Upload(inside, call, record.directory()).take(files);
    run_setup(backend, call, place, record, config.setup_commands());
    backend.log.event(call, name, "created");
    call.throw_if_cancelled();
    undo.dismiss();
    return info_of(made.sandbox, made.status(), made.session, record);
}

berth::SandboxInfo get_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    const SandboxAnswer now = backend.look(call, id);
    return info_of(now.sandbox, now.status(), now.session, backend.refresh(call, now));
}

std::vector<berth::SandboxInfo> list_sandboxes(const Backend& backend, berth::Call& call) {
    std::vector<berth::SandboxInfo> all;
    for (const Sandbox& sandbox : backend.api.list(call, marker_tag, backend.settings.provider)) {
        const std::optional<Record> known = backend.records.find(call, sandbox.name);
        Record record = known ? *known : record_of_tags(sandbox.tags);
        if (!known && sandbox.cwd) record.session_cwd = *sandbox.cwd;
        all.push_back(info_of(sandbox, sandbox.status, std::nullopt, record));
    }
    return all;
}

void destroy_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    (void)backend.look(call, id);
    // `stop` would leave the record and a snapshot that is billed; the snapshots that a caller took are kept.
    const std::vector<Snapshot> snapshots = backend.api.snapshots(call, id);
    try {
        backend.api.remove(call, id);
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded())
            throw Error(Code::not_found, "Vercel has no such sandbox");
        throw;
    }
    for (const Snapshot& snapshot : snapshots) {
        if (!snapshot.automatic || snapshot.status == "deleted") continue;
        try {
            backend.api.remove_snapshot(call, snapshot.id);
        } catch (const Error& error) {
            if (error.is_recorded() || (error.code() != Code::not_found && error.code() != Code::snapshot_not_found))
                throw;
        }
    }
    backend.records.remove(call, id);
}

berth::SandboxInfo restart_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    SandboxAnswer now = backend.look(call, id);
    const bool runs = now.runs() || now.status() == "pending";
    if (!now.sandbox.persistent && runs) {
        // A stop would throw the disk away.
        backend.api.update(call, id, {{"persistent", true}});
    }
    const std::optional<std::string> before = now.sandbox.snapshot_id;
    if (runs && now.session) backend.api.stop(call, now.session->id);
    now = backend.wait_until_over(call, id, now.session ? now.session->id : "");
    if (runs) {
        // Reports differ on whether the snapshot of a stop is the current one already.
        const berth::PollPace pace{berth::Duration{250}, berth::Duration{2000}, berth::Duration{60'000}};
        berth::poll_until(call, "the snapshot of the stopped sandbox", pace,
                          [&] { return backend.api.get(call, id).sandbox.snapshot_id != before; });
    }
    now = backend.resume(call, id);
    backend.log.event(call, id, "restarted");
    return info_of(now.sandbox, now.status(), now.session, backend.refresh(call, now));
}

}  // namespace berth_vercel

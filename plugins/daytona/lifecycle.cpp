#include "lifecycle.hpp"

#include <map>

#include "cloud/setup.hpp"
#include "cloud/text.hpp"
#include "cloud/upload.hpp"
#include "processes.hpp"
#include "sandbox_link.hpp"

namespace berth_daytona {

namespace {

using berth::Code;
using berth::Error;
using berth::Outcome;

void add_network(Json& body, const berth::SandboxConfig& config) {
    if (config.network() == berth::Network::none) body["networkBlockAll"] = true;
    if (config.network() != berth::Network::allow_list) return;
    std::string hosts;
    std::string subnets;
    for (const std::string_view item : config.network_allow()) {
        std::string& to = item.find('/') == std::string_view::npos ? hosts : subnets;
        to += (to.empty() ? "" : ",") + std::string{item};
    }
    if (hosts.empty() && subnets.empty()) body["networkBlockAll"] = true;
    if (!hosts.empty()) body["domainAllowList"] = hosts;
    if (!subnets.empty()) body["networkAllowList"] = subnets;
}

/// Daytona knows no such snapshot or image: says what there is.
[[noreturn]] void template_missing(const Backend& backend, berth::Call& call, const std::string& name) {
    std::string all;
    for (const auto& [known, origin] : backend.settings.templates)
        all += known + " (" + origin + "), ";
    for (const Snapshot& snapshot : backend.api.snapshots(call))
        if (snapshot.state == "active") all += snapshot.name + ", ";
    if (!all.empty()) all.resize(all.size() - 2);
    throw Error(Code::template_not_found,
                "there is no template " + name + "; there are: " + (all.empty() ? "none" : all))
        .outcome(Outcome::none)
        .hint("map it in the provider's config: templates: { " + name + ": SNAPSHOT }");
}

bool certainly_not_made(const Error& error) {
    return !error.is_recorded() && error.outcome() == Outcome::none;
}

/// The sandbox that has the name: with the same key it is the one that is asked for.
berth::SandboxInfo adopt(const Backend& backend, berth::Call& call, const std::string& id, const Record& record) {
    Known known = backend.look(call, id);
    if (known.record.idempotency_key != record.idempotency_key)
        throw Error(Code::conflict, "Daytona has a sandbox of this name that was made with another key")
            .outcome(Outcome::none);
    known = backend.wait_until_ready(call, id, std::move(known));
    return info_of(id, known.now, known.record);
}

}  // namespace

Json creation_body(const Settings& settings, const berth::SandboxConfig& config, std::string_view id,
                   const Record& record) {
    const Origin origin = record.template_name ? origin_of_template(settings, *record.template_name) : settings.origin;
    Json body{{"name", id},
              {"labels", labels_of(record, settings.provider, id)},
              {"env", Json::object()},
              {"autoStopInterval", settings.auto_stop_minutes},
              {"autoDeleteInterval", -1}};  // 0 would delete it at its first stop
    if (origin.snapshot) body["snapshot"] = *origin.snapshot;
    if (origin.image) {
        body["buildInfo"] = {{"dockerfileContent", "FROM " + *origin.image + "\n"}, {"contextHashes", Json::array()}};
        if (settings.size.cpus) body["cpu"] = *settings.size.cpus;
        if (settings.size.memory_gib) body["memory"] = *settings.size.memory_gib;
        if (settings.size.disk_gib) body["disk"] = *settings.size.disk_gib;
    } else if (settings.size.is_given()) {
        throw Error(Code::invalid_argument, "Daytona gives a size only to sandboxes from an image")
            .hint("a snapshot brings its own: daytona-small, daytona-medium, daytona-large; or configure image")
            .outcome(Outcome::none);
    }
    if (settings.target) body["target"] = *settings.target;
    add_network(body, config);
    return body;
}

berth::SandboxInfo create_sandbox(const Backend& backend, berth::Call& call, const berth::SandboxConfig& config,
                                  berth::FileSource& files) {
    if (!config.extra().empty()) throw Error(Code::invalid_argument, "the provider daytona knows no extra wishes");
    Record record;
    static_cast<KeptSandbox&>(record) = kept_of(config);
    const std::string id = id_of_key(backend.settings.provider, record.idempotency_key);
    const Json body = creation_body(backend.settings, config, id, record);

    bool may_exist = false;
    auto undo = call.undo([&] {
        if (!may_exist) return;
        backend.begin_removal(call, id);
        backend.records.remove(call, id);
    });
    Known known;
    try {
        may_exist = true;
        known.now = backend.api.create(call, body);
    } catch (const Error& error) {
        const bool refused = certainly_not_made(error) && error.message().find("failed to start") == std::string::npos;
        may_exist = !refused;
        if (refused && error.code() == Code::conflict) {
            undo.dismiss();
            return adopt(backend, call, id, record);
        }
        const bool is_about_snapshot = error.message().find("napshot") != std::string::npos &&
                                       error.message().find("not found") != std::string::npos;
        if (refused && is_about_snapshot)
            template_missing(backend, call, record.template_name.value_or(body.value("snapshot", "")));
        throw;
    }
    record.created_at = known.now.created_at;
    record.current = known.now.id;
    (void)backend.records.change(call, id, [&](Record& stored) { stored = record; });
    call.announce(info_of(id, known.now, record));
    known.record = record;
    known = backend.wait_until_ready(call, id, std::move(known));
    if (const auto cwd = config.environment().cwd()) {
        record.cwd = absolute_path(*cwd, known.record.work_directory);
        known.record = backend.records.change(call, id, [&](Record& stored) { stored.cwd = record.cwd; });
    }

    DaytonaSandbox inside(backend, call, known.record.box);
    if (known.record.cwd) make_directory(inside, *known.record.cwd);
    Upload(inside, call, known.record.directory()).take(files);
    run_setup(backend, call, id, known.record, config.setup_commands());
    give_variables(backend, call, known.record);
    backend.log.event(call, id, "created");
    call.throw_if_cancelled();
    undo.dismiss();
    return info_of(id, known.now, known.record);
}

berth::SandboxInfo get_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    const Known known = backend.look(call, id);
    return info_of(id, known.now, known.record);
}

std::vector<berth::SandboxInfo> list_sandboxes(const Backend& backend, berth::Call& call) {
    std::map<std::string, std::vector<Sandbox>> generations;
    for (Sandbox& sandbox : backend.api.list(call, {{marker_label, backend.settings.provider}})) {
        const auto label = sandbox.labels.find(id_label);
        if (label != sandbox.labels.end() && !is_going(sandbox))
            generations[label->second].push_back(std::move(sandbox));
    }
    std::vector<berth::SandboxInfo> all;
    for (const auto& [id, some] : generations) {
        const std::optional<Record> stored = backend.records.find(call, id);
        const Sandbox* shown = &some.front();
        for (const Sandbox& sandbox : some) {
            const bool is_current = stored && sandbox.id == stored->current;
            if (is_current || comes_before(sandbox, *shown)) shown = &sandbox;
            if (is_current) break;
        }
        all.push_back(info_of(id, *shown, stored ? *stored : record_of_labels(*shown)));
    }
    return all;
}

void destroy_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    const Known known = backend.look(call, id);
    for (const Sandbox& generation : backend.generations(call, id))
        if (generation.id != known.now.id) backend.remove(call, generation.id);
    backend.remove(call, known.now.id);
    backend.records.remove(call, id);
}

berth::SandboxInfo restart_sandbox(const Backend& backend, berth::Call& call, std::string_view id) {
    Known known = backend.look(call, id);
    if (known.now.auto_delete_minutes == 0)
        throw Error(Code::unsupported, "a stop would delete this sandbox: it was made to be deleted when it stops")
            .outcome(Outcome::none);
    const auto asked = [&](Api::Change change) {
        const berth::PollPace pace{berth::Duration{200}, berth::Duration{2000}, berth::Duration{120'000}};
        (void)berth::poll_until(call, "the end of another change", pace, [&] {
            try {
                backend.api.change(call, known.now.id, change);
                return true;
            } catch (const Error& error) {
                if (error.code() == Code::conflict && !error.is_recorded()) return false;
                throw;
            }
        });
    };
    const bool is_broken = known.now.state == "error" || known.now.state == "build_failed";
    if (is_broken && !known.now.recoverable)
        throw Error(Code::unavailable, "Daytona cannot start this sandbox any more: it is " + known.now.state +
                                           (known.now.error_reason ? ", " + *known.now.error_reason : ""))
            .outcome(Outcome::none)
            .hint("restore a snapshot of it, or destroy it, for it goes on to count, and create another");
    if (is_broken) {
        asked(Api::Change::recover);
    } else {
        if (known.now.runs()) asked(Api::Change::stop);
        if (known.now.runs() || known.now.state == "stopping") backend.wait_until_stopped(call, known.now.id);
        asked(Api::Change::start);
    }
    known = backend.wait_until_ready(call, id, std::move(known));
    give_variables(backend, call, known.record);
    backend.log.event(call, id, "restarted");
    return info_of(id, known.now, known.record);
}

}  // namespace berth_daytona

#include "backend.hpp"

#include <algorithm>

namespace berth_daytona {

using berth::Code;
using berth::Error;
using berth::SandboxState;

namespace {

constexpr berth::PollPace changing{berth::Duration{100}, berth::Duration{2000}, berth::Duration{15LL * 60'000}};
constexpr berth::PollPace answering{berth::Duration{100}, berth::Duration{1000}, berth::Duration{60'000}};

SandboxState state_of(const std::string& state) {
    if (state == "started") return SandboxState::ready;
    if (state == "resizing" || state == "snapshotting" || state == "forking") return SandboxState::busy;
    for (const char* rest : {"stopping", "archiving", "pausing", "stopped", "archived", "paused"})
        if (state == rest) return SandboxState::stopped;
    if (state == "error" || state == "build_failed" || state == "destroying" || state == "destroyed")
        return SandboxState::error;
    return SandboxState::initializing;
}

bool has_failed(const Sandbox& sandbox) {
    return sandbox.state == "error" || sandbox.state == "build_failed";
}

}  // namespace

bool is_going(const Sandbox& sandbox) {
    return sandbox.state == "destroying" || sandbox.state == "destroyed";
}

bool comes_before(const Sandbox& one, const Sandbox& other) {
    const auto has_taken_over = [](const Sandbox& sandbox) {
        return generation_of(sandbox) == 1 || sandbox.labels.count(ready_label) != 0;
    };
    if (has_taken_over(one) != has_taken_over(other)) return has_taken_over(one);
    return generation_of(one) > generation_of(other);
}

berth::SandboxInfo info_of(std::string_view id, const Sandbox& now, const Record& record) {
    berth::SandboxInfo info;
    info.id = id;
    info.state = state_of(now.state);
    if (info.state == SandboxState::error)
        info.error_text = "Daytona says that it is " + now.state + (now.error_reason ? ": " + *now.error_reason : "");
    const std::int64_t created = record.created_at.value_or(now.created_at.value_or(0));
    info.created_at = berth::Time{berth::Duration{created}};
    if (record.last_used_at) info.last_used_at = berth::Time{berth::Duration{*record.last_used_at}};
    info.environment.env = record.env;
    info.environment.cwd = record.directory();
    if (record.timeout_ms) info.environment.timeout = berth::Duration{*record.timeout_ms};
    info.network = now.network_blocked       ? berth::Network::none
                   : now.network_is_listed() ? berth::Network::allow_list
                                             : berth::Network::outbound;
    info.persistent = record.persistent;
    info.idempotency_key = record.idempotency_key;
    info.name = record.name;
    info.template_name = record.template_name;
    info.labels = record.labels;
    info.backend_id = now.id;
    info.facts.set("state", now.state);
    info.facts.set("generation", std::to_string(record.generation));
    if (now.snapshot) info.facts.set("snapshot", *now.snapshot);
    if (now.target) info.facts.set("target", *now.target);
    if (now.cpus) info.facts.set("cpus", std::to_string(*now.cpus));
    if (now.memory_gib) info.facts.set("memory_gib", std::to_string(*now.memory_gib));
    if (now.disk_gib) info.facts.set("disk_gib", std::to_string(*now.disk_gib));
    return info;
}

std::optional<Sandbox> Backend::find(berth::Call& call, std::string_view sandbox) const {
    try {
        return api.get(call, sandbox);
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded()) return std::nullopt;
        throw;
    }
}

std::vector<Sandbox> Backend::generations(berth::Call& call, std::string_view id) const {
    std::vector<Sandbox> all = api.list(call, {{marker_label, settings.provider}, {id_label, id}});
    std::erase_if(all, is_going);
    std::stable_sort(all.begin(), all.end(),
                     [](const Sandbox& a, const Sandbox& b) { return generation_of(a) < generation_of(b); });
    return all;
}

Known Backend::look(berth::Call& call, std::string_view id) const {
    const auto ours = [&](const Sandbox& sandbox) {
        const auto marker = sandbox.labels.find(marker_label);
        const auto label = sandbox.labels.find(id_label);
        return marker != sandbox.labels.end() && marker->second == settings.provider && label != sandbox.labels.end() &&
               label->second == id;
    };
    const std::optional<Record> stored = records.find(call, id);
    std::optional<Sandbox> now =
        find(call, stored && !stored->current.empty() ? std::string_view{stored->current} : id);
    if (now && !ours(*now)) throw Error(Code::not_found, "this sandbox was not made by this provider");
    if (!now || is_going(*now) || !stored) {
        // A restore, perhaps by another machine, has put another in its place; the old one may be there still.
        const std::vector<Sandbox> all = generations(call, id);
        if (now && is_going(*now)) now.reset();
        for (const Sandbox& one : all)
            if (!now || comes_before(one, *now)) now = one;
        if (!now) throw Error(Code::not_found, "Daytona has no such sandbox");
    }
    Record record = stored ? *stored : record_of_labels(*now);
    if (record.current != now->id) {
        record.current = now->id;
        record.generation = generation_of(*now);
        record.box.clear();
    }
    return {*std::move(now), std::move(record)};
}

Known Backend::running(berth::Call& call, std::string_view id) const {
    Known known = look(call, id);
    if (!known.now.runs())
        throw Error(Code::not_ready, "the sandbox is " + known.now.state)
            .hint(has_failed(known.now) ? "its files may be lost; restart tries to recover it" : "restart it");
    if (known.record.box.empty()) {
        known.record.box = api.toolbox_of(call, known.now);
        known.record.work_directory = api.work_directory(call, known.record.box);
        known.record = keep_place(call, id, known.record);
    }
    return known;
}

Record Backend::placed(berth::Call& call, std::string_view id) const {
    std::optional<Record> stored = records.find(call, id);
    if (stored && !stored->box.empty()) return *std::move(stored);
    return running(call, id).record;
}

Record Backend::keep_place(berth::Call& call, std::string_view id, const Record& record) const {
    return records.change(call, id, [&](Record& stored) {
        if (stored.current.empty()) stored = record;  // there was none
        stored.current = record.current;
        stored.generation = record.generation;
        stored.box = record.box;
        stored.work_directory = record.work_directory;
    });
}

Known Backend::wait_until_ready(berth::Call& call, std::string_view id, Known known) const {
    known.now = *berth::poll_until(call, "the sandbox being started", changing, [&]() -> std::optional<Sandbox> {
        Sandbox now = api.get(call, known.now.id);
        if (has_failed(now))
            throw Error(Code::unavailable, "Daytona could not start the sandbox: it is " + now.state +
                                               (now.error_reason ? ": " + *now.error_reason : ""));
        return now.runs() ? std::optional(std::move(now)) : std::nullopt;
    });
    known.record.current = known.now.id;
    known.record.box = api.toolbox_of(call, known.now);
    (void)berth::poll_until(call, "the sandbox's toolbox answering", answering, [&] {
        try {
            (void)api.version(call, known.record.box);
            known.record.work_directory = api.work_directory(call, known.record.box);
            return true;
        } catch (const Error& error) {
            if (error.code() == Code::unavailable || error.code() == Code::not_ready) return false;
            throw;
        }
    });
    known.record = keep_place(call, id, known.record);
    return known;
}

void Backend::wait_until_stopped(berth::Call& call, const std::string& sandbox) const {
    (void)berth::poll_until(call, "the sandbox being stopped", changing, [&] {
        const Sandbox now = api.get(call, sandbox);
        if (has_failed(now)) throw Error(Code::unavailable, "Daytona could not stop the sandbox: it is " + now.state);
        return now.state == "stopped" || now.state == "archived" || now.state == "paused";
    });
}

void Backend::wait_until_gone(berth::Call& call, const std::string& sandbox) const {
    (void)berth::poll_until(call, "the sandbox being gone", changing, [&] {
        const auto now = find(call, sandbox);
        return !now || now->state == "destroyed";
    });
}

void Backend::begin_removal(berth::Call& call, const std::string& sandbox) const {
    const berth::PollPace pace{berth::Duration{200}, berth::Duration{2000}, berth::Duration{120'000}};
    (void)berth::poll_until(call, "Daytona taking the deletion", pace, [&] {
        try {
            api.remove(call, sandbox);
            return true;
        } catch (const Error& error) {
            if (error.is_recorded()) throw;
            if (error.code() == Code::not_found) return true;
            if (error.code() == Code::conflict) return false;  // a change is under way; then it can be deleted
            throw;
        }
    });
}

void Backend::remove(berth::Call& call, const std::string& sandbox) const {
    begin_removal(call, sandbox);
    wait_until_gone(call, sandbox);
}

/// Written at most once a second: every command would cost a write otherwise.
void Backend::used(berth::Call& call, std::string_view id, const Record& known) const {
    const std::int64_t now = berth::now().time_since_epoch().count();
    if (!is_use_worth_keeping(known, now)) return;
    if (!records.find(call, id)) return;  // destroyed meanwhile
    (void)records.change(call, id, [&](Record& record) { record.last_used_at = now; });
}

}  // namespace berth_daytona

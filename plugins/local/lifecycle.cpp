// How sandboxes come and go: create, restart, destroy. What a crash left half done is repaired in repair.cpp.
//
// Order is everything here. A sandbox is noted as unfinished before its directory exists and until it is live; its uid
// is given back only when its last file is gone; its key points to it from the moment it can be found.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "environment.hpp"
#include "etc_tree.hpp"
#include "failure.hpp"
#include "first_process.hpp"
#include "lifetime.hpp"
#include "outbound.hpp"
#include "output_log.hpp"
#include "sandbox_limits.hpp"
#include "sandbox_log.hpp"
#include "sandbox_path.hpp"
#include "sandboxes.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_setup_output = 64U << 10;
constexpr std::int64_t cleanup_ms = 10'000;
// The first process, the helper that a command has while it runs, and the command.
constexpr std::uint64_t least_pids = 3;

// Keeps the newest output of a setup command for the error's details.
class SetupOutput : public ProcessSink {
public:
    void started(std::optional<std::int64_t>) override {}
    Taken output(std::int32_t stream, std::string_view bytes, const std::function<void(const Event&)>&) override {
        std::string& kept = stream == BERTH_STDOUT ? standard_output : standard_error;
        kept += bytes;
        if (kept.size() > 2 * most_setup_output) {
            kept.erase(0, kept.size() - most_setup_output);
        }
        return Taken::all;
    }
    std::string standard_output;
    std::string standard_error;
};

[[noreturn]] void cancelled(std::int32_t outcome) {
    throw Failure{BERTH_CANCELLED, "cancelled", {}, outcome, {}, {}, {}};
}

// 0 asks for no limit.
void set_limits(Record& record, const CreateRequest& request) {
    const auto above_none = [](auto limit) { return limit && *limit > 0 ? limit : std::nullopt; };
    record.memory_limit_mib = above_none(request.memory_limit_mib);
    record.cpu_limit = above_none(request.cpu_limit);
    record.pids_limit = above_none(request.pids_limit);
    if (record.pids_limit && *record.pids_limit < least_pids) {
        throw refusal(BERTH_INVALID_ARGUMENT,
                      "a sandbox cannot run anything with a limit of " + std::to_string(*record.pids_limit) +
                          " processes: its own first process and a command's helper count, too",
                      "ask for at least " + std::to_string(least_pids) + ", or for 0, which is no limit");
    }
}

}  // namespace

// --- create

Info Sandboxes::create(const CreateRequest& request, EntrySource& files, Caller& caller,
                       const std::function<void(const Info&)>& announce) {
    remove_what_died();
    remove_what_expired();
    const std::optional<Templates::Ready> root = prepare_root(request, caller);
    Record record = new_record(request, root);
    if (record.network == Network::outbound) {
        if (const std::string obstacle = outbound_obstacle(settings_.slirp); !obstacle.empty()) {
            throw refusal(BERTH_UNSUPPORTED, "no outbound network can be made here", obstacle);
        }
    }
    Nobody nobody;  // what is new is locked at once
    const Lock mark = store_.begin(record.id, nobody);
    store_.note_key(mark, request.idempotency_key);
    const Store::Key key = store_.hold_key(request.idempotency_key, caller);
    if (!key.file) {
        store_.finish(record.id);
        cancelled(BERTH_OUTCOME_NONE);
    }
    if (std::optional<Open> there = find(key.id); there && there->record.idempotency_key == request.idempotency_key) {
        store_.finish(record.id);
        return describe(*there, milliseconds{1000});
    }
    const Descriptor directory = store_.make(record.id);
    const Lock lock = store_.lock(directory, nobody);
    try {
        claim_ids(record);
        const int first = make(directory, record, request, files, caller, [&] {
            store_.write_new(directory, record);
            store_.set_key(key, record.id);
            if (has_lifetime(record)) {
                store_.look_again(record.id, next_look_ms(record));
            }
            announce(Info{record, State::initializing, {}, {}, store_.path_of(record.id), {}, {}});
        });
        if (!request.setup_commands.empty()) {
            return describe({Descriptor(::dup(directory.get())), record},
                            milliseconds{1000});  // they may have left some
        }
        return Info{record, State::ready, {}, first, store_.path_of(record.id), {}, expected_end_ms(directory, record)};
    } catch (...) {
        if (caller.cancelled()) {
            (void)caller.begin_cleanup(cleanup_ms);
        }
        store_.forget_held_key(request.idempotency_key);
        tear_down(directory, record);
        throw;
    }
}

// Its template, if it has one. Held until the record says that the sandbox has it.
std::optional<Templates::Ready> Sandboxes::prepare_root(const CreateRequest& request, Caller& caller) const {
    const bool host = !request.template_name || *request.template_name == host_template;
    if (settings_.own_accounts) {
        (host ? claims_ : block_claims_).refuse_subordinate_ids();
    }
    if (host) {
        return std::nullopt;
    }
    return templates_.prepare(*request.template_name, caller, [&](const std::string& tree) { return is_in_use(tree); });
}

// Sandboxes first: one that is gone by then has left its snapshots, whole, before.
bool Sandboxes::is_in_use(const std::string& tree) const {
    const std::vector<std::string> ids = store_.ids();
    const bool by_sandbox = std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
        const Descriptor directory = store_.open(id);
        const std::optional<Record> record = directory ? store_.read(directory) : std::nullopt;
        return record && record->root && record->root->tree == tree;
    });
    const auto of_tree = [&](const SnapshotRecord& snapshot) { return snapshot.root && snapshot.root->tree == tree; };
    const std::vector<SnapshotRecord> snapshots = by_sandbox ? std::vector<SnapshotRecord>{} : snapshots_.list();
    return by_sandbox || std::any_of(snapshots.begin(), snapshots.end(), of_tree);
}

Record Sandboxes::new_record(const CreateRequest& request, const std::optional<Templates::Ready>& root) const {
    Record record;
    record.id = new_id();
    record.created_at_ms = now_ms();
    record.idempotency_key = request.idempotency_key;
    record.name = request.name;
    record.directory = request.directory ? resolve_path("/workspace", *request.directory) : "/workspace";
    record.timeout_ms = request.timeout_ms.value_or(0);
    set_limits(record, request);
    record.network = request.network.value_or(settings_.network);
    const std::int64_t ttl = request.ttl_ms.value_or(0);
    record.expires_at_ms = ttl > 0 ? record.created_at_ms + ttl : 0;
    record.idle_ttl_ms = request.idle_ttl_ms.value_or(0);
    record.persistent = request.persistent;
    if (root) {
        record.root = root->root;
    }
    record.environment = request.environment;
    record.labels = request.labels;
    return record;
}

// The first process's number on this host. A creator that dies before `write_down` leaves a sandbox without a record,
// which nobody can have seen: who removes it finds the processes by their socket.
int Sandboxes::make(const Descriptor& directory, Record& record, const CreateRequest& request, EntrySource& files,
                    Caller& caller, const std::function<void()>& write_down) {
    make_trees(directory, record);
    const int first = start(directory, record, caller, write_down);
    upload(directory.get(), record.directory, files, caller);
    run_setup(directory, record, request, caller);
    if (caller.cancelled()) {
        cancelled(BERTH_OUTCOME_NONE);
    }
    if (record.idle_ttl_ms > 0) {
        begin_idle_time(directory);
    }
    record.stage = Stage::live;
    store_.write_stage(directory, record);
    store_.finish(record.id);
    return first;
}

void Sandboxes::claim_ids(Record& record) const {
    const std::string owner = store_.path_of(record.id);
    if (!settings_.own_accounts) {
        return;  // an ordinary user has one account, and one range for all templates
    }
    if (record.root) {
        record.root->ids = block_claims_.claim(owner);
    } else {
        record.uid = claims_.claim(owner);
    }
}

// Only after the last process and file are gone.
void Sandboxes::release_ids(const Record& record) const {
    if (settings_.own_accounts && !record.uid && !record.root) {
        claims_.release_all_of(store_.path_of(record.id));  // its creator died before the record was written
    }
    if (record.uid) {
        claims_.release(*record.uid, store_.path_of(record.id));
    }
    if (record.root && settings_.own_accounts) {
        block_claims_.release(record.root->ids, store_.path_of(record.id));
    }
}

void Sandboxes::make_trees(const Descriptor& directory, const Record& record) const {
    if (record.uid && (::fchown(directory.get(), 0, *record.uid) != 0 || ::fchmod(directory.get(), 0710) != 0)) {
        throw system_failure("cannot make the sandbox's directories", errno);
    }
    trees_.make(directory, record);
}

void Sandboxes::give_network(const Descriptor& directory, const std::string& id, const std::vector<Descriptor>& joins,
                             Caller& caller) const {
    try {
        start_outbound(directory, settings_.slirp, joins, caller);
    } catch (...) {
        stop_first_process(directory, id);  // never one that runs without the network it was promised
        throw;
    }
}

// What is given is written into the record before `meanwhile` writes that down.
int Sandboxes::start(const Descriptor& directory, Record& record, Caller& caller,
                     const std::function<void()>& meanwhile) const {
    const Descriptor etc = record.root ? Descriptor() : open_etc_tree(store_.base().get());
    const SandboxGroup group = make_limits(directory, record);
    const std::vector<Descriptor> joins = group.joins();
    try {
        const int first = start_first_process(directory, record,
                                              {settings_.bubblewrap, &init_, &etc, settings_.root_program, &joins,
                                               settings_.user_namespaces, settings_.look_each},
                                              caller, meanwhile)
                              .pid;
        if (record.network == Network::outbound) {
            give_network(directory, record.id, joins, caller);
        }
        return first;
    } catch (const Failure&) {
        if (group.out_of_memory_kills().value_or(0) > 0) {
            throw refusal(BERTH_RESOURCE_EXHAUSTED, "the memory limit is too small for the sandbox's own processes",
                          "ask for at least 8 MiB");
        }
        throw;
    }
}

void Sandboxes::run_setup(const Descriptor& directory, const Record& record, const CreateRequest& request,
                          Caller& caller) {
    for (std::size_t i = 0; i < request.setup_commands.size(); ++i) {
        ProcessRequest process;
        process.directory = record.directory;
        process.arguments = {"sh", "-c", request.setup_commands[i]};
        process.timeout_ms = record.timeout_ms;
        process.kill_grace_ms = 500;  // a cancelled create is removed anyway
        process.drain_grace_ms = 200;
        const std::vector<NamedValue> variables = whole_environment(record);
        process.environment = as_texts(variables);
        SetupOutput output;
        OutputLog log(directory.get(), variables, output);
        const ProcessEnd end = run_process(directory.get(), process, caller, log,
                                           [&] { return ended_by_us(record.id, record.generation); });
        if (end.kind == BERTH_ENDED_CANCELLED) {
            cancelled(BERTH_OUTCOME_NONE);
        }
        if (end.kind == BERTH_ENDED_EXITED && end.exit_code == 0) {
            continue;
        }
        const int code = end.kind == BERTH_ENDED_TIMEOUT ? 124 : end.signal != 0 ? 128 + end.signal : end.exit_code;
        throw Failure{BERTH_EXECUTION_FAILED,
                      "setup command " + std::to_string(i + 1) + " of " +
                          std::to_string(request.setup_commands.size()) + " ended with " + std::to_string(code),
                      "",
                      BERTH_OUTCOME_NONE,
                      {{"command", request.setup_commands[i]},
                       {"exit_code", std::to_string(code)},
                       {"stdout", output.standard_output},
                       {"stderr", output.standard_error}},
                      i,
                      {}};
    }
}

// --- restart

Info Sandboxes::restart(std::string_view id, Caller& caller) {
    Open found = open(id);
    if (found.record.stage == Stage::creating) {
        throw refusal(BERTH_CONFLICT, "the sandbox is being made", "wait until it is ready");
    }
    const Lock lock = store_.lock(found.directory, caller);
    if (!lock) {
        cancelled(BERTH_OUTCOME_NONE);
    }
    found = open(id);  // as it is now that nobody else can change it
    // Asked, not looked up: one that is being killed has a number for a while after it listens no more.
    const bool ran = first_process(found.directory) &&
                     ask_first_process(found.directory, milliseconds{200}).presence != Presence::gone;
    log_event(found.directory, ran ? "stopped for a restart" : "found stopped: its first process had died");
    stop(found);
    finish_restore(found);  // one that died in the middle
    start_again(found.directory, found.record, caller);
    log_event(found.directory, "restarted");
    return describe(found, milliseconds{1000});
}

// Under the sandbox's lock.
void Sandboxes::start_again(const Descriptor& directory, Record& record, Caller& caller) const {
    forget_stop(directory);
    (void)start(directory, record, caller, [] {});
}

void Sandboxes::stop(Open& sandbox) {
    // Written first: who runs a process in it reads from this that it was ended on purpose.
    ++sandbox.record.generation;
    store_.write(sandbox.directory, sandbox.record);
    stop_first_process(sandbox.directory, sandbox.record.id);
    stop_outbound(sandbox.directory);
    meter_.forget(sandbox.record.id);
    remove_limits(sandbox.directory);
}

// --- destroy

void Sandboxes::destroy(std::string_view id, Caller& caller) {
    const Descriptor directory = store_.open(id);
    std::optional<Record> record = directory ? store_.read(directory) : std::nullopt;
    if (!record) {
        no_such_sandbox();
    }
    const Lock lock = store_.lock(directory, caller);
    if (!lock) {
        cancelled(BERTH_OUTCOME_NONE);
    }
    record = store_.read(directory);
    if (!record) {
        no_such_sandbox();
    }
    const Lock mark = store_.begin(record->id, caller);
    if (!mark) {
        cancelled(BERTH_OUTCOME_NONE);
    }
    const bool was_over = is_over(directory, *record, FirstProcess::lives);
    tear_down(directory, *record);
    if (was_over) {
        throw refusal(BERTH_NOT_FOUND, "no such sandbox: its time was over");
    }
}

}  // namespace berth_local

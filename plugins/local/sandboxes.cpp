// See sandboxes.hpp: finding, describing, and working in sandboxes. How they come and go is in lifecycle.cpp.
#include "sandboxes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "environment.hpp"
#include "failure.hpp"
#include "file_content.hpp"
#include "first_process.hpp"
#include "launch.hpp"
#include "lifetime.hpp"
#include "outbound.hpp"
#include "output_log.hpp"
#include "sandbox_limits.hpp"
#include "sandbox_log.hpp"
#include "sandbox_path.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;

bool overlap(const UidRange& one, const UidRange& two) {
    return one.first < std::uint64_t{two.first} + two.count && two.first < std::uint64_t{one.first} + one.count;
}

// The use of a sandbox by one call. With an idle time its end counts too.
class Use {
public:
    Use(const Descriptor& sandbox, const Record& record) : sandbox_(sandbox), long_(record.idle_ttl_ms > 0) {
        stamp_use(sandbox_);
    }
    ~Use() {
        if (long_) {
            stamp_use(sandbox_);
        }
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

private:
    const Descriptor& sandbox_;
    bool long_;
};

}  // namespace

Sandboxes::Sandboxes(Settings settings)
    : settings_(std::move(settings)),
      store_(settings_.state_directory, settings_.provider,
             settings_.own_accounts ? Store::Accounts::own : Store::Accounts::ours),
      snapshots_(store_.base()),
      trees_(settings_.root_program),
      claims_(settings_.claims_directory, settings_.uid_range),
      block_claims_(settings_.claims_directory, settings_.template_uid_range, ids_of_a_template),
      templates_(settings_.templates, settings_.state_directory + "/" + settings_.provider + "/templates",
                 {settings_.root_program, settings_.tar_program}, trees_,
                 settings_.own_accounts ? &block_claims_ : nullptr),
      init_(::open(settings_.init_program.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!init_) {
        throw refusal(BERTH_ISOLATION_UNAVAILABLE,
                      "berth-init cannot be opened at " + settings_.init_program + ": " + words_of_errno(errno),
                      "install Berth whole: local.so needs lib/berth/berth-init");
    }
    if (::access(settings_.bubblewrap.c_str(), X_OK) != 0) {
        throw refusal(BERTH_ISOLATION_UNAVAILABLE, "bubblewrap is not installed: there is no " + settings_.bubblewrap,
                      "install the package bubblewrap");
    }
    if (settings_.own_accounts && overlap(settings_.uid_range, settings_.template_uid_range)) {
        throw refusal(BERTH_INVALID_ARGUMENT, "uid_range and template_uid_range have ids in common",
                      "no sandbox may have another's: set them apart");
    }
    if (const std::string closed = closed_namespaces(); !closed.empty()) {
        throw refusal(BERTH_ISOLATION_UNAVAILABLE, "no sandbox can be made here: " + closed, closed);
    }
}

// --- finding

std::optional<Sandboxes::Open> Sandboxes::find(std::string_view id) {
    Descriptor directory = store_.open(id);
    std::optional<Record> record = directory ? store_.read(directory) : std::nullopt;
    if (!record || record->stage == Stage::removing) {
        return std::nullopt;
    }
    if (record->stage == Stage::creating && !store_.is_locked(directory)) {
        return std::nullopt;  // its creator died: it never came to be, and goes with the next create or list
    }
    Open found{std::move(directory), std::move(*record)};
    return has_ended(found) ? std::nullopt : std::optional(std::move(found));
}

Sandboxes::Open Sandboxes::open(std::string_view id) {
    std::optional<Open> found = find(id);
    if (!found) {
        no_such_sandbox();
    }
    return std::move(*found);
}

Sandboxes::Open Sandboxes::open_made(std::string_view id) {
    Open found = open(id);
    if (found.record.stage == Stage::creating) {
        throw refusal(BERTH_NOT_READY, "the sandbox is being made", "wait until it is ready");
    }
    return found;
}

Sandboxes::Open Sandboxes::open_running(std::string_view id) {
    Open found = open_made(id);
    if (!first_process(found.directory)) {
        throw refusal(BERTH_NOT_READY, "the sandbox is stopped", "restart it");
    }
    return found;
}

Info Sandboxes::describe(const Open& sandbox, milliseconds patience) const {
    Info info{sandbox.record,
              State::initializing,
              last_use_ms(sandbox.directory),
              {},
              store_.path_of(sandbox.record.id),
              {},
              expected_end_ms(sandbox.directory, sandbox.record)};
    info.clones_snapshots = clones_files(store_.base().get());
    if (sandbox.record.stage == Stage::creating) {
        return info;
    }
    const std::optional<ProcessId> first = first_process(sandbox.directory);
    const Asked asked = ask_first_process(sandbox.directory, patience);
    if (!first || asked.presence == Presence::gone) {
        // Locked while it is started again; one that is known and silent is on its way to answer.
        const bool starts =
            store_.is_locked(sandbox.directory) ||
            (asked.presence != Presence::gone && (first || !end_unclaimed(sandbox.directory, sandbox.record.id)));
        info.state = starts ? State::initializing : State::stopped;
        return info;
    }
    info.first_process = first->pid;
    if (const auto helper = outbound_helper(sandbox.directory)) {
        info.network_helper = helper->pid;
    }
    info.state = asked.answer.busy > 0 || trees_are_held(sandbox.directory) ? State::busy : State::ready;
    return info;
}

Info Sandboxes::get(std::string_view id) {
    const Open found = open(id);
    limits_of(found.directory).sweep();
    return describe(found, milliseconds{1000});
}

std::vector<Info> Sandboxes::list(Caller& caller) {
    remove_what_died();
    remove_blank();
    std::vector<Info> infos;
    for (const std::string& id : store_.ids()) {
        if (caller.cancelled()) {
            throw refusal(BERTH_CANCELLED, "cancelled");
        }
        if (const std::optional<Open> found = find(id)) {
            limits_of(found->directory).sweep();
            infos.push_back(describe(*found, milliseconds{200}));
        }
    }
    return infos;
}

bool Sandboxes::is_ready(std::string_view id) {
    const std::optional<Open> found = find(id);
    return found && found->record.stage == Stage::live && first_process(found->directory) &&
           ask_first_process(found->directory, milliseconds{1000}).presence != Presence::gone;
}

// --- working

ProcessEnd Sandboxes::run(std::string_view id, RunRequest request, Caller& caller, ProcessSink& sink) {
    const Open found = open_running(id);
    const Record& record = found.record;
    ProcessRequest& process = request.process;
    process.directory = request.directory ? resolve_path(record.directory, *request.directory) : record.directory;
    process.timeout_ms = request.timeout_ms.value_or(record.timeout_ms);
    std::vector<NamedValue> variables = whole_environment(record);
    if (process.terminal && !request.terminal_name.empty()) {
        lay_over(variables, {{"TERM", request.terminal_name}});
    }
    lay_over(variables, request.environment);
    process.environment = as_texts(variables);
    const Use use(found.directory, record);
    const std::unique_ptr<RunGroup> own = limit_run(found, request, caller);
    process.groups = own ? &own->joins() : nullptr;
    const OutOfMemory memory(record.memory_limit_mib ? limits_of(found.directory) : SandboxGroup{}, own.get());
    OutputLog log(found.directory.get(), variables, sink);
    try {
        ProcessEnd end = run_process(found.directory.get(), process, caller, log,
                                     [&] { return ended_by_us(id, record.generation); });
        if (end.kind == BERTH_ENDED_SIGNALLED && end.signal == SIGKILL && memory.happened()) {
            end.kind = BERTH_ENDED_OUT_OF_MEMORY;
            log_event(found.directory, "out of memory: a process was killed");
        }
        return end;
    } catch (const Failure& failure) {
        if (failure.code == BERTH_UNAVAILABLE && memory.happened()) {
            log_event(found.directory, "out of memory: the first process was killed");
            return {BERTH_ENDED_OUT_OF_MEMORY, 0, SIGKILL, {}};  // and with it the sandbox's first process
        }
        throw;
    }
}

// The group of a process that has limits of its own; empty when it has none.
std::unique_ptr<RunGroup> Sandboxes::limit_run(const Open& sandbox, const RunRequest& request, Caller& caller) const {
    GroupLimits limits;
    if (request.memory_limit_mib.value_or(0) > 0) {
        limits.memory_bytes = mebibytes(*request.memory_limit_mib);
    }
    if (request.cpu_limit.value_or(0) > 0) {
        limits.cpu_percent = request.cpu_limit;
    }
    if (limits.none()) {
        return nullptr;
    }
    // Under the lock even when the group is noted: whoever noted it may not have made it yet, and a destroy may be taking
    // it away.
    const Lock lock = store_.lock(sandbox.directory, caller);
    if (!lock) {
        throw refusal(BERTH_CANCELLED, "cancelled before the process was started");
    }
    return std::make_unique<RunGroup>(make_run_limits(sandbox.directory, sandbox.record, limits), limits);
}

void Sandboxes::upload_files(std::string_view id, EntrySource& source, Caller& caller) {
    const Open found = open_running(id);
    const Use use(found.directory, found.record);
    upload(found.directory.get(), found.record.directory, source, caller);
}

void Sandboxes::download_files(std::string_view id, const std::vector<std::string>& paths, EntrySink& sink,
                               Caller& caller) {
    const Open found = open_running(id);
    const Use use(found.directory, found.record);
    download(found.directory.get(), found.record.directory, paths, sink, caller);
}

UsageFigures Sandboxes::usage(std::string_view id, Caller& caller) {
    const Open found = open_made(id);
    UsageFigures figures =
        meter_.measure(found.directory, found.record.id, trees_.bytes(found.directory, found.record, caller),
                       first_process(found.directory).has_value(), caller);
    if (found.record.network == Network::host) {
        figures.network_received_bytes.reset();  // everybody's
        figures.network_sent_bytes.reset();
    }
    if (figures.memory_bytes) {
        // What the limit counts, where there is one: files in memory and the kernel's share belong to it, too.
        figures.memory_bytes = limits_of(found.directory).memory_bytes().value_or(*figures.memory_bytes);
    }
    if (found.record.memory_limit_mib) {
        figures.memory_limit_bytes = mebibytes(*found.record.memory_limit_mib);
    }
    figures.cpu_limit_percent = found.record.cpu_limit;
    return figures;
}

std::vector<NamedValue> Sandboxes::environment(std::string_view id) {
    return open_made(id).record.environment;
}

void Sandboxes::set_environment(std::string_view id, const std::vector<NamedValue>& set,
                                const std::vector<std::string>& unset, Caller& caller) {
    Open found = open_made(id);
    if (set.empty() && unset.empty()) {
        return;
    }
    // Held by others only for moments, or while it is started again.
    const Lock lock = store_.lock(found.directory, caller);
    if (!lock) {
        throw refusal(BERTH_CANCELLED, "cancelled");
    }
    found = open_made(id);
    change_environment(found.record, set, unset);
    store_.write(found.directory, found.record);
    std::string names;
    for (const NamedValue& variable : set) {
        names += (names.empty() ? " set " : " ") + variable.name;
    }
    std::string removed;
    for (const std::string& name : unset) {
        removed += (removed.empty() ? " unset " : " ") + name;
    }
    log_event(found.directory, "environment changed:" + names + removed);
}

void Sandboxes::logs(std::string_view id, const LogRequest& request, Caller& caller, const LogTaker& take) {
    const Open found = open_made(id);
    read_log(found.directory, found.record.created_at_ms, request, caller, take);
}

// Whether this sandbox was destroyed or restarted, or its time was over, since it had that generation.
bool Sandboxes::ended_by_us(std::string_view id, std::uint64_t generation) {
    const std::optional<Open> found = find(id);
    return !found || found->record.generation != generation;
}

}  // namespace berth_local

// Snapshots of sandboxes: taken, put back, listed, deleted; and the repair of what a crash left of that.
//
// A snapshot is copied beside and counts from the moment its record is written. To put one back, its trees are copied
// beside the sandbox first; then, under its lock and with nothing running, they change places with those that were
// there. The note `restore` in the sandbox says that this is under way and which way it goes, so that it is finished
// by whoever starts the sandbox next. Old trees go only when the sandbox runs with the new ones.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "failure.hpp"
#include "first_process.hpp"
#include "sandbox_log.hpp"
#include "sandboxes.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;

constexpr const char* restore_note = "restore";
constexpr const char* old_prefix = "old-";
constexpr std::size_t largest_note = 64;
constexpr std::size_t largest_variables = 16U << 20;
constexpr std::int64_t cleanup_ms = 10'000;
constexpr milliseconds look_each{20};

[[noreturn]] void gone_meanwhile() {
    throw refusal(BERTH_NOT_FOUND, "the sandbox was destroyed meanwhile");
}

std::optional<std::uint32_t> first_id_of(const Record& record) {
    if (record.root) {
        return ::geteuid() == 0 ? std::optional(record.root->ids) : std::nullopt;
    }
    return record.uid;
}

std::string root_of(const std::optional<std::string>& template_name) {
    return template_name ? "the template " + *template_name : "the host's root";
}

std::optional<std::string> template_of(const Record& record) {
    return record.root ? std::optional(record.root->name) : std::nullopt;
}

// What a range of /etc/subuid owns cannot be read or made by us ourselves.
void need_reach(const Record& record) {
    if (record.root && ::geteuid() != 0) {
        throw refusal(
            BERTH_UNSUPPORTED,
            "an ordinary user has no snapshots of sandboxes from a template: their files belong to a range of ids",
            "run Berth as root, or use the host's root");
    }
}

std::string shown_path(std::string_view tree) {
    return tree == "home" ? "/home/sandbox" : tree == "root" ? "" : "/" + std::string(tree);
}

bool is_there(const Descriptor& directory, const std::string& name) {
    return ::faccessat(directory.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void move(const Descriptor& from, const std::string& name, const Descriptor& to, const std::string& new_name) {
    if (::renameat(from.get(), name.c_str(), to.get(), new_name.c_str()) != 0) {
        throw system_failure("cannot move the sandbox's files", errno);
    }
}

enum class Way { in, back };

// Brings the trees of `restoring` in, or what was there before back; may be repeated wherever it was interrupted.
void change_places(const Descriptor& sandbox, const Descriptor& restoring, const Record& record, Way way) {
    for (const std::string tree : trees_of(record)) {
        const std::string old = old_prefix + tree;
        const std::string& in = way == Way::in ? tree : old;
        const std::string& out = way == Way::in ? old : tree;
        if (!is_there(restoring, in)) {
            continue;  // done before
        }
        if (is_there(sandbox, tree)) {
            move(sandbox, tree, restoring, out);
        }
        move(restoring, in, sandbox, tree);
    }
}

void write_variables(const Descriptor& place, const std::string& name, const std::vector<NamedValue>& variables) {
    write_file(place.get(), name, variables_text(variables), Durable::no);
}

std::vector<NamedValue> read_variables(const Descriptor& place, const std::string& name) {
    return parse_variables(read_file(place.get(), name, largest_variables).value_or("[]"));
}

}  // namespace

// Makes copies of all trees; `counted` takes what they came to.
void Sandboxes::copy_trees(const Record& record, int from, int to, const TreeCopySettings& settings,
                           SnapshotRecord& counted) {
    const Descriptor links = make_directory(to, "links", 0700);
    TreeCopy copy(links.get(), settings);
    for (const char* tree : trees_of(record)) {
        copy.copy(from, tree, to, shown_path(tree));
    }
    counted.bytes = copy.bytes();
    counted.entries = copy.entries();
    counted.skipped = copy.skipped();
    trees_.remove(to, "links");
}

// --- taking

std::string Sandboxes::create_snapshot(std::string_view id, std::string_view name, Caller& caller) {
    remove_what_died();
    Open found = open_running(id);
    need_reach(found.record);
    if (ask_first_process(found.directory, milliseconds{1000}).presence == Presence::gone) {
        throw refusal(BERTH_NOT_READY, "the sandbox is stopped", "restart it");  // it is just dying
    }
    if (found.record.root && ::geteuid() != 0) {
        // Its files belong to a range of ids, of which a copy made by us would keep neither owners nor what we cannot read.
        throw refusal(BERTH_UNSUPPORTED, "as an ordinary user no snapshot of a sandbox from a template can be taken",
                      "run Berth as root, or use the root `host`");
    }
    const Descriptor hold = try_hold_trees(found.directory);
    if (!hold) {
        throw refusal(BERTH_CONFLICT, "a snapshot of the sandbox is being taken or restored",
                      "try again when it is done");
    }
    SnapshotRecord snapshot;
    snapshot.id = new_id();
    snapshot.name = name;
    snapshot.sandbox = found.record.id;
    snapshot.created_at_ms = now_ms();
    snapshot.template_name = template_of(found.record);
    snapshot.first_id = first_id_of(found.record);
    Nobody nobody;  // what is new is locked at once
    const Lock mark = store_.begin(snapshot.id, nobody);
    try {
        const Descriptor place = snapshots_.make(snapshot.id);
        copy_trees(found.record, found.directory.get(), place.get(),
                   copy_settings(found.record, snapshot.first_id, TreeCopySettings::Source::changing, caller),
                   snapshot);
        found = open_made(id);  // its variables as they are now
        snapshot.environment = found.record.environment;
        snapshots_.write(place, snapshot);
    } catch (...) {
        if (caller.cancelled()) {
            (void)caller.begin_cleanup(cleanup_ms);
        }
        remove_all(snapshots_.snapshots().get(), snapshot.id);
        store_.finish(snapshot.id);
        if (!find(id)) {
            gone_meanwhile();
        }
        throw;
    }
    store_.finish(snapshot.id);
    log_event(found.directory, "snapshot taken: " + snapshot.name + " " + snapshot.id);
    return snapshot.id;
}

TreeCopySettings Sandboxes::copy_settings(const Record& record, std::optional<std::uint32_t> from,
                                          TreeCopySettings::Source source, Caller& caller) {
    TreeCopySettings settings;
    settings.source = source;
    if (const std::optional<std::uint32_t> to = first_id_of(record)) {
        settings.owners = IdShift{from.value_or(*to), *to, record.root ? ids_of_a_template : 1};
    }
    settings.on_step = [this, id = record.id, &caller, looked = Clock::time_point()]() mutable {
        const Clock::time_point now = Clock::now();
        if (now - looked < look_each) {
            return;
        }
        looked = now;
        if (caller.cancelled()) {
            throw refusal(BERTH_CANCELLED, "cancelled");
        }
        if (!find(id)) {
            gone_meanwhile();
        }
    };
    return settings;
}

// --- putting back

void Sandboxes::restore_snapshot(std::string_view id, std::string_view snapshot_id, Caller& caller) {
    remove_what_died();
    Open found = open_made(id);
    need_reach(found.record);
    SnapshotStore::Held snapshot = snapshots_.hold(snapshot_id);
    if (snapshot.record.template_name != template_of(found.record)) {
        throw refusal(BERTH_INVALID_ARGUMENT,
                      "the snapshot is of a sandbox with " + root_of(snapshot.record.template_name) +
                          ", this one has " + root_of(template_of(found.record)),
                      "restore it into a sandbox made with the same template");
    }
    const Descriptor hold = try_hold_trees(found.directory);
    if (!hold) {
        throw refusal(BERTH_CONFLICT, "a snapshot of the sandbox is being taken or restored",
                      "try again when it is done");
    }
    const std::string restoring = new_id();
    Nobody nobody;  // what is new is locked at once
    const Lock mark = store_.begin(restoring, nobody);
    try {
        const Descriptor place = snapshots_.make_restoring(restoring);
        write_file(place.get(), "sandbox", found.record.id, Durable::no);
        write_variables(place, "variables", snapshot.record.environment);
        copy_trees(found.record, snapshot.directory.get(), place.get(),
                   copy_settings(found.record, snapshot.record.first_id, TreeCopySettings::Source::still, caller),
                   snapshot.record);
        const Lock lock = store_.lock(found.directory, caller);
        if (!lock) {
            throw refusal(BERTH_CANCELLED, "cancelled");
        }
        found = open_made(id);
        swap_in(found, restoring, caller);
        log_event(found.directory, "snapshot restored: " + snapshot.record.name + " " + snapshot.record.id);
    } catch (...) {
        if (caller.cancelled()) {
            (void)caller.begin_cleanup(cleanup_ms);
        }
        if (remove_unfinished_snapshot(restoring) == Removed::yes) {
            store_.finish(restoring);
        }
        if (!find(id)) {
            gone_meanwhile();
        }
        throw;
    }
    remove_all(snapshots_.restoring().get(), restoring);
    store_.finish(restoring);
}

// Under the sandbox's lock. When it cannot be started with the new files it gets the old ones back.
void Sandboxes::swap_in(Open& sandbox, const std::string& restoring, Caller& caller) {
    const Descriptor place = snapshots_.open_restoring(restoring);
    write_variables(place, "old-variables", sandbox.record.environment);
    stop(sandbox);
    try {
        write_file(sandbox.directory.get(), restore_note, "in " + restoring, Durable::no);
        change_places(sandbox.directory, place, sandbox.record, Way::in);
        sandbox.record.environment = read_variables(place, "variables");
        store_.write(sandbox.directory, sandbox.record);
        start_again(sandbox.directory, sandbox.record, caller);
        ::unlinkat(sandbox.directory.get(), restore_note, 0);
    } catch (...) {
        stop(sandbox);
        if (is_there(sandbox.directory, restore_note)) {
            write_file(sandbox.directory.get(), restore_note, "back " + restoring, Durable::no);
            finish_restore(sandbox);
        }
        Nobody nobody;
        start_again(sandbox.directory, sandbox.record, nobody);
        throw;
    }
}

// A change of places that was interrupted: to its end, the way it went. Under the sandbox's lock, nothing running.
void Sandboxes::finish_restore(Open& sandbox) {
    const std::string note = read_file(sandbox.directory.get(), restore_note, largest_note).value_or("");
    const std::size_t space = note.find(' ');
    if (space == std::string::npos) {
        return;
    }
    const Way way = note.starts_with("in ") ? Way::in : Way::back;
    if (const Descriptor place = snapshots_.open_restoring(note.substr(space + 1))) {
        change_places(sandbox.directory, place, sandbox.record, way);
        sandbox.record.environment = read_variables(place, way == Way::in ? "variables" : "old-variables");
        store_.write(sandbox.directory, sandbox.record);
    }
    ::unlinkat(sandbox.directory.get(), restore_note, 0);
}

// --- listing and deleting

std::vector<SnapshotRecord> Sandboxes::list_snapshots() {
    remove_what_died();
    return snapshots_.list();
}

void Sandboxes::delete_snapshot(std::string_view snapshot, Caller& caller) {
    if (!is_id(snapshot)) {
        throw refusal(BERTH_SNAPSHOT_NOT_FOUND, "no such snapshot");
    }
    const std::string id(snapshot);
    const Lock mark = store_.begin(id, caller);
    if (!mark) {
        throw refusal(BERTH_CANCELLED, "cancelled");
    }
    try {
        snapshots_.forget(id);
    } catch (...) {
        // What a delete that was killed left of it: the note, which tells of it, is ours now.
        if (const Descriptor all = snapshots_.snapshots(); all && !snapshots_.is_whole(id)) {
            remove_all(all.get(), id);
        }
        store_.finish(id);
        throw;
    }
    remove_all(snapshots_.snapshots().get(), id);
    store_.finish(id);
}

// Each tree by itself: they may belong to a range of ids.
void Sandboxes::remove_all(int parent, const std::string& name) const {
    const Descriptor directory = open_directory(parent, name);
    if (!directory) {
        return;
    }
    for (const std::string& entry : names_in(directory.get())) {
        trees_.remove(directory.get(), entry);
    }
    trees_.remove(parent, name);
}

// What nobody is at any more: a snapshot that was being taken or deleted, or a place where one was made ready.
Sandboxes::Removed Sandboxes::remove_unfinished_snapshot(const std::string& id) {
    if (const Descriptor all = snapshots_.snapshots(); all && !snapshots_.is_whole(id)) {
        remove_all(all.get(), id);
    }
    const Descriptor place = snapshots_.open_restoring(id);
    if (!place) {
        return Removed::yes;
    }
    const std::string owner = read_file(place.get(), "sandbox", largest_note).value_or("");
    if (std::optional<Open> sandbox = find(owner)) {
        const std::string note = read_file(sandbox->directory.get(), restore_note, largest_note).value_or("");
        if (note.ends_with(" " + id)) {
            const Lock lock = store_.try_lock(sandbox->directory);
            if (!lock) {
                return Removed::not_now;
            }
            sandbox = find(owner);
            if (sandbox) {
                stop(*sandbox);
                finish_restore(*sandbox);
            }
        }
    }
    remove_all(snapshots_.restoring().get(), id);
    return Removed::yes;
}

}  // namespace berth_local

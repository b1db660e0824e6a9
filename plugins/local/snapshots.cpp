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

// Absent: all is ours, for we are an ordinary user.
std::optional<std::uint32_t> first_id_of(const Record& record) {
    return record.root ? std::optional(record.root->ids) : record.uid;
}

std::string root_of(const std::optional<std::string>& template_name) {
    return template_name ? "the template " + *template_name : "the host's root";
}

bool is_there(const Descriptor& directory, const std::string& name) {
    return ::faccessat(directory.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum class Way { in, back };

// Brings the trees of `restoring` in, or what was there before back; may be repeated wherever it was interrupted.
void change_places(const Trees& trees, const Descriptor& sandbox, const Descriptor& restoring, const Record& record,
                   Way way) {
    for (const std::string tree : trees_of(record)) {
        const std::string old = old_prefix + tree;
        const std::string& in = way == Way::in ? tree : old;
        const std::string& out = way == Way::in ? old : tree;
        if (!is_there(restoring, in)) {
            continue;  // done before
        }
        if (is_there(sandbox, tree)) {
            trees.move(record, sandbox.get(), tree, restoring.get(), out);
        }
        trees.move(record, restoring.get(), in, sandbox.get(), tree);
    }
}

void write_variables(const Descriptor& place, const std::string& name, const std::vector<NamedValue>& variables) {
    write_file(place.get(), name, variables_text(variables), Durable::no);
}

std::vector<NamedValue> read_variables(const Descriptor& place, const std::string& name) {
    return parse_variables(read_file(place.get(), name, largest_variables).value_or("[]"));
}

}  // namespace

// --- taking

std::string Sandboxes::create_snapshot(std::string_view id, std::string_view name, Caller& caller) {
    remove_what_died();
    Open found = open_running(id);
    if (ask_first_process(found.directory, milliseconds{1000}).presence == Presence::gone) {
        throw refusal(BERTH_NOT_READY, "the sandbox is stopped", "restart it");  // it is just dying
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
    if (const std::optional<TemplateRoot>& root = found.record.root) {
        snapshot.root = TemplateState{root->name, root->tree, templates_.state_of(*root)};
    }
    snapshot.first_id = first_id_of(found.record);
    Nobody nobody;  // what is new is locked at once
    const Lock mark = store_.begin(snapshot.id, nobody);
    try {
        const Descriptor place = snapshots_.make(snapshot.id);
        snapshot.copied =
            trees_.copy(found.record, found.directory.get(), place.get(),
                        copy_settings(found.record, snapshot.first_id, TreeCopySettings::Source::changing, caller));
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

// What a sandbox changed of its template would lie on top of something else.
void Sandboxes::need_same_root(const SnapshotRecord& snapshot, const Record& record) const {
    const auto name_of = [](const auto& root) { return root ? std::optional(root->name) : std::nullopt; };
    if (name_of(snapshot.root) != name_of(record.root)) {
        throw refusal(BERTH_INVALID_ARGUMENT,
                      "the snapshot is of a sandbox with " + root_of(name_of(snapshot.root)) + ", this one has " +
                          root_of(name_of(record.root)),
                      "restore it into a sandbox made with the same template");
    }
    if (record.root && templates_.state_of(*record.root) != snapshot.root->state) {
        throw refusal(BERTH_INVALID_ARGUMENT,
                      "the template " + record.root->name +
                          " has changed: this sandbox has another state of it than the one the snapshot was taken with",
                      "put the template back as it was, or restore into a sandbox that was made while it was so");
    }
}

void Sandboxes::restore_snapshot(std::string_view id, std::string_view snapshot_id, Caller& caller) {
    remove_what_died();
    Open found = open_made(id);
    SnapshotStore::Held snapshot = snapshots_.hold(snapshot_id);
    need_same_root(snapshot.record, found.record);
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
        (void)trees_.copy(
            found.record, snapshot.directory.get(), place.get(),
            copy_settings(found.record, snapshot.record.first_id, TreeCopySettings::Source::still, caller));
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
        change_places(trees_, sandbox.directory, place, sandbox.record, Way::in);
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
        change_places(trees_, sandbox.directory, place, sandbox.record, way);
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
        no_such_snapshot();
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

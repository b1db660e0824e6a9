// How sandboxes are removed, also by those who did not make them: what a crash left half done, and what has had its time.
//
// Everything here may be repeated after a failure or crash in its middle.
#include "failure.hpp"
#include "first_process.hpp"
#include "lifetime.hpp"
#include "outbound.hpp"
#include "sandbox_limits.hpp"
#include "sandboxes.hpp"

namespace berth_local {

// Under the sandbox's lock and with its note held. May be repeated after any failure or crash in the middle.
void Sandboxes::tear_down(const Descriptor& directory, const Record& record) {
    Record removing = record;
    removing.stage = Stage::removing;
    removing.persistent = false;  // nothing of it needs to outlast a power cut any more
    try {
        store_.write_stage(directory, removing);
    } catch (const Failure&) {
        // A full disk must not keep anybody from making room.
    }
    const Descriptor monitor =
        end_first_process(directory, record.id, [&] { store_.forget_key(record.idempotency_key, record.id); });
    stop_outbound(directory);
    meter_.forget(record.id);
    // Everything but what tells the next one where we were.
    for (const std::string& name : names_in(directory.get())) {
        if (name != "record" && name != limits_file) {
            trees_.remove(directory.get(), name);
        }
    }
    if (!limits_of(directory).empty()) {
        // After the files: their cache would keep the memory of a removed group. And not while it holds a process.
        wait_for_monitor(monitor);
    }
    remove_limits(directory);  // its note may be there without a word: who wrote it may have been killed
    store_.look_no_more(record.id);
    store_.remove_directory(record.id, directory);
    wait_for_monitor(monitor);
    release_ids(record);
    store_.finish(record.id);
}

// --- repair

// It is stopped, for nobody has written down that it was started: who restarted it was killed. So its first process goes.
// False: somebody else is at it.
bool Sandboxes::end_unclaimed(const Descriptor& directory, const std::string& id) const {
    const Lock lock = store_.try_lock(directory);
    if (!lock || first_process(directory)) {
        return false;
    }
    stop_first_process(directory, id);
    return true;
}

// Whether its time is over; then it is removed here, or by whoever has its lock already.
bool Sandboxes::has_ended(const Open& sandbox) {
    const auto& [directory, record] = sandbox;
    if (!has_lifetime(record)) {
        return false;
    }
    const bool stopped = record.idle_ttl_ms > 0 && record.stage == Stage::live && !first_process(directory);
    if (!stopped && !is_over(directory, record, FirstProcess::lives)) {
        return false;
    }
    const Lock lock = store_.try_lock(directory);
    if (!lock) {
        return is_over(directory, record, FirstProcess::lives);
    }
    const std::optional<Record> now = store_.read(directory);
    if (!now || now->stage == Stage::removing) {
        return true;
    }
    if (!is_over(directory, *now, first_process(directory) ? FirstProcess::lives : FirstProcess::gone)) {
        return false;
    }
    try {
        Nobody nobody;
        const Lock mark = store_.begin(now->id, nobody);
        tear_down(directory, *now);
    } catch (const Failure&) {
        // It is gone for everybody who asks; what is left of it goes another time.
    }
    return true;
}

void Sandboxes::remove_what_expired() {
    for (const std::string& id : store_.due(now_ms())) {
        try {
            if (const std::optional<Open> found = find(id)) {
                store_.look_again(id, next_look_ms(found->record));
            } else if (!store_.open(id)) {
                store_.look_no_more(id);
            }
        } catch (const Failure&) {
        }
    }
}

// Sandboxes whose creator or remover died. What cannot be removed now stays noted for the next time.
void Sandboxes::remove_what_died() {
    for (const std::string& id : store_.unfinished()) {
        try {
            (void)remove_unfinished(id);
        } catch (const Failure&) {
        }
    }
}

// Directories that a power cut has left without a record, and that nobody is just making or removing.
void Sandboxes::remove_blank() {
    for (const std::string& id : store_.ids()) {
        try {
            if (const Descriptor directory = store_.open(id); directory && Store::is_blank(directory)) {
                (void)remove_unfinished(id);
            }
        } catch (const Failure&) {
        }
    }
}

// False: somebody is at it.
bool Sandboxes::remove_unfinished(const std::string& id) {
    const Lock mark = store_.try_begin(id);
    if (!mark) {
        return false;
    }
    const Descriptor directory = store_.open(id);
    if (!directory) {
        if (remove_unfinished_snapshot(id) != Removed::yes) {
            return false;
        }
        store_.forget_noted_key(mark, id);
        claims_.release_all_of(store_.path_of(id));  // its remover died between its last file and its account
        store_.finish(id);
        return true;
    }
    const Lock lock = store_.try_lock(directory);
    if (!lock) {
        return false;
    }
    std::optional<Record> record = store_.read(directory);
    if (record && record->stage == Stage::live) {
        store_.finish(id);
        return true;
    }
    if (!record && !Store::is_blank(directory)) {
        return false;  // of another version of Berth: not ours to judge
    }
    record = record.value_or(Record{});
    record->id = id;
    store_.forget_noted_key(mark, id);  // its record may never have been written
    tear_down(directory, *record);
    return true;
}

}  // namespace berth_local

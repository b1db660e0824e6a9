// The state tree of one provider on disk: sandbox directories, records, locks, idempotency keys, unfinished work.
//
//   STATE/PROVIDER/sandboxes/ID/   record, init (who runs), used (its time says when), socket,
//                                  over and stopped (see lifetime.cpp), log.N,
//                                  workspace/ home/ tmp/ (the sandbox's own); its lock is the directory's
//   STATE/PROVIDER/keys/KEY        the id that an idempotency key stands for; locked while it is being made
//   STATE/PROVIDER/expiring/ID     a sandbox with a lifetime; the file's time says when to look whether it is over
//   STATE/PROVIDER/unfinished/ID   a sandbox or snapshot that is being made or removed: found again after a crash
//
// Everything is ours alone. When sandboxes have accounts of their own, these must find a way to their own directory,
// for bubblewrap runs as them: then directories can be searched, but not listed, by others, and a sandbox's own belongs
// to its account's group and is closed to everybody else. Several processes work on one tree: changes of a sandbox are
// made under its lock. Knows nothing of running processes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caller.hpp"
#include "descriptor.hpp"
#include "record.hpp"
#include "system_files.hpp"

namespace berth_local {

// A held lock. Closing it gives it back.
using Lock = Descriptor;

class Store {
public:
    enum class Accounts { ours, own };

    // Makes the tree when missing. Throws when it is not ours alone, or when own accounts could not reach it.
    Store(const std::string& state, const std::string& provider, Accounts accounts);

    [[nodiscard]] const Descriptor& base() const { return base_; }
    [[nodiscard]] std::string path_of(std::string_view id) const { return path_ + "/sandboxes/" + std::string(id); }

    // --- sandboxes
    [[nodiscard]] std::vector<std::string> ids() const;
    // Its directory; empty when there is none or the id is none of ours.
    [[nodiscard]] Descriptor open(std::string_view id) const;
    [[nodiscard]] Descriptor make(const std::string& id) const;
    // With the record and all that is left in it. A process that was just ended may still write its last log lines.
    void remove_directory(const std::string& id, const Descriptor& sandbox) const;
    // Nothing was ever written about it, or a power cut took it back. A record that cannot be read is not blank.
    [[nodiscard]] static bool is_blank(const Descriptor& sandbox);
    [[nodiscard]] std::optional<Record> read(const Descriptor& sandbox) const;
    void write(const Descriptor& sandbox, const Record& record) const;
    // The first writing, before anybody can know the sandbox: in place, and not for ever yet.
    void write_new(const Descriptor& sandbox, const Record& record) const;
    // Only its stage, in place.
    void write_stage(const Descriptor& sandbox, const Record& record) const;
    // The lock under which a sandbox changes. Empty: the caller gave up. Throws NOT_FOUND when it went meanwhile.
    [[nodiscard]] Lock lock(const Descriptor& sandbox, Caller& caller) const;
    // Empty when somebody else holds it.
    [[nodiscard]] Lock try_lock(const Descriptor& sandbox) const;
    // Whether somebody is just changing it. Those who only ask are not in each other's way.
    [[nodiscard]] bool is_locked(const Descriptor& sandbox) const;

    // --- unfinished work
    // Notes it, and holds the note: whoever finds one that nobody holds knows that its maker died. Empty: the caller
    // gave up.
    [[nodiscard]] Lock begin(const std::string& id, Caller& caller) const;
    // The same without waiting; empty when somebody holds it.
    [[nodiscard]] Lock try_begin(const std::string& id) const;
    void finish(const std::string& id) const;
    // Writes into a note of our own which key its sandbox is for, before that is held; and forgets the key of a note
    // whose maker died, unless somebody uses it.
    void note_key(const Lock& mark, std::string_view key) const;
    void forget_noted_key(const Lock& mark, const std::string& id) const;
    [[nodiscard]] std::vector<std::string> unfinished() const;

    // --- lifetimes
    void look_again(const std::string& id, std::int64_t at_ms) const;
    void look_no_more(const std::string& id) const;
    // Those whose moment has come.
    [[nodiscard]] std::vector<std::string> due(std::int64_t now_ms) const;

    // --- idempotency keys
    struct Key {
        Lock file;
        std::string id;  // what it stands for so far, or empty
    };
    // Waits while somebody else makes a sandbox for this key. `file` is empty when the caller gave up.
    [[nodiscard]] Key hold_key(std::string_view key, Caller& caller) const;
    void set_key(const Key& key, const std::string& id) const;
    void forget_key(std::string_view key, const std::string& id) const;
    // The same for a key that we hold.
    void forget_held_key(std::string_view key) const;

private:
    void forget_key_file(const std::string& name, const std::string& id) const;

    std::string path_;
    Descriptor base_;
    Descriptor sandboxes_;
    Descriptor keys_;
    Descriptor unfinished_;
    Descriptor expiring_;
};

// Ids of ours: 16 characters of [a-z0-9].
[[nodiscard]] std::string new_id();
[[nodiscard]] bool is_id(std::string_view id);

}  // namespace berth_local

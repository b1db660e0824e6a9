// Snapshots on disk, and the places where one is made ready to be put back.
//
//   STATE/PROVIDER/snapshots/ID/   record, and copies of a sandbox's trees. Without a record it never came to be.
//   STATE/PROVIDER/restoring/ID/   trees on their way into a sandbox, then those that were there before
//
// Both are noted as unfinished (store.hpp) while they are made, under their own id, so that a crash leaves nothing.
// Knows nothing of sandboxes but their records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "record.hpp"
#include "tree_copy.hpp"

namespace berth_local {

// A template as it was. A snapshot holds changes of it, which mean something on top of that very state only.
struct TemplateState {
    std::string name;
    std::string tree;   // where its files were
    std::string state;  // Templates::state_of; empty: not known, of a snapshot made before it was written down
};

struct SnapshotRecord {
    std::string id;
    std::string name;
    std::string sandbox;
    std::int64_t created_at_ms = 0;
    Copied copied;
    std::optional<TemplateState> root;      // what its sandbox's root came from; absent: the host's
    std::optional<std::uint32_t> first_id;  // what its files' owners begin with, when that is not just us
    std::vector<NamedValue> environment;
};

[[nodiscard]] std::string to_text(const SnapshotRecord& snapshot);
[[nodiscard]] std::optional<SnapshotRecord> parse_snapshot(std::string_view text);

class SnapshotStore {
public:
    explicit SnapshotStore(const Descriptor& base) : base_(base) {}

    struct Held {
        Descriptor directory;  // locked against removal
        SnapshotRecord record;
    };
    // Throws SNAPSHOT_NOT_FOUND.
    [[nodiscard]] Held hold(std::string_view id) const;
    [[nodiscard]] std::vector<SnapshotRecord> list() const;  // oldest first
    // An empty directory for a new one; `write` makes a snapshot of it.
    [[nodiscard]] Descriptor make(const std::string& id) const;
    void write(const Descriptor& snapshot, const SnapshotRecord& record) const;
    // From now on nobody finds it; what it holds is to be removed. Throws SNAPSHOT_NOT_FOUND, or CONFLICT while it is
    // held.
    void forget(std::string_view id) const;
    [[nodiscard]] bool is_whole(const std::string& id) const;

    [[nodiscard]] Descriptor make_restoring(const std::string& id) const;
    [[nodiscard]] Descriptor open_restoring(const std::string& id) const;

    // The directories that hold all of them, for removal. Empty when there are none yet.
    [[nodiscard]] Descriptor snapshots() const;
    [[nodiscard]] Descriptor restoring() const;

private:
    const Descriptor& base_;
};

// Whether a snapshot of the sandbox is being taken or put back: one at a time. No lock is waited for, and looking
// disturbs nobody.
[[nodiscard]] Descriptor try_hold_trees(const Descriptor& sandbox);  // empty: somebody else has them
[[nodiscard]] bool trees_are_held(const Descriptor& sandbox);

}  // namespace berth_local

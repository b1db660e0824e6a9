#include "snapshot_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "store.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

using nlohmann::json;

constexpr int format = 1;
constexpr std::size_t largest_record = 16U << 20;
constexpr const char* hold_file = "snapshot.lock";

[[noreturn]] void not_found() {
    no_such_snapshot();
}

// Locks that belong to the open file, not to the process: threads of one host are as separate as processes.
struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

std::string to_text(const SnapshotRecord& snapshot) {
    json text{{"format", format},
              {"id", snapshot.id},
              {"name", snapshot.name},
              {"sandbox", snapshot.sandbox},
              {"created_at_ms", snapshot.created_at_ms},
              {"bytes", snapshot.copied.bytes},
              {"entries", snapshot.copied.entries},
              {"skipped", snapshot.copied.skipped},
              {"environment", variables_text(snapshot.environment)}};
    if (snapshot.root) {
        text["template"] = snapshot.root->name;
        text["template_tree"] = snapshot.root->tree;
        text["template_state"] = snapshot.root->state;
    }
    if (snapshot.first_id) {
        text["first_id"] = *snapshot.first_id;
    }
    return text.dump(1) + "\n";
}

std::optional<SnapshotRecord> parse_snapshot(std::string_view text) {
    try {
        const json from = json::parse(text);
        if (from.at("format") != format) {
            return std::nullopt;
        }
        SnapshotRecord snapshot;
        snapshot.id = from.at("id").get<std::string>();
        snapshot.name = from.at("name").get<std::string>();
        snapshot.sandbox = from.at("sandbox").get<std::string>();
        snapshot.created_at_ms = from.at("created_at_ms").get<std::int64_t>();
        snapshot.copied.bytes = from.at("bytes").get<std::uint64_t>();
        snapshot.copied.entries = from.at("entries").get<std::uint64_t>();
        snapshot.copied.skipped = from.at("skipped").get<std::uint64_t>();
        snapshot.environment = parse_variables(from.at("environment").get<std::string>());
        if (from.contains("template")) {
            snapshot.root = TemplateState{from.at("template").get<std::string>(), from.value("template_tree", ""),
                                          from.value("template_state", "")};
        }
        if (from.contains("first_id")) {
            snapshot.first_id = from.at("first_id").get<std::uint32_t>();
        }
        return snapshot;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

Descriptor SnapshotStore::snapshots() const {
    return open_directory(base_.get(), "snapshots");
}

Descriptor SnapshotStore::restoring() const {
    return open_directory(base_.get(), "restoring");
}

SnapshotStore::Held SnapshotStore::hold(std::string_view id) const {
    const Descriptor all = snapshots();
    Descriptor directory = all && is_id(id) ? open_directory(all.get(), std::string(id)) : Descriptor();
    if (!directory || ::flock(directory.get(), LOCK_SH | LOCK_NB) != 0) {
        not_found();
    }
    // Read under the lock: from now on nobody removes it.
    const std::optional<std::string> text = read_file(directory.get(), "record", largest_record);
    std::optional<SnapshotRecord> record = text ? parse_snapshot(*text) : std::nullopt;
    if (!record) {
        not_found();
    }
    return {std::move(directory), std::move(*record)};
}

std::vector<SnapshotRecord> SnapshotStore::list() const {
    std::vector<SnapshotRecord> all;
    const Descriptor directory = snapshots();
    if (!directory) {
        return all;
    }
    for (const std::string& id : names_in(directory.get())) {
        const Descriptor snapshot = is_id(id) ? open_directory(directory.get(), id) : Descriptor();
        const std::optional<std::string> text =
            snapshot ? read_file(snapshot.get(), "record", largest_record) : std::nullopt;
        if (std::optional<SnapshotRecord> record = text ? parse_snapshot(*text) : std::nullopt) {
            all.push_back(std::move(*record));
        }
    }
    std::sort(all.begin(), all.end(), [](const SnapshotRecord& a, const SnapshotRecord& b) {
        return std::pair(a.created_at_ms, a.id) < std::pair(b.created_at_ms, b.id);
    });
    return all;
}

Descriptor SnapshotStore::make(const std::string& id) const {
    const Descriptor all = make_directory(base_.get(), "snapshots", 0700);
    return make_directory(all.get(), id, 0700);
}

void SnapshotStore::write(const Descriptor& snapshot, const SnapshotRecord& record) const {
    write_file(snapshot.get(), "record", to_text(record), Durable::yes);
}

void SnapshotStore::forget(std::string_view id) const {
    const Descriptor all = snapshots();
    const Descriptor directory = all && is_id(id) ? open_directory(all.get(), std::string(id)) : Descriptor();
    if (!directory) {
        not_found();
    }
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
        throw refusal(BERTH_CONFLICT, "the snapshot is being restored", "try again when that is done");
    }
    if (::unlinkat(directory.get(), "record", 0) != 0) {
        not_found();
    }
}

bool SnapshotStore::is_whole(const std::string& id) const {
    const Descriptor all = snapshots();
    const Descriptor directory = all ? open_directory(all.get(), id) : Descriptor();
    return directory && ::faccessat(directory.get(), "record", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Descriptor SnapshotStore::make_restoring(const std::string& id) const {
    const Descriptor all = make_directory(base_.get(), "restoring", 0700);
    return make_directory(all.get(), id, 0700);
}

Descriptor SnapshotStore::open_restoring(const std::string& id) const {
    const Descriptor all = restoring();
    return all && is_id(id) ? open_directory(all.get(), id) : Descriptor();
}

Descriptor try_hold_trees(const Descriptor& sandbox) {
    Descriptor file(::openat(sandbox.get(), hold_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        throw system_failure("cannot note that a snapshot is under way", errno);
    }
    struct flock lock = whole_file(F_WRLCK);
    return ::fcntl(file.get(), F_OFD_SETLK, &lock) == 0 ? std::move(file) : Descriptor();
}

bool trees_are_held(const Descriptor& sandbox) {
    const Descriptor file(::openat(sandbox.get(), hold_file, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    struct flock lock = whole_file(F_WRLCK);
    return file && ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace berth_local

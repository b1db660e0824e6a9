// What Vercel does not keep for us: the environment (it never gives one back), labels, when a sandbox was last used; and
// which session is its newest, so that a command costs one request. One record for each sandbox in the host's state.
#pragma once

#include <berth/state.hpp>
#include <berth/values.hpp>
#include <mutex>
#include <optional>
#include <string>

#include "answers.hpp"

namespace berth_vercel {

struct Record {
    std::string idempotency_key;
    std::optional<std::string> name;
    std::optional<std::string> template_name;
    bool persistent = false;
    berth::Variables env;
    std::optional<std::string> cwd;  // as asked for; absolute
    std::optional<std::int64_t> timeout_ms;
    berth::Variables labels;
    std::string session;
    std::string session_cwd;
    std::optional<std::int64_t> last_used_at;
    bool took_snapshots = false;  // then destroy must keep some of its snapshots

    [[nodiscard]] std::string directory() const { return cwd ? *cwd : session_cwd; }
};

// A snapshot's own name and the environment that belongs to its files.
struct SnapshotRecord {
    std::string name;
    std::string sandbox;
    std::int64_t created_at = 0;
    berth::Variables env;
};

[[nodiscard]] std::string write_record(const Record& record);
[[nodiscard]] Record read_record(std::string_view text);
[[nodiscard]] std::string write_snapshot_record(const SnapshotRecord& record);
[[nodiscard]] SnapshotRecord read_snapshot_record(std::string_view text);

// Tags carry to other machines what fits: five for each sandbox, 256 characters each.
constexpr const char* marker_tag = "berth";
[[nodiscard]] std::map<std::string, std::string> tags_of(const Record& record, const std::string& provider);
[[nodiscard]] Record record_of_tags(const std::map<std::string, std::string>& tags);

class Records {
public:
    explicit Records(berth::StateStore state) : state_(state) {}

    [[nodiscard]] std::optional<Record> find(berth::Call& call, std::string_view sandbox) const;
    // Reads, changes and writes; somebody else's change meanwhile is not lost.
    template <class Change>
    Record change(berth::Call& call, std::string_view sandbox, Change&& change) const {
        Record record;
        state_.update(call, key(sandbox), [&](std::optional<std::string> before) {
            record = before ? read_record(*before) : Record{};
            change(record);
            return write_record(record);
        });
        return record;
    }
    void remove(berth::Call& call, std::string_view sandbox) const;

    [[nodiscard]] std::optional<SnapshotRecord> find_snapshot(berth::Call& call, std::string_view id) const;
    void keep_snapshot(berth::Call& call, std::string_view id, const SnapshotRecord& record) const;
    void forget_snapshot(berth::Call& call, std::string_view id) const;
    [[nodiscard]] std::vector<std::string> snapshots(berth::Call& call) const;

private:
    static std::string key(std::string_view sandbox) { return "sandbox/" + std::string{sandbox}; }
    void forget(berth::Call& call, const std::string& key) const;
    berth::StateStore state_;
};

}  // namespace berth_vercel

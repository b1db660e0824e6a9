// What Daytona does not keep for us: the environment, when a sandbox was last used, where its newest generation is. One
// record for each sandbox in the host's state; labels at Daytona carry what another machine needs.
#pragma once

#include <berth/state.hpp>
#include <berth/values.hpp>
#include <optional>
#include <string>

#include "answers.hpp"
#include "cloud/json_fields.hpp"

namespace berth_daytona {

struct Record {
    std::string idempotency_key;
    std::optional<std::string> name;
    std::optional<std::string> template_name;
    bool persistent = false;
    berth::Variables env;
    std::optional<std::string> cwd;  // as asked for; absolute
    std::optional<std::int64_t> timeout_ms;
    berth::Variables labels;
    std::int64_t generation = 1;
    std::optional<std::int64_t> created_at;  // of the first generation
    std::string current;                     // Daytona's own id of the newest generation
    std::string box;                         // the address of its toolbox
    std::string work_directory;
    std::optional<std::int64_t> last_used_at;

    [[nodiscard]] std::string directory() const { return cwd ? *cwd : work_directory; }
};

struct SnapshotRecord {
    std::string name;
    std::string sandbox;
    std::int64_t created_at = 0;
    berth::Variables env;
};

// Labels of everything that this provider makes.
constexpr const char* marker_label = "berth";
constexpr const char* id_label = "berth-id";
constexpr const char* generation_label = "berth-generation";
// Of a generation that has taken over: the one before it may go.
constexpr const char* ready_label = "berth-ready";
[[nodiscard]] berth_cloud::Json labels_of(const Record& record, const std::string& provider, std::string_view id);
[[nodiscard]] Record record_of_labels(const Sandbox& sandbox);
[[nodiscard]] std::int64_t generation_of(const Sandbox& sandbox);

class Records {
public:
    explicit Records(berth::StateStore state) : state_(state) {}

    [[nodiscard]] std::optional<Record> find(berth::Call& call, std::string_view sandbox) const;
    // Reads, changes and writes; somebody else's change meanwhile is not lost.
    template <class Change>
    Record change(berth::Call& call, std::string_view sandbox, Change&& change) const {
        Record record;
        state_.update(call, "sandbox/" + std::string{sandbox}, [&](std::optional<std::string> before) {
            record = before ? read(*before) : Record{};
            change(record);
            return write(record);
        });
        return record;
    }
    void remove(berth::Call& call, std::string_view sandbox) const;

    [[nodiscard]] std::optional<SnapshotRecord> find_snapshot(berth::Call& call, std::string_view id) const;
    void keep_snapshot(berth::Call& call, std::string_view id, const SnapshotRecord& record) const;
    void forget_snapshot(berth::Call& call, std::string_view id) const;

    [[nodiscard]] static std::string write(const Record& record);
    [[nodiscard]] static Record read(std::string_view text);

private:
    void forget(berth::Call& call, const std::string& key) const;
    berth::StateStore state_;
};

}  // namespace berth_daytona

// What Daytona does not keep for us beside what no cloud does: where a sandbox's newest generation is. One record for each sandbox
// in the host's state; labels at Daytona carry what another machine needs.
#pragma once

#include "answers.hpp"
#include "cloud/kept_sandbox.hpp"

namespace berth_daytona {

struct Record : berth_cloud::KeptSandbox {
    std::int64_t generation = 1;
    std::optional<std::int64_t> created_at;  // of the first generation
    std::string current;                     // Daytona's own id of the newest generation
    std::string box;                         // the address of its toolbox
    std::string work_directory;

    [[nodiscard]] std::string directory() const { return cwd ? *cwd : work_directory; }
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

class Records : public berth_cloud::KeptRecords {
public:
    using KeptRecords::KeptRecords;

    [[nodiscard]] std::optional<Record> find(berth::Call& call, std::string_view sandbox) const;
    // Reads, changes and writes; somebody else's change meanwhile is not lost.
    template <class Change>
    Record change(berth::Call& call, std::string_view sandbox, Change&& change) const {
        Record record;
        state_.update(call, key_of(sandbox), [&](std::optional<std::string> before) {
            record = before ? read(*before) : Record{};
            change(record);
            return write(record);
        });
        return record;
    }

    [[nodiscard]] static std::string write(const Record& record);
    [[nodiscard]] static Record read(std::string_view text);
};

}  // namespace berth_daytona

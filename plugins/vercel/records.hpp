// What Vercel does not keep for us, or gives back, beside what no cloud does: which session is a sandbox's newest, so that a command
// costs one request. One record for each sandbox in the host's state.
#pragma once

#include "cloud/kept_sandbox.hpp"

namespace berth_vercel {

struct Record : berth_cloud::KeptSandbox {
    std::string session;
    std::string session_cwd;
    bool took_snapshots = false;  // then destroy must keep some of its snapshots

    [[nodiscard]] std::string directory() const { return cwd ? *cwd : session_cwd; }
};

[[nodiscard]] std::string write_record(const Record& record);
[[nodiscard]] Record read_record(std::string_view text);

// Tags carry to other machines what fits: five for each sandbox, 256 characters each.
constexpr const char* marker_tag = "berth";
[[nodiscard]] std::map<std::string, std::string> tags_of(const Record& record, const std::string& provider);
[[nodiscard]] Record record_of_tags(const std::map<std::string, std::string>& tags);

class Records : public berth_cloud::KeptRecords {
public:
    using KeptRecords::KeptRecords;

    [[nodiscard]] std::optional<Record> find(berth::Call& call, std::string_view sandbox) const;
    // Reads, changes and writes; somebody else's change meanwhile is not lost.
    template <class Change>
    Record change(berth::Call& call, std::string_view sandbox, Change&& change) const {
        Record record;
        state_.update(call, key_of(sandbox), [&](std::optional<std::string> before) {
            record = before ? read_record(*before) : Record{};
            change(record);
            return write_record(record);
        });
        return record;
    }
};

}  // namespace berth_vercel

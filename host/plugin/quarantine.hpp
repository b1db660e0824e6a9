// Plugin files that are not run any more because of what they did, by what they hold: a file with another byte is another
// file. What is known of each is kept in a small file for all processes of one user. Runs and loads nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../base/error.hpp"
#include "byte_source.hpp"
#include "plugin_file.hpp"
#include "record_folder.hpp"

namespace berth::inline host_v1 {

/// Why one file is in quarantine. Texts are printable and short.
struct QuarantineRecord {
    enum class Cause {
        deaths,        ///< its workers died too often
        first_contact  ///< it ended the process in which it was loaded for the first time
    };
    std::string hash;
    std::optional<std::uint64_t> size;  ///< of the file; not known of a damaged record
    std::string plugin;                 ///< the name that the file says
    std::string file;                   ///< where it lay
    Cause cause = Cause::deaths;
    std::uint64_t deaths = 1;
    std::chrono::seconds within{0};
    std::string last_death;  ///< "was killed by signal 6 (Aborted)"
    std::string last_words;  ///< the end of what it wrote; may be empty
    std::string since;       ///< "2026-11-26T01:30:00Z"
    /// What is wrong with the record: then nothing but the hash is known, and the file is in quarantine all the same.
    std::optional<std::string> damage;
};

class Quarantine {
public:
    /// `records`: usual_records_directory(), or empty.
    Quarantine(const std::string& records, const TrustRules& rules);

    [[nodiscard]] const std::string& directory() const noexcept { return folder_.directory(); }
    /// All of them, damaged ones too. Throws Error BERTH-P-33.
    [[nodiscard]] std::vector<QuarantineRecord> records() const;
    /// The one about that hash. A record that cannot be read is a damaged one. Throws Error BERTH-P-33.
    [[nodiscard]] std::optional<QuarantineRecord> find(const std::string& hash) const;
    /// Keeps the record, its texts made printable and short. Throws Error BERTH-P-33.
    void put(const QuarantineRecord& record) const;
    /// Whether it was there. Throws Error BERTH-P-33.
    [[nodiscard]] bool remove(const std::string& hash) const { return folder_.remove(hash); }

private:
    RecordFolder folder_;
};

/// The record about what the file holds, if there is one. Reads the whole file only when one of the records is about a
/// file of its size.
[[nodiscard]] const QuarantineRecord* record_of(std::span<const QuarantineRecord> records, const ByteSource& file);
/// The same; the file is not even opened otherwise. Nothing when it is not the one that was read, or cannot be read.
[[nodiscard]] const QuarantineRecord* record_of(std::span<const QuarantineRecord> records, const PluginFile& file,
                                                const TrustRules& rules);

/// In a sentence without full stop: "its workers died 5 times within 60 s, the last one was killed by ...".
[[nodiscard]] std::string reason_of(const QuarantineRecord& record);

/// Why the file is not used: BERTH-P-32, without location. `plugin`: the name by which it can be cleared.
[[nodiscard]] Error quarantine_refusal(const QuarantineRecord& record, const std::string& plugin);

/// Now, as a record has it.
[[nodiscard]] std::string moment_text(std::chrono::system_clock::time_point moment);

}  // namespace berth::inline host_v1

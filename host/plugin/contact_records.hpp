// Which plugin files have been loaded in a process of their own without doing anything to it, by what they hold: they need
// not be tried again. Loads nothing.
#pragma once

#include <string>

#include "record_folder.hpp"

namespace berth::inline host_v1 {

class ContactRecords {
public:
    /// `records`: usual_records_directory(), or empty.
    ContactRecords(const std::string& records, const TrustRules& rules);

    /// A record that cannot be read, or is of a Berth that looked for less, is none. Throws Error BERTH-P-33 when it cannot be
    /// known, or when the record is damaged.
    [[nodiscard]] bool has(const std::string& hash) const;
    /// Keeps that it went well, of the newest ones only. `plugin` and `file` are for people. Throws Error BERTH-P-33.
    void put(const std::string& hash, const std::string& plugin, const std::string& file) const;
    /// Whether it was there. Throws Error BERTH-P-33.
    [[nodiscard]] bool remove(const std::string& hash) const { return folder_.remove(hash); }

private:
    RecordFolder folder_;
};

}  // namespace berth::inline host_v1

// `berth plugin clear`: plugins that are not run any more because of what they did are tried again. Runs none of their code.
#include <algorithm>
#include <filesystem>
#include <set>

#include "../base/text.hpp"
#include "../plugin/contact_records.hpp"
#include "../plugin/trust.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "plugin_sheet.hpp"

namespace berth::inline host_v1::cli {

namespace {

using Records = std::vector<QuarantineRecord>;

/// Hashes of the records that a word means.
using Hashes = std::set<std::string>;

/// A path, as opposed to the name of a plugin.
bool is_path(const std::string& text) {
    return text.find('/') != std::string::npos || text.ends_with(".so");
}

/// What the file holds now, trusted or not, and what lay at its path before. Throws Error BERTH-P-06 when there is neither.
Hashes of_path(const std::string& path, const Records& records) {
    Hashes hashes;
    for (const auto& record : records) {
        if (record.file == printable(path)) hashes.insert(record.hash);
    }
    try {
        const auto file = open_end(walk_to(path, WalkGoal::file, TrustRules::of_this_process(), OnDistrust::go_on));
        check_plugin_size(file.identity.size);
        const auto* const now = record_of(records, FileBytes(file.descriptor.get(), file.identity.size));
        if (now != nullptr) hashes.insert(now->hash);
    } catch (const Error&) {
        if (hashes.empty()) throw;
    }
    return hashes;
}

/// Throws Error BERTH-P-01 for a name that neither a record nor a file says.
Hashes of_name(const std::string& name, const Records& records, const Catalog& catalog) {
    Hashes hashes;
    for (const auto& record : records) {
        if (!record.damage && record.plugin == name) hashes.insert(record.hash);
    }
    bool is_known = !hashes.empty();
    for (const auto& file : catalog.files()) {
        if (file.name() != name) continue;
        is_known = true;
        if (const auto* const record = record_of(records, file, TrustRules::of_this_process()))
            hashes.insert(record->hash);
    }
    if (!is_known) (void)catalog.find(name);  // throws with the nearest name and where was looked
    return hashes;
}

Hashes meant_by(const std::string& word, Session& session, const Records& records) {
    if (is_content_hash(word)) return {word};
    if (is_path(word)) return of_path(std::filesystem::absolute(word).lexically_normal().string(), records);
    return of_name(word, records, session.catalog());
}

/// Those that were there. They are met anew, too.
Records clear(const Session& session, const Hashes& hashes, const Records& records) {
    const ContactRecords contacts(usual_records_directory(session.variables()), TrustRules::of_this_process());
    Records cleared;
    for (const auto& record : records) {
        if (hashes.count(record.hash) == 0 || !session.quarantine().remove(record.hash)) continue;
        (void)contacts.remove(record.hash);
        cleared.push_back(record);
    }
    return cleared;
}

void say(const Printing& out, const Records& cleared) {
    if (out.wants_json()) {
        std::vector<Json> all;
        for (const auto& record : cleared) {
            all.push_back(json_of(record));
        }
        return out.list(all);
    }
    std::string text;
    for (const auto& record : cleared) {
        const auto name = record.damage ? record.hash : record.plugin;
        text += name + (out.format() == OutputFormat::name ? "" : " cleared; " + reason_of(record)) + "\n";
    }
    out.text(text);
}

}  // namespace

int perform(Session& session, const PluginClearCommand& command) {
    const auto records = session.quarantine().records();
    const auto& out = session.out();
    Records cleared;
    int code = exit_ok;
    if (command.which == Clear::all) {
        Hashes all;
        for (const auto& record : records) {
            all.insert(record.hash);
        }
        cleared = clear(session, all, records);
        if (cleared.empty()) out.note("no plugin is in quarantine");
    }
    for (const auto& word : command.plugins) {
        try {
            auto one = clear(session, meant_by(word, session, records), records);
            if (one.empty()) out.note(word + " is not in quarantine");
            cleared.insert(cleared.end(), one.begin(), one.end());
        } catch (const Error& error) {
            out.failure(error);
            code = worse_exit_code(code, exit_code_of(error));
        }
    }
    say(out, cleared);
    return code;
}

}  // namespace berth::inline host_v1::cli

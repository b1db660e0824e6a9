#include "plugin_memory.hpp"

#include <fcntl.h>

#include <chrono>
#include <utility>

#include "../base/file_descriptor.hpp"
#include "../base/text.hpp"

namespace berth::inline host_v1 {

namespace {

/// Of a file that was not read whole: it is, when a record is about one of its size.
std::optional<QuarantineRecord> record_of_file(const Quarantine& quarantine, const KnownPlugin& plugin) {
    const auto records = quarantine.records();
    if (records.empty()) return std::nullopt;  // as always, nearly
    const FileDescriptor file{::open(plugin.path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return std::nullopt;  // whoever loads it says so
    const auto* const found = record_of(records, FileBytes(file.get(), plugin.size));
    return found == nullptr ? std::nullopt : std::optional(*found);
}

Error located(const Error& error, const KnownPlugin& plugin) {
    return error.with_location(printable(plugin.path));
}

/// No other process knows of it, so none can clear it.
Error refusal_for_this_process(const QuarantineRecord& record, const KnownPlugin& plugin) {
    const auto refusal = quarantine_refusal(record, plugin.name);
    auto fields = refusal.fields();
    fields.hint = "Repair or replace the file, then start Berth anew";
    return located(Error(Diagnostic{refusal.diagnostic(), refusal.code()}, std::move(fields)), plugin);
}

}  // namespace

PluginMemory::PluginMemory(const std::string& records, const TrustRules& rules, std::shared_ptr<Log> log)
    : quarantine_(records, rules), contacts_(records, rules), log_(std::move(log)) {}

std::optional<Error> PluginMemory::refusal(const KnownPlugin& plugin) {
    try {
        const auto found = plugin.hash.empty() ? record_of_file(quarantine_, plugin) : quarantine_.find(plugin.hash);
        if (found) return located(quarantine_refusal(*found, plugin.name), plugin);
    } catch (const Error& problem) {
        say_once(problem);
    }
    const std::lock_guard lock(mutex_);
    const auto own = own_.find(plugin.hash);
    return own == own_.end() ? std::nullopt : std::optional(refusal_for_this_process(own->second, plugin));
}

Error PluginMemory::quarantine(const KnownPlugin& plugin, QuarantineRecord what_happened) {
    auto& record = what_happened;
    record.hash = plugin.hash;
    record.size = plugin.size;
    record.plugin = plugin.name;
    record.file = plugin.path;
    record.since = moment_text(std::chrono::system_clock::now());
    try {
        quarantine_.put(record);
        log_->write(LogLevel::error, "host",
                    "the plugin " + plugin.name + " is in quarantine from now on: " + reason_of(record) + " (" +
                        printable(plugin.path) + ")");
        return located(quarantine_refusal(record, plugin.name), plugin);
    } catch (const Error& problem) {
        say_once(problem);
    }
    const std::lock_guard lock(mutex_);
    own_[record.hash] = record;
    return refusal_for_this_process(record, plugin);
}

bool PluginMemory::has_met(const KnownPlugin& plugin) {
    {
        const std::lock_guard lock(mutex_);
        if (met_.count(plugin.hash) != 0) return true;
    }
    try {
        return contacts_.has(plugin.hash);
    } catch (const Error& problem) {
        log_->write(LogLevel::warning, "host", problem.what());
        return false;
    }
}

void PluginMemory::met(const KnownPlugin& plugin) {
    {
        const std::lock_guard lock(mutex_);
        met_.insert(plugin.hash);
    }
    try {
        contacts_.put(plugin.hash, plugin.name, plugin.path);
    } catch (const Error& problem) {
        say_once(problem);
    }
}

void PluginMemory::say_once(const Error& problem) {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(was_said_, true)) return;
    }
    log_->write(LogLevel::warning, "host",
                std::string(problem.what()) +
                    "; until that is mended, what is found out about plugins is known to this process only");
}

std::string FileQuarantine::begin(const WorkerDeaths& deaths) {
    QuarantineRecord record;
    record.cause = QuarantineRecord::Cause::deaths;
    record.deaths = deaths.count;
    record.within = deaths.within;
    record.last_death = deaths.last;
    record.last_words = deaths.last_words;
    return memory_->quarantine(plugin_, std::move(record)).fields().hint;
}

void FileQuarantine::died_opening(const WorkerDeaths& one) {
    const std::lock_guard lock(mutex_);
    const auto now = RestartRule::Clock::now();
    openings_.died(now);
    if (!openings_.is_exhausted(now)) return;
    (void)begin({openings_.deaths(), RestartRule::memory, one.last, one.last_words});
    openings_ = {};
}

}  // namespace berth::inline host_v1

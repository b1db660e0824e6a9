// What a host knows of plugin files from earlier, by what they hold: which ones are in quarantine, and which ones have been
// loaded before. It is kept on the disk for all hosts of one user; where that cannot be, for this host alone, and that is said
// once. Starts and loads nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "../plugin/contact_records.hpp"
#include "../plugin/prepared_plugin.hpp"
#include "../plugin/quarantine.hpp"
#include "../service/log.hpp"
#include "../worker/restart_rule.hpp"
#include "../worker/worker_provider.hpp"

namespace berth::inline host_v1 {

/// The bytes of a plugin file that are to be run.
struct KnownPlugin {
    std::string name;
    std::string path;
    std::string hash;  ///< empty: it was not read whole, for it is where Berth itself is
    std::uint64_t size = 0;
    [[nodiscard]] static KnownPlugin of(const PreparedPlugin& prepared) {
        return {prepared.manifest.name, prepared.path, prepared.hash, prepared.identity.size};
    }
};

/// Any thread.
class PluginMemory {
public:
    /// `records`: usual_records_directory(), or empty.
    PluginMemory(const std::string& records, const TrustRules& rules, std::shared_ptr<Log> log);

    /// Why what was prepared must not be run, BERTH-P-32, if it is in quarantine.
    [[nodiscard]] std::optional<Error> refusal(const KnownPlugin& plugin);
    /// From now on it is; the refusal. Of the record, only what happened has to be filled in.
    [[nodiscard]] Error quarantine(const KnownPlugin& plugin, QuarantineRecord what_happened);

    /// Whether it was loaded in a process of its own before, and all was well.
    [[nodiscard]] bool has_met(const KnownPlugin& plugin);
    /// It was now.
    void met(const KnownPlugin& plugin);

private:
    void say_once(const Error& problem);

    const Quarantine quarantine_;
    const ContactRecords contacts_;
    const std::shared_ptr<Log> log_;
    std::mutex mutex_;  ///< guards what follows
    bool was_said_ = false;
    std::map<std::string, QuarantineRecord> own_;  ///< what could not be written, by hash
    std::set<std::string> met_;                    ///< hashes
};

/// The quarantine of the workers of one file.
class FileQuarantine final : public WorkerQuarantine {
public:
    FileQuarantine(std::shared_ptr<PluginMemory> memory, KnownPlugin plugin)
        : memory_(std::move(memory)), plugin_(std::move(plugin)) {}
    [[nodiscard]] std::optional<Error> refusal() override { return memory_->refusal(plugin_); }
    [[nodiscard]] std::string begin(const WorkerDeaths& deaths) override;
    void died_opening(const WorkerDeaths& one) override;

private:
    const std::shared_ptr<PluginMemory> memory_;
    const KnownPlugin plugin_;
    std::mutex mutex_;
    RestartRule openings_;
};

}  // namespace berth::inline host_v1

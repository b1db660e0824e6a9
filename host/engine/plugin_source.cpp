#include "plugin_source.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "../base/text.hpp"
#include "../plugin/loader.hpp"
#include "../plugin/private_copy.hpp"
#include "../plugin/schema_check.hpp"
#include "../provider/direct_provider.hpp"
#include "../worker/first_contact.hpp"
#include "../worker/worker_provider.hpp"

namespace berth::inline host_v1 {

namespace {

/// The first problem, with the others in its details: a person repairs them all at once.
[[noreturn]] void refuse(const std::vector<Error>& problems) {
    const auto& first = problems.front();
    auto fields = first.fields();
    for (std::size_t index = 1; index < problems.size(); ++index)
        fields.details.emplace_back("problem", problems[index].what());
    if (problems.size() > 1) {
        fields.hint += (fields.hint.empty() ? "" : "; ") + std::to_string(problems.size() - 1) +
                       (problems.size() == 2 ? " more problem" : " more problems") + " of this provider in the details";
    }
    throw Error(Diagnostic{first.diagnostic(), first.code()}, std::move(fields));
}

/// lib/berth/berth-worker, of lib/berth/plugins; where a host was given plugins elsewhere, beside its own program.
std::string installed_worker(const std::string& plugin_directory) {
    std::string found;
    for (const auto& plugins : {plugin_directory, installed_plugin_directory()}) {
        if (plugins.empty()) continue;
        found = (std::filesystem::path(plugins).parent_path() / "berth-worker").string();
        std::error_code problem;
        if (std::filesystem::exists(found, problem)) break;
    }
    return found;
}

}  // namespace

std::string installed_plugin_directory() {
    std::error_code problem;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", problem);
    if (problem) return {};
    const auto directory = (program.parent_path() / ".." / "lib" / "berth" / "plugins").lexically_normal();
    return std::filesystem::is_directory(directory, problem) ? directory.string() : std::string{};
}

/// One provider and its plugin file, as it was in the catalog of its time.
class PluginSource::Found final : public FoundProvider {
public:
    Found(std::shared_ptr<const Common> common, const ProviderConfiguration& provider, PluginFile file,
          Settings settings)
        : common_(std::move(common)), provider_(provider), file_(std::move(file)), settings_(std::move(settings)) {
        facts_.plugin_file = file_.path;
        facts_.plugin_version = file_.manifest->version;
        facts_.methods = file_.manifest->provides;
        facts_.features = file_.manifest->features;
        for (const auto& warning : file_.warnings)
            facts_.warnings.emplace_back(warning.what());
    }

    [[nodiscard]] const ProviderFacts& facts() const noexcept override { return facts_; }

    [[nodiscard]] std::unique_ptr<Provider> open(Call& call) override {
        const auto& [install, worker, rules, environment, log, places, http, memory] = *common_;
        DirectProviderOptions options{provider_.name, settings_, environment, log, places, http};
        const auto copies = usual_copies_directory(environment);
        if (!runs_in_worker()) return open_direct_provider(call, load_here(call, copies), std::move(options));
        auto prepared = prepare_plugin(file_, rules, copies, Copying::always);
        if (!quarantine_) quarantine_ = std::make_shared<FileQuarantine>(memory, KnownPlugin::of(prepared));
        return open_worker_provider(
            call, {std::move(options), std::move(prepared),
                   process_starter(worker, {provider_.worker.memory_bytes, provider_.worker.cpus}), quarantine_});
    }

private:
    /// What came with the install is as much to be trusted as this program; nothing else is.
    [[nodiscard]] bool runs_in_worker() const {
        if (provider_.run != RunMode::automatic) return provider_.run == RunMode::worker;
        const auto& install = common_->install_directory;
        return install.empty() || std::filesystem::path(file_.path).parent_path() != std::filesystem::path(install);
    }

    [[nodiscard]] const LoadedPlugin& load_here(Call& call, const std::string& copies) const {
        auto& memory = *common_->memory;
        auto prepared = prepare_for_here(file_, common_->rules, copies);
        const auto known = KnownPlugin::of(prepared);
        // What is too much for workers is too much for this process.
        if (const auto refusal = memory.refusal(known)) throw *refusal;
        // Berth's own plugins are as well known as this program.
        if (!file_.came_with_berth && !memory.has_met(known)) meet(call, prepared, known);
        return load_plugin(std::move(prepared), common_->rules);
    }

    /// Loads it elsewhere first. Throws Error when it must not be loaded here.
    void meet(Call& call, const PreparedPlugin& prepared, const KnownPlugin& known) const {
        const WorkerLimits limits{provider_.worker.memory_bytes.value_or(first_contact_memory), provider_.worker.cpus};
        const auto on_line = [log = common_->log, name = provider_.name](LogLevel level, std::string_view line) {
            log->write(level, name, line);
        };
        const auto death = first_contact(call, prepared, process_starter(common_->worker_program, limits), on_line);
        if (!death) return common_->memory->met(known);
        QuarantineRecord record;
        record.cause = QuarantineRecord::Cause::first_contact;
        record.last_death = death->text;
        record.last_words = death->last_words;
        throw common_->memory->quarantine(known, std::move(record));
    }

    std::shared_ptr<const Common> common_;
    const ProviderConfiguration& provider_;
    PluginFile file_;
    Settings settings_;
    ProviderFacts facts_;
    std::shared_ptr<FileQuarantine> quarantine_;  ///< from the first open on
};

PluginSource::PluginSource(SearchInput search, EnvironmentVariables environment, std::shared_ptr<Log> log,
                           ServicePlaces places, HttpConfiguration http, Pins pins, std::string worker_program)
    : search_(std::move(search)), pins_(std::move(pins)), common_([&] {
          if (worker_program.empty()) worker_program = installed_worker(search_.install_directory);
          const auto rules = TrustRules::of_this_process();
          auto memory = std::make_shared<PluginMemory>(usual_records_directory(environment), rules, log);
          auto access = std::make_shared<HttpAccess>(places.modules, std::move(http), environment);
          return std::make_shared<const Common>(Common{search_.install_directory, std::move(worker_program), rules,
                                                       std::move(environment), std::move(log), std::move(places),
                                                       std::move(access), std::move(memory)});
      }()) {
    read_catalog();
}

void PluginSource::refresh() {
    read_catalog();
}

void PluginSource::read_catalog() {
    auto catalog = std::make_shared<const Catalog>(Catalog::read(search_, common_->rules, pins_));
    for (const auto& problem : catalog->problems())
        common_->log->write(LogLevel::warning, "host", problem.what());
    const std::lock_guard lock(mutex_);
    catalog_ = std::move(catalog);
}

std::shared_ptr<FoundProvider> PluginSource::find(const ProviderConfiguration& provider) {
    const auto catalog = [this] {
        const std::lock_guard lock(mutex_);
        return catalog_;
    }();
    const auto& file = catalog->find(provider.plugin);
    const auto& config = file.manifest->config;
    auto settled = settle(provider.config, config.setting_rules(), common_->environment);
    if (!settled.problems.empty()) refuse(settled.problems);
    if (const auto problems = check_settings(config, provider.config, settled.settings); !problems.empty())
        refuse(problems);
    return std::make_shared<Found>(common_, provider, file, std::move(settled.settings));
}

}  // namespace berth::inline host_v1

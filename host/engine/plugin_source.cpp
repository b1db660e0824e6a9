#include "plugin_source.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "../base/text.hpp"
#include "../plugin/loader.hpp"
#include "../plugin/private_copy.hpp"
#include "../plugin/schema_check.hpp"
#include "../provider/direct_provider.hpp"
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

PluginSource::PluginSource(const SearchInput& search, EnvironmentVariables environment, std::shared_ptr<Log> log,
                           ServicePlaces places, HttpConfiguration http, const Pins& pins, std::string worker_program)
    : install_directory_(search.install_directory),
      worker_program_(worker_program.empty() ? installed_worker(search.install_directory) : std::move(worker_program)),
      rules_(TrustRules::of_this_process()),
      catalog_(Catalog::read(search, rules_, pins)),
      environment_(std::move(environment)),
      log_(std::move(log)),
      places_(std::move(places)),
      http_(std::make_shared<HttpAccess>(places_.modules, std::move(http), environment_)) {
    for (const auto& problem : catalog_.problems())
        log_->write(LogLevel::warning, "host", problem.what());
}

ProviderFacts PluginSource::inspect(const ProviderConfiguration& provider) {
    const auto& file = catalog_.find(provider.plugin);
    const auto& manifest = *file.manifest;
    const auto rules = manifest.config.setting_rules();
    auto settled = settle(provider.config, rules, environment_);
    if (!settled.problems.empty()) refuse(settled.problems);
    if (const auto problems = check_settings(manifest.config, provider.config, settled.settings); !problems.empty())
        refuse(problems);
    inspected_.insert_or_assign(provider.name, Inspected{&file, std::move(settled.settings)});

    ProviderFacts facts;
    facts.plugin_file = file.path;
    facts.plugin_version = manifest.version;
    facts.methods = manifest.provides;
    facts.features = manifest.features;
    for (const auto& warning : file.warnings)
        facts.warnings.emplace_back(warning.what());
    return facts;
}

std::unique_ptr<Provider> PluginSource::open(const ProviderConfiguration& provider, Call& call) {
    const auto& [file, settings] = inspected_.at(provider.name);
    DirectProviderOptions options{provider.name, settings, environment_, log_, places_, http_};
    if (!runs_in_worker(provider, *file))
        return open_direct_provider(call, load_plugin(*file, rules_, usual_copies_directory(environment_)),
                                    std::move(options));
    return open_worker_provider(call,
                                {std::move(options),
                                 file->path,
                                 file->identity,
                                 *file->manifest,
                                 process_starter(worker_program_, {provider.worker.memory_bytes, provider.worker.cpus},
                                                 usual_copies_directory(environment_)),
                                 {}});
}

/// What came with the install is as much to be trusted as this program; nothing else is.
bool PluginSource::runs_in_worker(const ProviderConfiguration& provider, const PluginFile& file) const {
    if (provider.run != RunMode::automatic) return provider.run == RunMode::worker;
    return install_directory_.empty() ||
           std::filesystem::path(file.path).parent_path() != std::filesystem::path(install_directory_);
}

}  // namespace berth::inline host_v1

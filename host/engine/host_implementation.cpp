#include "host_implementation.hpp"

#include <algorithm>

#include "../base/text.hpp"
#include "admission.hpp"
#include "diagnostics.hpp"
#include "plugin_source.hpp"
#include "router.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr Milliseconds patience_at_the_end{15'000};
constexpr Milliseconds destroy_at_the_end{30'000};
constexpr std::size_t destroyers = 8;
constexpr Milliseconds cleanup{10'000};
constexpr Milliseconds beyond_the_graces{2'000};

/// `configuration` has been taken out of `options`.
std::unique_ptr<ProviderSource> plugin_source(const HostOptions& options, const Configuration& configuration,
                                              const std::shared_ptr<Log>& log) {
    SearchInput search;
    search.given = options.plugin_directories;
    for (const auto& path : configuration.plugin_paths)
        search.configured.push_back(path.string());
    search.environment = options.environment_variables;
    search.install_directory =
        options.install_plugin_directory.empty() ? installed_plugin_directory() : options.install_plugin_directory;
    auto places = usual_places(search.install_directory, options.environment_variables);
    if (!options.service_directory.empty()) places.modules = options.service_directory;
    if (!options.state_directory.empty()) places.state = options.state_directory;
    return std::make_unique<PluginSource>(search, options.environment_variables, log, std::move(places),
                                          configuration.http, Pins(configuration), options.worker_program);
}

bool concerns_one_sandbox(Method method) {
    return method != Method::create && method != Method::list && method != Method::list_snapshots &&
           method != Method::delete_snapshot;
}

/// A kill ladder takes its graces, and then a moment.
Milliseconds cleanup_cap(const ProcessConfig* process) {
    if (process == nullptr) return cleanup;
    const auto graces = process->kill_grace.value_or(Milliseconds{0}) + process->drain_grace.value_or(Milliseconds{0});
    return std::max(cleanup, graces + beyond_the_graces);
}

}  // namespace

Bounds bounds_of(const MethodRow& row, const ProviderConfiguration& provider, const CallOptions& options,
                 const ProcessConfig* process) {
    if (options.deadline) return {options.deadline, {}};
    if (const auto configured = provider.deadlines.find(std::string(row.name)); configured != provider.deadlines.end())
        return {configured->second, {}};
    switch (row.deadline_rule) {
        case DeadlineRule::fixed:
            return {row.deadline, {}};
        case DeadlineRule::without_progress:
            return {{}, row.deadline};
        case DeadlineRule::process:
            break;
    }
    const auto timeout = process == nullptr ? std::nullopt : process->environment.timeout;
    if (!timeout || *timeout == Milliseconds{0}) return {};
    return {*timeout + process->kill_grace.value_or(Milliseconds{0}) + process->drain_grace.value_or(Milliseconds{0}) +
                row.deadline,
            {}};
}

Host::Implementation::Implementation(HostOptions options, std::unique_ptr<ProviderSource> source)
    : configuration_(std::move(options.configuration)),
      log_(std::make_shared<Log>(LogLevel::trace, std::move(options.log))) {
    if (options.core_dumps == CoreDumps::not_with_secrets) log_->secrets().keep_out_of_core_dumps();
    source_ = source ? std::move(source) : plugin_source(options, configuration_, log_);
    providers_.emplace(configuration_, *source_, watchdog_);
    threads_.emplace();
    for (const auto& status : providers_->status()) {
        for (const auto& warning : status.warnings)
            log(LogLevel::warning, status.name + ": " + warning);
        if (status.error) log(LogLevel::warning, status.name + " cannot be used: " + status.error->what());
    }
}

Host::Implementation::~Implementation() {
    end_calls();
    threads_.reset();
    destroy_mine();
    providers_->close();
}

void Host::Implementation::end_calls() {
    calls_.shut_down();
    for (;;) {
        const auto left = calls_.wait_until_empty(later(Call::Clock::now(), patience_at_the_end));
        if (left.empty()) return;
        // A plugin in this process cannot be ended from outside; say at least whom we wait for.
        log(LogLevel::error, "still waiting for calls that were cancelled: " + listed(left));
    }
}

void Host::Implementation::destroy_mine() {
    std::vector<SandboxName> left;
    for (const auto& [provider, id] : mine_)
        left.push_back({provider, id});
    std::mutex mutex;
    const auto destroy_each = [&] {
        for (;;) {
            SandboxName sandbox;
            {
                const std::lock_guard lock(mutex);
                if (left.empty()) return;
                sandbox = std::move(left.back());
                left.pop_back();
            }
            try {
                CallOptions options;
                options.deadline = destroy_at_the_end;
                Job job{Method::destroy, sandbox.provider, sandbox.id, options};
                job.at_shutdown = ActiveCall::AtShutdown::run_on;
                run(std::move(job),
                    [&](Provider& provider, ActiveCall& call) { provider.destroy(call.call(), sandbox.id); });
            } catch (const Error& error) {
                if (error.code() != Code::not_found)
                    log(LogLevel::error, "a sandbox is left behind: " + std::string(error.what()));
            }
        }
    };
    EngineThreads helpers;
    try {
        for (std::size_t count = 1; count < std::min(destroyers, mine_.size()); ++count)
            helpers.start(destroy_each);
    } catch (const Error& error) {
        log(LogLevel::warning, error.what());
    }
    destroy_each();
}

std::unique_ptr<ActiveCall> Host::Implementation::announce(Job& job, const ProviderConfiguration& provider) {
    const auto& row = row_of(job.method);
    at_place(job.method, provider.name, job.sandbox, [&] { admit_deadline(job.options.deadline); });
    auto bounds = bounds_of(row, provider, job.options, job.process);
    if (job.endless) bounds = {job.options.deadline, {}};
    ActiveCall::Setup setup;
    setup.method = job.method;
    setup.provider = provider.name;
    setup.sandbox = job.sandbox;
    setup.deadline = bounds.deadline;
    setup.patience = bounds.patience;
    setup.cleanup_cap = cleanup_cap(job.process);
    setup.stop = job.options.stop;
    setup.progress = job.options.progress;
    setup.standard_input = std::move(job.standard_input);
    if (job.at_shutdown) setup.at_shutdown = *job.at_shutdown;
    return std::make_unique<ActiveCall>(calls_, watchdog_, std::move(setup));
}

void Host::Implementation::enter(const Job& job, const ProviderConfiguration& provider, Entered& entered) {
    auto& call = *entered.call;
    try {
        call.check();
        if (concerns_one_sandbox(job.method)) admit_sandbox_id(job.sandbox);
        auto& slot = providers_->slot(provider);
        entered.provider = providers_->open(slot, call);
        admit_method(entered.provider->offer(), job.method);
        if (job.admit) job.admit(provider, entered.provider->offer());
        entered.place = slot.gate().enter(job.queue.value_or(row_of(job.method).queue), call);
        call.check();
    } catch (...) {
        throw call.current_failure();
    }
}

const ProviderConfiguration& Host::Implementation::routed(Method method, std::string_view provider,
                                                          std::string_view sandbox) const {
    try {
        return route(configuration_, provider);
    } catch (const Error& error) {
        throw error.with_place(provider, row_of(method).name, sandbox);
    }
}

Host::Implementation::Entered Host::Implementation::begin(Job& job) {
    const auto& provider = routed(job.method, job.provider, job.sandbox);
    Entered entered;
    entered.call = announce(job, provider);
    enter(job, provider, entered);
    return entered;
}

void Host::Implementation::open(const ProviderConfiguration& provider, const CallOptions& options) {
    // `list` is what one asks of a provider as a whole.
    Job job{Method::list, provider.name, {}, options};
    const auto call = announce(job, provider);
    (void)providers_->open(providers_->slot(provider), *call);
}

std::vector<ProviderStatus> Host::Implementation::reload(const std::string& plugin, const CallOptions& options) {
    const auto statuses = providers_->reload(plugin, [&](const ProviderConfiguration& provider) {
        Job job{Method::list, provider.name, {}, options};
        return announce(job, provider);
    });
    for (const auto& status : statuses) {
        for (const auto& warning : status.warnings)
            log(LogLevel::warning, status.name + ": " + warning);
        if (status.error)
            log(LogLevel::warning, status.name + " cannot be used: " + status.error->what());
        else
            log(LogLevel::info,
                status.name + ": reloaded, version " + status.plugin_version + " of " + status.plugin_file);
    }
    return statuses;
}

CallOptions Host::Implementation::left_of(const CallOptions& options, Call::Clock::time_point began) {
    auto left = options;
    if (left.deadline) {
        const auto passed = std::chrono::duration_cast<Milliseconds>(Call::Clock::now() - began);
        // At least a moment: the call itself then says that the deadline has passed.
        left.deadline = std::max(*left.deadline - passed, Milliseconds{1});
    }
    return left;
}

Warn Host::Implementation::warning(const std::string& provider, Method method) {
    return [this, provider, method](const std::string& sentence) {
        log(LogLevel::warning, provider + ", " + std::string(row_of(method).name) + ": " + sentence);
    };
}

bool Host::Implementation::is_mine(const SandboxName& sandbox) {
    const std::lock_guard lock(mine_mutex_);
    return mine_.count({sandbox.provider, sandbox.id}) != 0;
}

}  // namespace berth::inline host_v1

// The life of sandboxes: create, get, list, destroy, is_ready, restart.
#include <algorithm>
#include <iterator>
#include <latch>
#include <tuple>

#include "admission.hpp"
#include "diagnostics.hpp"
#include "host_implementation.hpp"
#include "random_name.hpp"
#include "upload.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t key_bytes = 16;

/// Everything but the initial files, whose content may be large and goes its own way.
SandboxConfig without_files(const SandboxConfig& config) {
    SandboxConfig copy;
    copy.environment = config.environment;
    copy.name = config.name;
    copy.template_name = config.template_name;
    copy.setup_commands = config.setup_commands;
    copy.persistent = config.persistent;
    copy.labels = config.labels;
    copy.secret_env = config.secret_env;
    copy.ttl = config.ttl;
    copy.idle_ttl = config.idle_ttl;
    copy.disk_limit_mib = config.disk_limit_mib;
    copy.pids_limit = config.pids_limit;
    copy.network = config.network;
    copy.network_allow = config.network_allow;
    copy.idempotency_key = config.idempotency_key;
    copy.extra = config.extra;
    return copy;
}

/// "None" is said by saying nothing.
void forget_if_none(std::optional<Milliseconds>& time) {
    if (time == Milliseconds{0}) time.reset();
}

}  // namespace

SandboxConfig Host::Implementation::filled(const SandboxConfig& config, const ProviderConfiguration& provider) const {
    const auto& defaults = configuration_.defaults;
    auto full = without_files(config);
    if (!full.environment.timeout) full.environment.timeout = defaults.timeout;
    // insert() keeps what is there: the request's own labels win over the provider's, those over the defaults.
    full.labels.insert(provider.labels.begin(), provider.labels.end());
    full.labels.insert(defaults.labels.begin(), defaults.labels.end());
    forget_if_none(full.ttl);
    forget_if_none(full.idle_ttl);
    if (full.idempotency_key.empty()) full.idempotency_key = random_name(key_bytes);
    return full;
}

SandboxInfo Host::Implementation::create(const CreateRequest& request, const CallOptions& options) {
    const auto& provider = routed(Method::create, request.provider, {});
    at_place(Method::create, provider.name, {}, [&] { admit_sandbox(request.config); });
    auto config = filled(request.config, provider);
    Job job{Method::create, provider.name, {}, options};
    job.admit = [&](const ProviderConfiguration&, const Offer& offer) {
        admit_requirements(offer, request.require);
        admit_features(offer, configuration_.defaults.on_unsupported, config, warning(provider.name, Method::create));
    };
    return run(std::move(job), [&](Provider& opened, ActiveCall& call) {
        Transfer transfer(call, options.progress ? known_size(request.config.initial_files) : 0);
        HostFileSource files(request.config.initial_files, transfer);
        std::string announced;
        try {
            auto info =
                opened.create(call.call(), config, files, [&](const SandboxInfo& early) { announced = early.id; });
            info.provider = provider.name;
            if (!config.persistent && !info.persistent) {
                const std::lock_guard lock(mine_mutex_);
                mine_.emplace(provider.name, info.id);
            }
            return info;
        } catch (...) {
            // Whoever has to look after something that was left behind needs its name.
            throw call.current_failure().with_place(provider.name, {}, announced);
        }
    });
}

SandboxInfo Host::Implementation::get(const SandboxName& sandbox, const CallOptions& options) {
    return run({Method::get, sandbox.provider, sandbox.id, options}, [&](Provider& provider, ActiveCall& call) {
        auto info = provider.get(call.call(), sandbox.id);
        info.provider = provider.name();
        return info;
    });
}

bool Host::Implementation::is_stopped(const SandboxName& sandbox, const CallOptions& options) {
    return get(sandbox, options).state == SandboxState::stopped;
}

std::vector<SandboxInfo> Host::Implementation::list_one(const std::string& name, const CallOptions& options) {
    return run({Method::list, name, {}, options}, [&](Provider& provider, ActiveCall& call) {
        auto infos = provider.list(call.call());
        for (auto& info : infos)
            info.provider = provider.name();
        return infos;
    });
}

SandboxList Host::Implementation::list(const std::optional<std::string>& provider, const CallOptions& options) {
    std::vector<std::string> names;
    if (provider) {
        names.push_back(routed(Method::list, *provider, {}).name);
    } else {
        for (const auto& configured : configuration_.providers)
            names.push_back(configured.name);
    }
    SandboxList all;
    std::mutex mutex;
    // Nobody expects to hear of progress from several threads at once.
    const CallOptions quiet{options.deadline, options.stop, {}};
    const auto ask = [&](const std::string& name) {
        std::vector<SandboxInfo> found;
        std::optional<Error> failure;
        try {
            found = list_one(name, names.size() > 1 ? quiet : options);
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& unexpected) {
            failure.emplace(engine_diagnostics::unexpected, unexpected.what());
        }
        const std::lock_guard lock(mutex);
        std::move(found.begin(), found.end(), std::back_inserter(all.sandboxes));
        if (failure) all.failures.push_back(*failure);
    };
    // One that does not answer must not make the others late.
    std::latch asked(static_cast<std::ptrdiff_t>(names.size()) - 1);
    for (std::size_t index = 1; index < names.size(); ++index) {
        const auto work = [&, index] {
            ask(names[index]);
            asked.count_down();
        };
        try {
            threads_->start(work);
        } catch (const Error&) {
            work();
        }
    }
    ask(names.front());
    asked.wait();
    std::sort(all.sandboxes.begin(), all.sandboxes.end(), [](const SandboxInfo& one, const SandboxInfo& other) {
        return std::tie(one.created_at, one.id) < std::tie(other.created_at, other.id);
    });
    return all;
}

void Host::Implementation::destroy(const SandboxName& sandbox, const CallOptions& options) {
    const auto forget = [&] {
        const std::lock_guard lock(mine_mutex_);
        mine_.erase({sandbox.provider, sandbox.id});
    };
    run({Method::destroy, sandbox.provider, sandbox.id, options}, [&](Provider& provider, ActiveCall& call) {
        try {
            provider.destroy(call.call(), sandbox.id);
        } catch (const Error& error) {
            if (error.code() == Code::not_found) forget();
            throw;
        }
        forget();
    });
}

bool Host::Implementation::is_ready(const SandboxName& sandbox, const CallOptions& options) {
    try {
        return run({Method::is_ready, sandbox.provider, sandbox.id, options},
                   [&](Provider& provider, ActiveCall& call) { return provider.is_ready(call.call(), sandbox.id); });
    } catch (const Error& error) {
        const auto code = error.code();
        if (code == Code::cancelled || code == Code::auth_failed || code == Code::internal) throw;
        log(LogLevel::info, "not ready: " + std::string(error.what()));
        return false;
    }
}

SandboxInfo Host::Implementation::restart(const SandboxName& sandbox, const CallOptions& options) {
    const auto& provider = routed(Method::restart, sandbox.provider, sandbox.id);
    Job job{Method::restart, provider.name, sandbox.id, options};
    Entered entered;
    entered.call = announce(job, provider);
    auto& call = *entered.call;
    try {
        call.check();
        return restarts_.run(provider.name + "/" + sandbox.id, call,
                             [&] { return restart_now(provider, job, entered); });
    } catch (...) {
        throw call.current_failure();
    }
}

SandboxInfo Host::Implementation::restart_now(const ProviderConfiguration& provider, const Job& job, Entered& entered) {
    auto checked = Job{job.method, job.provider, job.sandbox, job.options};
    checked.admit = [](const ProviderConfiguration& configured, const Offer& offer) {
        if (configured.restart_loss == RestartLoss::allow) return;
        const auto missing = missing_feature(offer, "restart_keeps_files", "restart");
        if (!missing) return;
        throw Error(engine_diagnostics::restart_loses_files,
                    "restart would lose the files: " + missing->fields().message,
                    "Allow it with `allow_restart_loss: true` at this provider in berth.yaml");
    };
    enter(checked, provider, entered);
    auto info = entered.provider->restart(entered.call->call(), job.sandbox);
    info.provider = provider.name;
    return info;
}

}  // namespace berth::inline host_v1

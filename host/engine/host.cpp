// The public face: every method forwards, and what is small enough is done here.
#include "host.hpp"

#include <utility>

#include "admission.hpp"
#include "diagnostics.hpp"
#include "feature_admission.hpp"
#include "host_implementation.hpp"
#include "router.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t most_log_bytes = std::size_t{64} << 20U;

}  // namespace

Host::Host(HostOptions options) : Host(std::move(options), nullptr) {}

Host::Host(HostOptions options, std::unique_ptr<ProviderSource> source)
    : implementation_(std::make_unique<Implementation>(std::move(options), std::move(source))) {}

Host::~Host() = default;

SandboxInfo Host::create(const CreateRequest& request, const CallOptions& options) {
    return implementation_->create(request, options);
}

SandboxInfo Host::get(const SandboxName& sandbox, const CallOptions& options) {
    return implementation_->get(sandbox, options);
}

SandboxList Host::list(const std::optional<std::string>& provider, const CallOptions& options) {
    return implementation_->list(provider, options);
}

void Host::destroy(const SandboxName& sandbox, const CallOptions& options) {
    implementation_->destroy(sandbox, options);
}

ProcessResult Host::execute(const SandboxName& sandbox, const ProcessConfig& process, const CallOptions& options) {
    return implementation_->execute(sandbox, process, options);
}

Process Host::execute_stream(const SandboxName& sandbox, const ProcessConfig& process, const CallOptions& options,
                             Overflow overflow) {
    return Process(implementation_->execute_stream(sandbox, process, overflow, nullptr, options));
}

Process Host::execute_stream(const SandboxName& sandbox, const ProcessConfig& process, OutputReceiver& receiver,
                             const CallOptions& options) {
    return Process(implementation_->execute_stream(sandbox, process, Overflow::wait, &receiver, options));
}

void Host::upload_files(const SandboxName& sandbox, std::span<const FileOperation> files, const CallOptions& options) {
    implementation_->upload_files(sandbox, files, options);
}

DownloadReport Host::download_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                                    const CallOptions& options) {
    return implementation_->download_files(sandbox, files, options);
}

ResourceUsage Host::get_resource_usage(const SandboxName& sandbox, const CallOptions& options) {
    return implementation_->run(
        {Method::get_resource_usage, sandbox.provider, sandbox.id, options},
        [&](Provider& provider, ActiveCall& call) { return provider.get_resource_usage(call.call(), sandbox.id); });
}

bool Host::is_ready(const SandboxName& sandbox, const CallOptions& options) {
    return implementation_->is_ready(sandbox, options);
}

SandboxInfo Host::restart(const SandboxName& sandbox, const CallOptions& options) {
    return implementation_->restart(sandbox, options);
}

SnapshotName Host::create_snapshot(const SandboxName& sandbox, std::string_view snapshot_name,
                                   const CallOptions& options) {
    at_place(Method::create_snapshot, sandbox.provider, sandbox.id, [&] { admit_snapshot_name(snapshot_name); });
    return implementation_->with_autostart(sandbox, options, [&](const CallOptions& left) {
        return implementation_->run(
            {Method::create_snapshot, sandbox.provider, sandbox.id, left}, [&](Provider& provider, ActiveCall& call) {
                return SnapshotName{provider.name(), provider.create_snapshot(call.call(), sandbox.id, snapshot_name)};
            });
    });
}

void Host::restore_snapshot(const SandboxName& sandbox, const SnapshotName& snapshot, const CallOptions& options) {
    at_place(Method::restore_snapshot, sandbox.provider, sandbox.id, [&] { admit_snapshot_id(snapshot.id); });
    if (snapshot.provider != sandbox.provider) {
        throw Error(
            engine_diagnostics::foreign_snapshot,
            "the snapshot belongs to the provider " + snapshot.provider + ", the sandbox to " + sandbox.provider,
            "Restore it into a sandbox of its own provider")
            .with_place(sandbox.provider, row_of(Method::restore_snapshot).name, sandbox.id);
    }
    implementation_->run(
        {Method::restore_snapshot, sandbox.provider, sandbox.id, options},
        [&](Provider& provider, ActiveCall& call) { provider.restore_snapshot(call.call(), sandbox.id, snapshot.id); });
}

std::string Host::get_logs(const SandboxName& sandbox, const LogOptions& log, const CallOptions& options) {
    return implementation_->run({Method::get_logs, sandbox.provider, sandbox.id, options},
                                [&](Provider& provider, ActiveCall& call) {
                                    std::string text;
                                    bool too_large = false;
                                    const auto collect = [&](std::string_view bytes) {
                                        too_large = too_large || text.size() + bytes.size() > most_log_bytes;
                                        if (!too_large) text.append(bytes);
                                    };
                                    provider.get_logs(call.call(), sandbox.id, log, Provider::Follow::no, collect);
                                    if (too_large) {
                                        throw Error(engine_diagnostics::log_too_large, "the log is larger than 64 MiB",
                                                    "Ask for less with `lines` or `since`, or follow it");
                                    }
                                    return text;
                                });
}

void Host::follow_logs(const SandboxName& sandbox, const LogOptions& log,
                       const std::function<void(std::string_view)>& handler, const CallOptions& options) {
    Implementation::Job job{Method::get_logs, sandbox.provider, sandbox.id, options};
    job.queue = Queue::streams;
    job.endless = true;
    job.admit = [](const ProviderConfiguration&, const Offer& offer) {
        if (auto missing = missing_feature(offer, "log_follow", "following a log")) throw *missing;
    };
    std::exception_ptr failure;
    implementation_->run(std::move(job), [&](Provider& provider, ActiveCall& call) {
        const auto pass_on = [&](std::string_view bytes) {
            if (failure) return;
            try {
                handler(bytes);
            } catch (...) {
                // It must not pass through the plugin: the call is ended, and this comes out at the caller's.
                failure = std::current_exception();
                call.call().cancel(CancelReason::caller);
            }
        };
        try {
            provider.get_logs(call.call(), sandbox.id, log, Provider::Follow::yes, pass_on);
        } catch (const Error& error) {
            // To be stopped is how following usually ends.
            if (error.code() != Code::cancelled || !call.call().cancelled()) throw;
        }
    });
    if (failure) std::rethrow_exception(failure);
}

void Host::set_environment_variables(const SandboxName& sandbox, const Variables& set,
                                     std::span<const std::string> unset, const CallOptions& options) {
    at_place(Method::set_environment_variables, sandbox.provider, sandbox.id, [&] { admit_variables(set, unset); });
    implementation_->run({Method::set_environment_variables, sandbox.provider, sandbox.id, options},
                         [&](Provider& provider, ActiveCall& call) {
                             provider.set_environment_variables(call.call(), sandbox.id, set, unset);
                         });
}

Variables Host::get_environment_variables(const SandboxName& sandbox, const CallOptions& options) {
    return implementation_->run({Method::get_environment_variables, sandbox.provider, sandbox.id, options},
                                [&](Provider& provider, ActiveCall& call) {
                                    return provider.get_environment_variables(call.call(), sandbox.id);
                                });
}

std::vector<SnapshotInfo> Host::list_snapshots(const std::string& provider, const CallOptions& options) {
    return implementation_->run({Method::list_snapshots, provider, {}, options},
                                [&](Provider& opened, ActiveCall& call) {
                                    auto snapshots = opened.list_snapshots(call.call());
                                    for (auto& snapshot : snapshots)
                                        snapshot.provider = opened.name();
                                    return snapshots;
                                });
}

void Host::delete_snapshot(const SnapshotName& snapshot, const CallOptions& options) {
    at_place(Method::delete_snapshot, snapshot.provider, {}, [&] { admit_snapshot_id(snapshot.id); });
    implementation_->run(
        {Method::delete_snapshot, snapshot.provider, {}, options},
        [&](Provider& provider, ActiveCall& call) { provider.delete_snapshot(call.call(), snapshot.id); });
}

std::vector<ProviderStatus> Host::providers() const {
    return implementation_->providers().status();
}

ProviderStatus Host::open_provider(const std::string& name, const CallOptions& options) {
    const auto& provider = route(configuration(), name);
    implementation_->open(provider, options);
    return implementation_->providers().status(implementation_->providers().slot(provider));
}

std::vector<ProviderStatus> Host::reload(const std::string& plugin, const CallOptions& options) {
    return implementation_->reload(plugin, options);
}

const Configuration& Host::configuration() const noexcept {
    return implementation_->configuration();
}

}  // namespace berth::inline host_v1

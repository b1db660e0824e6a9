// How every call of a Host goes: checked, sent to its provider, let through the gate, bounded, explained when it fails.
// The methods themselves are in host_*.cpp. Not installed: embedders see host.hpp.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "../service/log.hpp"
#include "active_call.hpp"
#include "engine_threads.hpp"
#include "feature_admission.hpp"
#include "gate.hpp"
#include "host.hpp"
#include "process_state.hpp"
#include "provider_set.hpp"
#include "restart_join.hpp"
#include "watchdog.hpp"

namespace berth::inline host_v1 {

class Host::Implementation {
public:
    Implementation(HostOptions options, std::unique_ptr<ProviderSource> source);
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;
    ~Implementation();

    [[nodiscard]] const Configuration& configuration() const noexcept { return configuration_; }
    [[nodiscard]] ProviderSet& providers() noexcept { return *providers_; }

    void open(const ProviderConfiguration& provider, const CallOptions& options);
    std::vector<ProviderStatus> reload(const std::string& plugin, const CallOptions& options);

    SandboxInfo create(const CreateRequest& request, const CallOptions& options);
    SandboxInfo get(const SandboxName& sandbox, const CallOptions& options);
    SandboxList list(const std::optional<std::string>& provider, const CallOptions& options);
    void destroy(const SandboxName& sandbox, const CallOptions& options);
    bool is_ready(const SandboxName& sandbox, const CallOptions& options);
    SandboxInfo restart(const SandboxName& sandbox, const CallOptions& options);

    ProcessResult execute(const SandboxName& sandbox, const ProcessConfig& process, const CallOptions& options);
    std::shared_ptr<ProcessState> execute_stream(const SandboxName& sandbox, const ProcessConfig& process,
                                                 Overflow overflow, OutputReceiver* receiver,
                                                 const CallOptions& options);
    void upload_files(const SandboxName& sandbox, std::span<const FileOperation> files, const CallOptions& options);
    DownloadReport download_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                                  const CallOptions& options);

    /// One call to be made.
    struct Job {
        Method method;
        std::string provider;  ///< empty: the default
        std::string sandbox;   ///< id, or empty
        const CallOptions& options;
        const ProcessConfig* process = nullptr;  ///< of execute and execute_stream: bounds the deadline
        FileDescriptor standard_input{};
        std::function<void(const ProviderConfiguration&, const Offer&)> admit{};  ///< what needs the provider's offer
        std::optional<Queue> queue{};                                             ///< absent: the method's own
        std::optional<ActiveCall::AtShutdown> at_shutdown{};
        bool endless = false;  ///< no deadline unless the caller names one
    };
    /// A call on its way: through the gate, not yet in the plugin.
    struct Entered {
        std::unique_ptr<ActiveCall> call;
        std::shared_ptr<Provider> provider;
        Gate::Place place;
    };

    /// Makes the call: from now on it can be cancelled, and its time runs.
    [[nodiscard]] std::unique_ptr<ActiveCall> announce(Job& job, const ProviderConfiguration& provider);
    /// Opens the provider, asks what it offers, waits at the gate.
    void enter(const Job& job, const ProviderConfiguration& provider, Entered& entered);
    [[nodiscard]] Entered begin(Job& job);
    /// The provider of that name, or the default; errors say what was to be done there.
    [[nodiscard]] const ProviderConfiguration& routed(Method method, std::string_view provider,
                                                      std::string_view sandbox) const;
    [[nodiscard]] ActiveCall::AtShutdown at_shutdown(const SandboxName& sandbox, const Offer& offer);

    /// The whole way; `action` gets the provider and the call.
    template <class Action>
    auto run(Job job, const Action& action) {
        auto entered = begin(job);
        try {
            return action(*entered.provider, *entered.call);
        } catch (...) {
            throw entered.call->current_failure();
        }
    }

    /// Runs `action`, and when the sandbox is stopped and the configuration says so, starts it and runs it once more.
    template <class Action>
    auto with_autostart(const SandboxName& sandbox, const CallOptions& options, const Action& action) {
        if (configuration_.defaults.autostart == Autostart::off) return action(options);
        const auto began = Call::Clock::now();
        try {
            return action(options);
        } catch (const Error& error) {
            if (error.code() != Code::not_ready || !is_stopped(sandbox, left_of(options, began))) throw;
        }
        (void)restart(sandbox, left_of(options, began));
        return action(left_of(options, began));
    }

    void log(LogLevel level, const std::string& line) { log_->write(level, "host", line); }

private:
    [[nodiscard]] SandboxInfo restart_now(const ProviderConfiguration& provider, const Job& job, Entered& entered);
    [[nodiscard]] Warn warning(const std::string& provider, Method method);
    [[nodiscard]] std::vector<SandboxInfo> list_one(const std::string& provider, const CallOptions& options);
    [[nodiscard]] bool is_stopped(const SandboxName& sandbox, const CallOptions& options);
    [[nodiscard]] static CallOptions left_of(const CallOptions& options, Call::Clock::time_point began);
    [[nodiscard]] SandboxConfig filled(const SandboxConfig& config, const ProviderConfiguration& provider) const;
    [[nodiscard]] ProcessConfig filled(ProcessConfig process, Method method) const;
    [[nodiscard]] bool is_mine(const SandboxName& sandbox);
    void end_calls();
    void destroy_mine();

    Configuration configuration_;
    std::shared_ptr<Log> log_;
    std::unique_ptr<ProviderSource> source_;
    Watchdog watchdog_;
    CallRegistry calls_;
    std::optional<ProviderSet> providers_;
    RestartJoin restarts_;
    std::mutex mine_mutex_;
    std::set<std::pair<std::string, std::string>> mine_;  ///< made here and not persistent: provider, id
    std::optional<EngineThreads> threads_;                ///< joined before anything above goes
};

/// Runs a check, and says in its error what was to be done where.
template <class Check>
void at_place(Method method, std::string_view provider, std::string_view sandbox, const Check& check) {
    try {
        check();
    } catch (const Error& error) {
        throw error.with_place(provider, row_of(method).name, sandbox);
    }
}

/// The default deadline of a method under that configuration; absent: none.
struct Bounds {
    std::optional<Milliseconds> deadline;
    std::optional<Milliseconds> patience;
};
[[nodiscard]] Bounds bounds_of(const MethodRow& row, const ProviderConfiguration& provider, const CallOptions& options,
                               const ProcessConfig* process);

}  // namespace berth::inline host_v1

// berth::Host: sandboxes from every configured provider through one object. The library others embed.
// Public. Every method may be called from any thread at once. Failures are thrown as berth::Error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../config/configuration.hpp"
#include "../config/environment.hpp"
#include "../provider/provider.hpp"
#include "../provider/values.hpp"
#include "../service/log_level.hpp"
#include "process.hpp"
#include "provider_source.hpp"

namespace berth::inline host_v1 {

/// The full name of a sandbox or snapshot: nobody has to guess the owner.
struct SandboxName {
    std::string provider;
    std::string id;
    /// "provider/id"; throws INVALID_ARGUMENT with what was expected.
    [[nodiscard]] static SandboxName parse(std::string_view text);
    [[nodiscard]] std::string text() const { return provider + "/" + id; }
};
using SnapshotName = SandboxName;

/// How one call is bounded and watched.
struct CallOptions {
    std::optional<Milliseconds> deadline;  ///< of the operation; absent: the configuration's, else the method's own
    std::stop_token stop;                  ///< request_stop() cancels the call, clean-up included
    std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

/// Whether a crash of this process may leave an image of its memory once a secret is in it. `berth` itself forbids it;
/// whoever embeds the library decides for his own process.
enum class CoreDumps { as_usual, not_with_secrets };

/// What a Host is made from.
struct HostOptions {
    Configuration configuration;                  ///< from ConfigurationReader, or built in code
    std::vector<std::string> plugin_directories;  ///< searched before those of the configuration
    std::string install_plugin_directory;         ///< empty: found beside this library or program
    std::string worker_program;                   ///< berth-worker; empty: beside the install's plugin directory
    std::string service_directory;                ///< modules of services; empty: `../services` from there
    std::string state_directory;                  ///< what plugins keep; empty: /var/lib/berth/state or the user's own
    EnvironmentVariables environment_variables;   ///< for ${env:..}, x-env and search paths; see of_process()
    std::function<void(LogLevel, std::string_view line)> log;  ///< any thread; empty: nothing is logged
    CoreDumps core_dumps = CoreDumps::as_usual;
};

/// A request that may name its provider and what it cannot do without.
struct CreateRequest {
    SandboxConfig config;
    std::string provider;              ///< empty: select.default
    std::vector<std::string> require;  ///< methods and features; refused before anything is spent
};

/// Sandboxes of every provider that answered, and why others did not.
struct SandboxList {
    std::vector<SandboxInfo> sandboxes;  ///< by created_at, then id
    std::vector<Error> failures;
};

/// What a download left out.
struct DownloadReport {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t skipped_special_files = 0;
};

/// One provider of the configuration: usable, or why not.
struct ProviderStatus {
    enum class State { not_loaded, open, refused };
    std::string name;
    std::string plugin;
    std::string plugin_file;  ///< empty when none was found
    std::string plugin_version;
    State state = State::not_loaded;
    std::optional<Error> error;
    std::vector<std::string> methods;    ///< from the manifest, or the open instance
    std::vector<FeatureState> features;  ///< of the open instance; empty before
    std::vector<std::string> warnings;
};

class Host {
public:
    /// Finds plugins and checks the configuration against what their manifests say; loads nothing yet. Throws for a
    /// configuration no provider of which could work; a single bad provider is kept with its error.
    explicit Host(HostOptions options);
    /// The same with providers of another kind than plugin files: for tests, or built into a program. No file is read;
    /// absent: plugins.
    Host(HostOptions options, std::unique_ptr<ProviderSource> source);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    /// Cancels what runs (shutdown), destroys the sandboxes made here that are not persistent, closes providers.
    ~Host();

    SandboxInfo create(const CreateRequest& request, const CallOptions& options = {});
    SandboxInfo get(const SandboxName& sandbox, const CallOptions& options = {});
    /// Of one provider, or of all; one that fails does not hide the others.
    SandboxList list(const std::optional<std::string>& provider = {}, const CallOptions& options = {});
    void destroy(const SandboxName& sandbox, const CallOptions& options = {});
    ProcessResult execute(const SandboxName& sandbox, const ProcessConfig& process, const CallOptions& options = {});
    /// Returns when the process has started. Streams have a bounded buffer; see Overflow.
    Process execute_stream(const SandboxName& sandbox, const ProcessConfig& process, const CallOptions& options = {},
                           Overflow overflow = Overflow::wait);
    /// The same with output pushed to `receiver`, which must live until completion.
    Process execute_stream(const SandboxName& sandbox, const ProcessConfig& process, OutputReceiver& receiver,
                           const CallOptions& options = {});
    void upload_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                      const CallOptions& options = {});
    DownloadReport download_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                                  const CallOptions& options = {});
    ResourceUsage get_resource_usage(const SandboxName& sandbox, const CallOptions& options = {});
    /// False for an unknown sandbox and an unreachable backend; the reason goes to the log.
    bool is_ready(const SandboxName& sandbox, const CallOptions& options = {});
    SandboxInfo restart(const SandboxName& sandbox, const CallOptions& options = {});

    SnapshotName create_snapshot(const SandboxName& sandbox, std::string_view snapshot_name,
                                 const CallOptions& options = {});
    void restore_snapshot(const SandboxName& sandbox, const SnapshotName& snapshot, const CallOptions& options = {});
    std::string get_logs(const SandboxName& sandbox, const LogOptions& log = {}, const CallOptions& options = {});
    /// Hands on lines as they come, until the call is stopped or the sandbox ends.
    void follow_logs(const SandboxName& sandbox, const LogOptions& log,
                     const std::function<void(std::string_view)>& handler, const CallOptions& options = {});
    void set_environment_variables(const SandboxName& sandbox, const Variables& set,
                                   std::span<const std::string> unset = {}, const CallOptions& options = {});
    Variables get_environment_variables(const SandboxName& sandbox, const CallOptions& options = {});

    std::vector<SnapshotInfo> list_snapshots(const std::string& provider, const CallOptions& options = {});
    void delete_snapshot(const SnapshotName& snapshot, const CallOptions& options = {});

    /// Takes the newest file of a plugin into use while calls go on: reads the plugin directories anew, opens a new instance
    /// of each provider of the plugin that is open, and when all are ready lets calls that begin go there. Calls under way
    /// end where they began; when the last one is over, the old instance closes, and in a worker its code is gone. In this
    /// process it stays mapped, at most 16 versions of a file. Sandboxes that a provider keeps in its memory (it does not
    /// offer `persistent`) end with the old instance. Throws BERTH-E-21 when the new file cannot serve, and what
    /// was there before goes on; BERTH-E-22 when no provider is of that plugin. A provider nobody has used yet is looked at,
    /// not opened. What it returns: the providers of the plugin. One reload at a time; others wait.
    std::vector<ProviderStatus> reload(const std::string& plugin, const CallOptions& options = {});

    /// Every provider of the configuration, in its order, without loading anything.
    [[nodiscard]] std::vector<ProviderStatus> providers() const;
    /// Opens it if needed and says what this instance offers; throws why it cannot.
    ProviderStatus open_provider(const std::string& name, const CallOptions& options = {});
    [[nodiscard]] const Configuration& configuration() const noexcept;

private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::inline host_v1

// What commands share: configuration, plugin catalog, host, signals, each made when first asked for, so that
// `berth version` pays for none of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../config/configuration.hpp"
#include "../config/environment.hpp"
#include "../engine/host.hpp"
#include "../plugin/catalog.hpp"
#include "../plugin/quarantine.hpp"
#include "command.hpp"
#include "printing.hpp"
#include "progress.hpp"
#include "signal_watch.hpp"

namespace berth::inline host_v1::cli {

/// One run of the program. Used by the main thread.
class Session {
public:
    Session(GlobalOptions options, EnvironmentVariables variables);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    [[nodiscard]] const GlobalOptions& options() const noexcept { return options_; }
    [[nodiscard]] const EnvironmentVariables& variables() const noexcept { return variables_; }
    [[nodiscard]] const Printing& out() const noexcept { return printing_; }

    /// Throws Error for what is wrong with berth.yaml.
    [[nodiscard]] const Configuration& configuration();
    /// Every plugin file of the search path; loads none.
    [[nodiscard]] Catalog catalog();
    /// Files that are not run any more. What cannot be read, or is damaged, is told on stderr.
    [[nodiscard]] std::vector<QuarantineRecord> quarantined() const;
    [[nodiscard]] Quarantine quarantine() const;
    [[nodiscard]] Host& host();
    /// Of a host that is made afterwards only errors are logged, for a command that says itself what it finds.
    void keep_log_quiet() noexcept { log_is_quiet_ = true; }
    /// From its first use on, signals no longer end the program by themselves.
    [[nodiscard]] SignalWatch& signals();
    /// 0: no signal has asked for an end, and perhaps nobody listens.
    [[nodiscard]] int ending_signal() const { return signals_ ? signals_->first_signal() : 0; }

    /// A call that the first Ctrl-C cancels.
    [[nodiscard]] CallOptions call();
    /// The same, with its progress shown.
    [[nodiscard]] CallOptions call(ProgressLine& progress);

    /// Where a copy may show its progress.
    [[nodiscard]] ProgressLine::Shown progress_shown() const;

private:
    GlobalOptions options_;
    EnvironmentVariables variables_;
    Printing printing_;
    bool log_is_quiet_ = false;
    std::optional<Configuration> configuration_;
    std::unique_ptr<SignalWatch> signals_;
    std::unique_ptr<Host> host_;  ///< after signals_: a second Ctrl-C must get through while it ends
};

/// The plugins that came with this program: lib/berth/plugins beside its bin, or empty.
[[nodiscard]] std::string installed_plugin_directory();

}  // namespace berth::inline host_v1::cli

#include "session.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "../base/text.hpp"
#include "../config/reader.hpp"
#include "../plugin/diagnostics.hpp"
#include "terminal.hpp"

namespace berth::inline host_v1::cli {

namespace {

Colour colour_of(int descriptor, const EnvironmentVariables& variables) {
    return colour_for(descriptor, variables.get_filled("NO_COLOR").has_value(),
                      variables.get("TERM").value_or("dumb") == "dumb");
}

LogLevel least_level(Verbosity verbosity) {
    switch (verbosity) {
        case Verbosity::quiet:
            return LogLevel::error;
        case Verbosity::normal:
            return LogLevel::warning;
        case Verbosity::verbose:
            return LogLevel::info;
        case Verbosity::debug:
            return LogLevel::trace;
    }
    return LogLevel::warning;
}

}  // namespace

std::string installed_plugin_directory() {
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return {};
    const auto directory = program.parent_path().parent_path() / "lib" / "berth" / "plugins";
    return std::filesystem::is_directory(directory, failed) ? directory.string() : std::string();
}

Session::Session(GlobalOptions options, EnvironmentVariables variables)
    : options_(std::move(options)),
      variables_(std::move(variables)),
      printing_(options_.output, options_.verbosity, colour_of(STDOUT_FILENO, variables_),
                colour_of(STDERR_FILENO, variables_)) {}

Session::~Session() = default;

const Configuration& Session::configuration() {
    if (!configuration_) {
        std::optional<std::filesystem::path> named;
        if (options_.configuration) named = *options_.configuration;
        configuration_ = load_configuration(named, variables_);
    }
    return *configuration_;
}

Catalog Session::catalog() {
    SearchInput input;
    input.given = options_.plugin_directories;
    for (const auto& path : configuration().plugin_paths) {
        input.configured.push_back(path.string());
    }
    input.environment = variables_;
    input.install_directory = installed_plugin_directory();
    return Catalog::read(input, TrustRules::of_this_process(), Pins(configuration()));
}

Quarantine Session::quarantine() const {
    return {usual_records_directory(variables_), TrustRules::of_this_process()};
}

std::vector<QuarantineRecord> Session::quarantined() const {
    try {
        auto records = quarantine().records();
        for (const auto& record : records) {
            if (!record.damage) continue;
            printing_.warning(Error(plugin_diagnostics::records_unusable,
                                    "a plugin is in quarantine, and why cannot be read: " + printable(*record.damage),
                                    "Let it be tried again: berth plugin clear " + record.hash));
        }
        return records;
    } catch (const Error& problem) {
        printing_.warning(problem);
        return {};
    }
}

Host& Session::host() {
    if (!host_) {
        HostOptions options;
        options.configuration = configuration();
        options.plugin_directories = options_.plugin_directories;
        options.install_plugin_directory = installed_plugin_directory();
        options.environment_variables = variables_;
        options.log = [this, least = log_is_quiet_ ? LogLevel::error : least_level(options_.verbosity)](
                          LogLevel level, std::string_view line) {
            if (level >= least) printing_.log_line(line);
        };
        options.core_dumps = CoreDumps::not_with_secrets;
        static_cast<void>(signals());
        host_ = std::make_unique<Host>(std::move(options));
    }
    return *host_;
}

SignalWatch& Session::signals() {
    if (!signals_) signals_ = std::make_unique<SignalWatch>();
    return *signals_;
}

CallOptions Session::call() {
    CallOptions options;
    options.stop = signals().token();
    return options;
}

CallOptions Session::call(ProgressLine& progress) {
    auto options = call();
    options.progress = [&progress](std::string_view what, std::uint64_t done, std::uint64_t total) {
        progress.report(what, done, total);
    };
    return options;
}

ProgressLine::Shown Session::progress_shown() const {
    const bool wanted = options_.verbosity != Verbosity::quiet && !printing_.wants_json() && is_terminal(STDERR_FILENO);
    return wanted ? ProgressLine::Shown::on_terminal : ProgressLine::Shown::never;
}

}  // namespace berth::inline host_v1::cli

// The rows of the contract's table as the compiler sees them: for each method, does the class have the NAME, and does
// a call FIT? From these two answers come the error for a forgotten method, the error for one of the wrong form, and
// the list of what the plugin provides. Knows nothing of how a method is called.
#ifndef BERTH_DETAIL_ROWS_HPP
#define BERTH_DETAIL_ROWS_HPP

#include <concepts>
#include <type_traits>

#include "../files.hpp"
#include "../host.hpp"
#include "../sinks.hpp"

namespace berth::inline sdk_v1::detail {

template <class T>
concept create_fits = requires(T& self, Call& call, const SandboxConfig& config, FileSource& files) {
    { self.create(call, config, files) } -> std::convertible_to<SandboxInfo>;
};
template <class T>
concept get_fits = requires(T& self, Call& call, std::string_view id) {
    { self.get(call, id) } -> std::convertible_to<SandboxInfo>;
};
template <class T>
concept list_returns = requires(T& self, Call& call) {
    { self.list(call) } -> std::convertible_to<std::vector<SandboxInfo>>;
};
template <class T>
concept list_fits = list_returns<T> || requires(T& self, Call& call, InfoSink& sink) {
    { self.list(call, sink) } -> std::same_as<void>;
};
template <class T>
concept destroy_fits = requires(T& self, Call& call, std::string_view id) {
    { self.destroy(call, id) } -> std::same_as<void>;
};
template <class T>
concept execute_fits = requires(T& self, Call& call, std::string_view id, const Process& process, ProcessSink& sink) {
    { self.execute(call, id, process, sink) } -> std::convertible_to<ProcessEnd>;
};
template <class T>
concept execute_stream_fits = requires(T& self, Call& call, std::string_view id, const Process& process,
                                       ProcessSink& sink) {
    { self.execute_stream(call, id, process, sink) } -> std::convertible_to<ProcessEnd>;
};
template <class T>
concept upload_files_fits = requires(T& self, Call& call, std::string_view id, FileSource& source) {
    { self.upload_files(call, id, source) } -> std::same_as<void>;
};
template <class T>
concept download_files_fits = requires(T& self, Call& call, std::string_view id, Paths paths, FileSink& sink) {
    { self.download_files(call, id, paths, sink) } -> std::same_as<void>;
};
template <class T>
concept get_resource_usage_fits = requires(T& self, Call& call, std::string_view id) {
    { self.get_resource_usage(call, id) } -> std::convertible_to<Usage>;
};
template <class T>
concept is_ready_fits = requires(T& self, Call& call, std::string_view id) {
    { self.is_ready(call, id) } -> std::same_as<bool>;
};
template <class T>
concept restart_fits = requires(T& self, Call& call, std::string_view id) {
    { self.restart(call, id) } -> std::convertible_to<SandboxInfo>;
};
template <class T>
concept create_snapshot_fits = requires(T& self, Call& call, std::string_view id, std::string_view name) {
    { self.create_snapshot(call, id, name) } -> std::convertible_to<std::string>;
};
template <class T>
concept restore_snapshot_fits = requires(T& self, Call& call, std::string_view id, std::string_view snapshot) {
    { self.restore_snapshot(call, id, snapshot) } -> std::same_as<void>;
};
template <class T>
concept get_logs_streams = requires(T& self, Call& call, std::string_view id, const LogOptions& options,
                                    ByteSink& sink) {
    { self.get_logs(call, id, options, sink) } -> std::same_as<void>;
};
template <class T>
concept get_logs_fits = get_logs_streams<T> ||
    requires(T& self, Call& call, std::string_view id, const LogOptions& options) {
    { self.get_logs(call, id, options) } -> std::convertible_to<std::string>;
};
template <class T>
concept set_environment_variables_fits = requires(T& self, Call& call, std::string_view id, Pairs set, Strings unset) {
    { self.set_environment_variables(call, id, set, unset) } -> std::same_as<void>;
};
template <class T>
concept get_environment_variables_fits = requires(T& self, Call& call, std::string_view id) {
    { self.get_environment_variables(call, id) } -> std::convertible_to<Variables>;
};
template <class T>
concept list_snapshots_fits = requires(T& self, Call& call) {
    { self.list_snapshots(call) } -> std::convertible_to<std::vector<SnapshotInfo>>;
};
template <class T>
concept delete_snapshot_fits = requires(T& self, Call& call, std::string_view snapshot) {
    { self.delete_snapshot(call, snapshot) } -> std::same_as<void>;
};
template <class T>
concept features_fits = requires(T& self, Call& call) {
    { self.features(call) } -> std::convertible_to<Features>;
};

/// The constructor may take the call too: secrets can be asked for only within one.
template <class T>
concept opens_with_call = std::constructible_from<T, Host, const Settings&, Call&>;
template <class T>
concept opens = opens_with_call<T> || std::constructible_from<T, Host, const Settings&>;

enum class Need { required, optional };

// A member of that name exists when looking it up in a class derived from both the author's and one that has it is
// ambiguous; this also finds overloads, templates and private members.
#define BERTH_DETAIL_ROW(NAME, NEED, EXPECTED)                                                                 \
    struct NAME##_row {                                                                                        \
        static constexpr std::string_view name{#NAME};                                                         \
        struct Named {                                                                                         \
            int NAME; /* NOLINT(bugprone-macro-parentheses): a name being declared */                          \
        };                                                                                                     \
        template <class T>                                                                                     \
        struct Both : T, Named {};                                                                             \
        template <class T>                                                                                     \
        static constexpr bool exists = !requires {                                                             \
            &Both<T>::NAME;                                                                                    \
        };                                                                                                     \
        template <class T>                                                                                     \
        static constexpr bool offered = NAME##_fits<T>;                                                        \
        template <class T>                                                                                     \
        static constexpr bool check() {                                                                        \
            constexpr bool found = exists<T>;                                                                  \
            constexpr bool well_formed = !found || offered<T>;                                                 \
            static_assert(found || (NEED) == Need::optional,                                                   \
                          "Berth: the plugin class lacks the required method " #NAME ". Expected: " EXPECTED); \
            static_assert(well_formed,                                                                         \
                          "Berth: the method " #NAME                                                           \
                          " of the plugin class is not public or has the wrong form. Expected: " EXPECTED);    \
            return offered<T> || (!found && (NEED) == Need::optional);                                         \
        }                                                                                                      \
    }

BERTH_DETAIL_ROW(create, Need::required,
                 "berth::SandboxInfo create(berth::Call&, const berth::SandboxConfig&, berth::FileSource&)");
BERTH_DETAIL_ROW(get, Need::required, "berth::SandboxInfo get(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(list, Need::required,
                 "std::vector<berth::SandboxInfo> list(berth::Call&), or void list(berth::Call&, berth::InfoSink&)");
BERTH_DETAIL_ROW(destroy, Need::required, "void destroy(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(execute, Need::required,
                 "berth::ProcessEnd execute(berth::Call&, std::string_view id, const berth::Process&, "
                 "berth::ProcessSink&)");
BERTH_DETAIL_ROW(execute_stream, Need::required,
                 "berth::ProcessEnd execute_stream(berth::Call&, std::string_view id, const berth::Process&, "
                 "berth::ProcessSink&)");
BERTH_DETAIL_ROW(upload_files, Need::required,
                 "void upload_files(berth::Call&, std::string_view id, berth::FileSource&)");
BERTH_DETAIL_ROW(download_files, Need::required,
                 "void download_files(berth::Call&, std::string_view id, berth::Paths, berth::FileSink&)");
BERTH_DETAIL_ROW(get_resource_usage, Need::required,
                 "berth::Usage get_resource_usage(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(is_ready, Need::required, "bool is_ready(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(restart, Need::required, "berth::SandboxInfo restart(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(create_snapshot, Need::optional,
                 "std::string create_snapshot(berth::Call&, std::string_view id, std::string_view name)");
BERTH_DETAIL_ROW(restore_snapshot, Need::optional,
                 "void restore_snapshot(berth::Call&, std::string_view id, std::string_view snapshot)");
BERTH_DETAIL_ROW(get_logs, Need::optional,
                 "std::string get_logs(berth::Call&, std::string_view id, const berth::LogOptions&), or void "
                 "get_logs(berth::Call&, std::string_view id, const berth::LogOptions&, berth::ByteSink&)");
BERTH_DETAIL_ROW(set_environment_variables, Need::optional,
                 "void set_environment_variables(berth::Call&, std::string_view id, berth::Pairs set, "
                 "berth::Strings unset)");
BERTH_DETAIL_ROW(get_environment_variables, Need::optional,
                 "berth::Variables get_environment_variables(berth::Call&, std::string_view id)");
BERTH_DETAIL_ROW(list_snapshots, Need::optional, "std::vector<berth::SnapshotInfo> list_snapshots(berth::Call&)");
BERTH_DETAIL_ROW(delete_snapshot, Need::optional, "void delete_snapshot(berth::Call&, std::string_view snapshot)");
BERTH_DETAIL_ROW(features, Need::optional, "berth::Features features(berth::Call&)");

#undef BERTH_DETAIL_ROW

}  // namespace berth::inline sdk_v1::detail

#endif

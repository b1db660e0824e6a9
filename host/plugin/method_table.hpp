// The one table of methods: 16 of the contract, then those of its extensions. Everything that differs from method to
// method and is not its meaning stands here: names, required or not, deadline, may it be repeated, which queue.
// Knows the contract's structs by offset only, and no plugin.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <berth/plugin.h>

#include "../base/duration.hpp"

namespace berth::inline host_v1 {

/// In the order of the table: static_cast<std::size_t>(method) is its row.
enum class Method : std::uint8_t {
    create,
    get,
    list,
    destroy,
    execute,
    execute_stream,
    upload_files,
    download_files,
    get_resource_usage,
    is_ready,
    restart,
    create_snapshot,
    restore_snapshot,
    get_logs,
    set_environment_variables,
    get_environment_variables,
    list_snapshots,
    delete_snapshot
};

enum class MethodNeed : std::uint8_t { required, optional };

/// Whether doing it twice does no more than doing it once.
enum class Idempotent : std::uint8_t { no, by_key, yes };

/// How the default deadline of a call comes about.
enum class DeadlineRule : std::uint8_t {
    fixed,            ///< `deadline` after the call began
    process,          ///< the process's timeout, its graces, and `deadline`; none when the process has no timeout
    without_progress  ///< none, but at most `deadline` without a byte moving
};

/// Which of a provider's two limits a call counts against.
enum class Queue : std::uint8_t {
    passes,  ///< none: it must get through when everything else is stuck
    calls,   ///< max_concurrency. A get_logs that follows counts as a stream
    streams  ///< max_streams
};

/// One row.
struct MethodRow {
    Method method;
    std::string_view name;        ///< as in C, C++, YAML and manifests: execute_stream
    std::string_view camel_name;  ///< as in the original contract: executeStream
    std::string_view extension;   ///< the extension's id, empty for the 16 methods
    MethodNeed requirement;
    DeadlineRule deadline_rule;
    Milliseconds deadline;
    Idempotent idempotent;
    Queue queue;
    std::size_t offset;  ///< of the member in berth_methods, or in the extension's struct
};

namespace method_table_detail {

using namespace std::chrono_literals;
inline constexpr std::string_view snapshots = BERTH_SNAPSHOTS_EXTENSION;
using Rule = DeadlineRule;
using Need = MethodNeed;

}  // namespace method_table_detail

inline constexpr std::array<MethodRow, 18> method_table = [] {
    using namespace method_table_detail;
    // clang-format off
    return std::array<MethodRow, 18>{{
        {Method::create, "create", "create", {}, Need::required, Rule::fixed, 5min, Idempotent::by_key, Queue::calls, offsetof(berth_methods, create)},
        {Method::get, "get", "get", {}, Need::required, Rule::fixed, 30s, Idempotent::yes, Queue::passes, offsetof(berth_methods, get)},
        {Method::list, "list", "list", {}, Need::required, Rule::fixed, 60s, Idempotent::yes, Queue::calls, offsetof(berth_methods, list)},
        {Method::destroy, "destroy", "destroy", {}, Need::required, Rule::fixed, 2min, Idempotent::yes, Queue::passes, offsetof(berth_methods, destroy)},
        {Method::execute, "execute", "execute", {}, Need::required, Rule::process, 30s, Idempotent::no, Queue::streams, offsetof(berth_methods, execute)},
        {Method::execute_stream, "execute_stream", "executeStream", {}, Need::required, Rule::process, 30s, Idempotent::no, Queue::streams, offsetof(berth_methods, execute_stream)},
        {Method::upload_files, "upload_files", "uploadFiles", {}, Need::required, Rule::without_progress, 60s, Idempotent::no, Queue::streams, offsetof(berth_methods, upload_files)},
        {Method::download_files, "download_files", "downloadFiles", {}, Need::required, Rule::without_progress, 60s, Idempotent::yes, Queue::streams, offsetof(berth_methods, download_files)},
        {Method::get_resource_usage, "get_resource_usage", "getResourceUsage", {}, Need::required, Rule::fixed, 30s, Idempotent::yes, Queue::calls, offsetof(berth_methods, get_resource_usage)},
        {Method::is_ready, "is_ready", "isReady", {}, Need::required, Rule::fixed, 10s, Idempotent::yes, Queue::passes, offsetof(berth_methods, is_ready)},
        {Method::restart, "restart", "restart", {}, Need::required, Rule::fixed, 5min, Idempotent::no, Queue::calls, offsetof(berth_methods, restart)},
        {Method::create_snapshot, "create_snapshot", "createSnapshot", {}, Need::optional, Rule::fixed, 10min, Idempotent::no, Queue::calls, offsetof(berth_methods, create_snapshot)},
        {Method::restore_snapshot, "restore_snapshot", "restoreSnapshot", {}, Need::optional, Rule::fixed, 10min, Idempotent::no, Queue::calls, offsetof(berth_methods, restore_snapshot)},
        {Method::get_logs, "get_logs", "getLogs", {}, Need::optional, Rule::fixed, 60s, Idempotent::yes, Queue::calls, offsetof(berth_methods, get_logs)},
        {Method::set_environment_variables, "set_environment_variables", "setEnvironmentVariables", {}, Need::optional, Rule::fixed, 30s, Idempotent::yes, Queue::calls, offsetof(berth_methods, set_environment_variables)},
        {Method::get_environment_variables, "get_environment_variables", "getEnvironmentVariables", {}, Need::optional, Rule::fixed, 30s, Idempotent::yes, Queue::calls, offsetof(berth_methods, get_environment_variables)},
        {Method::list_snapshots, "list_snapshots", "listSnapshots", snapshots, Need::required, Rule::fixed, 60s, Idempotent::yes, Queue::calls, offsetof(berth_snapshots, list)},
        {Method::delete_snapshot, "delete_snapshot", "deleteSnapshot", snapshots, Need::required, Rule::fixed, 2min, Idempotent::yes, Queue::calls, offsetof(berth_snapshots, remove)},
    }};
    // clang-format on
}();

[[nodiscard]] constexpr const MethodRow& row_of(Method method) noexcept {
    return method_table[static_cast<std::size_t>(method)];
}

/// The row with that snake_case name, or nullptr. Rows of extensions are found too.
[[nodiscard]] const MethodRow* find_method(std::string_view name) noexcept;

/// Names of the 16 methods, in the order of the table.
[[nodiscard]] const std::vector<std::string>& method_names();

/// Ids of the extensions this host was built with.
[[nodiscard]] const std::vector<std::string>& extension_ids();

/// "berth.snapshots/1", "com.acme.gpu/2": dotted lower-case words, a slash, a revision from 1.
[[nodiscard]] bool is_extension_id(std::string_view text) noexcept;

/// Two methods that make little sense one without the other.
struct MethodPair {
    Method one;
    Method other;
};
inline constexpr std::array method_pairs{
    MethodPair{Method::create_snapshot, Method::restore_snapshot},
    MethodPair{Method::set_environment_variables, Method::get_environment_variables},
};

/// Names of the features a manifest may offer and `requires:` may ask for; what each stands for, for people.
struct FeatureRow {
    std::string_view name;
    std::string_view meaning;
};
inline constexpr std::array<FeatureRow, 20> feature_table{{
    {"stdin", "a process's stdin stays open for the caller"},
    {"tty", "a process can run on a terminal"},
    {"signals", "any signal can be sent, not only TERM and KILL"},
    {"detach", "a stream can be left running"},
    {"memory_limit", "memory limit of a sandbox"},
    {"cpu_limit", "CPU limit of a sandbox"},
    {"disk_limit", "disk limit of a sandbox"},
    {"pids_limit", "limit of processes in a sandbox"},
    {"process_limits", "memory and CPU limit of one process"},
    {"network_none", "a sandbox without network"},
    {"network_host", "a sandbox in the host's network"},
    {"network_outbound", "a sandbox that can reach out"},
    {"network_allow_list", "a sandbox that can reach named hosts only"},
    {"ttl", "destroyed after a time"},
    {"idle_ttl", "destroyed after a time without calls"},
    {"persistent", "survives the host that made it"},
    {"template", "starts from something named"},
    {"log_follow", "logs can be followed"},
    {"restart_keeps_files", "files are still there after a restart"},
    {"ports", "reserved: ports of a sandbox"},
}};

[[nodiscard]] const FeatureRow* find_feature(std::string_view name) noexcept;
/// Names of the feature table, in its order.
[[nodiscard]] const std::vector<std::string>& feature_names();

/// The member of a row in a struct that is at least `size` bytes long: true when it is there and not null.
[[nodiscard]] bool has_member(const void* table, std::size_t size, const MethodRow& row) noexcept;

}  // namespace berth::inline host_v1

// Daytona's answers as values: what is required is there, what is missing or of another type is absent. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth_daytona {

struct Sandbox {
    std::string id;
    std::string name;
    std::string state;
    std::string desired_state;
    std::optional<std::string> error_reason;
    bool recoverable = false;
    std::optional<std::string> snapshot;
    std::map<std::string, std::string> labels;
    std::optional<std::int64_t> cpus;
    std::optional<std::int64_t> memory_gib;
    std::optional<std::int64_t> disk_gib;
    std::optional<std::string> target;
    std::optional<std::int64_t> auto_delete_minutes;
    bool network_blocked = false;
    std::string network_allow_list;  // of subnets, as Daytona writes it
    std::string domain_allow_list;
    std::optional<std::int64_t> created_at;  // milliseconds
    std::optional<std::int64_t> last_activity_at;
    std::string toolbox_url;  // empty: must be asked for

    [[nodiscard]] bool runs() const { return state == "started"; }
    [[nodiscard]] bool network_is_listed() const { return !network_allow_list.empty() || !domain_allow_list.empty(); }
};

struct Page {
    std::vector<Sandbox> items;
    std::optional<std::string> next;
};

struct Snapshot {
    std::string id;
    std::string name;
    std::string state;
    std::optional<std::string> error_reason;
    std::optional<std::string> source_sandbox;
    std::optional<std::int64_t> created_at;
    std::optional<double> size_gb;
};

struct Snapshots {
    std::vector<Snapshot> items;
    std::int64_t pages = 1;
};

struct Command {
    std::string id;
    std::optional<std::int64_t> exit_code;
};

struct CommandLogs {
    std::string out;
    std::string err;
};

struct Execution {
    std::int64_t exit_code = 0;
    std::string result;
};

// All throw berth::Error (protocol_error).
[[nodiscard]] Sandbox read_sandbox(std::string_view text);
[[nodiscard]] Page read_page(std::string_view text);
[[nodiscard]] Snapshot read_snapshot(std::string_view text);
[[nodiscard]] Snapshots read_snapshots(std::string_view text);
[[nodiscard]] Command read_started_command(std::string_view text);
[[nodiscard]] Command read_command(std::string_view text);
[[nodiscard]] CommandLogs read_logs(std::string_view text);
[[nodiscard]] Execution read_execution(std::string_view text);

// What an error's body says, in any of Daytona's forms; empty: nothing.
struct Complaint {
    std::string message;
    std::string code;
};
[[nodiscard]] Complaint read_complaint(std::string_view text);

}  // namespace berth_daytona

// What Vercel's API answers, as plain values. Tolerant of what is missing but not needed; pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth_vercel {

struct Session {
    std::string id;
    std::string status;
    std::string cwd;
    std::string region;
    std::optional<std::int64_t> memory_mib;
    std::optional<std::int64_t> vcpus;
    std::optional<std::int64_t> started_at;
    std::optional<std::int64_t> created_at;
    std::optional<std::int64_t> timeout_ms;
    std::optional<std::string> source_snapshot;
};

struct Sandbox {
    std::string name;
    std::string status;
    std::string session_id;
    std::optional<std::string> snapshot_id;
    std::int64_t created_at = 0;
    bool persistent = false;
    std::map<std::string, std::string> tags;
    std::string region;
    std::optional<std::string> runtime;
    std::optional<std::string> image;
    std::optional<std::string> cwd;
    std::optional<std::string> network_mode;
    std::optional<std::int64_t> memory_mib;
    std::optional<std::int64_t> vcpus;
    std::optional<std::int64_t> egress_bytes;
    std::optional<std::int64_t> ingress_bytes;
    std::optional<std::int64_t> active_cpu_ms;
    std::optional<std::int64_t> duration_ms;
};

struct SandboxAnswer {
    Sandbox sandbox;
    std::optional<Session> session;

    [[nodiscard]] const std::string& status() const { return session ? session->status : sandbox.status; }
    [[nodiscard]] bool runs() const { return status() == "running"; }
};

struct SandboxPage {
    std::vector<Sandbox> sandboxes;
    std::optional<std::string> next;
};

struct Snapshot {
    std::string id;
    std::string status;
    bool automatic = false;
    std::int64_t created_at = 0;
    std::optional<std::int64_t> size_bytes;
    std::optional<std::int64_t> expires_at;
};

struct SnapshotPage {
    std::vector<Snapshot> snapshots;
    std::optional<std::string> next;
};

struct Command {
    std::string id;
    std::optional<std::int64_t> exit_code;  // absent while it runs
};

// One line of a command's stream.
struct StreamLine {
    enum class Kind { command, out, err, error, unknown };
    Kind kind = Kind::unknown;
    Command command;
    std::string data;  // of out and err; of error: its code
    std::string message;
};

[[nodiscard]] SandboxAnswer read_sandbox(std::string_view body);
[[nodiscard]] SandboxPage read_sandboxes(std::string_view body);
[[nodiscard]] Session read_session(std::string_view body);
[[nodiscard]] Snapshot read_snapshot(std::string_view body);
[[nodiscard]] SnapshotPage read_snapshots(std::string_view body);
[[nodiscard]] Command read_command(std::string_view body);
[[nodiscard]] StreamLine read_stream_line(std::string_view line);

// error.code and error.message of an error's body; empty when it has another form.
struct Complaint {
    std::string code;
    std::string message;
};
[[nodiscard]] Complaint read_complaint(std::string_view body);

}  // namespace berth_vercel

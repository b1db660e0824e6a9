// What a stand-in for Vercel Sandbox remembers: sandboxes, their sessions, commands and snapshots. Plain data, guarded by
// World's mutex.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clock.hpp"
#include "disk.hpp"
#include "machine.hpp"
#include "message.hpp"

namespace standin::vercel {

using Texts = std::map<std::string, std::string>;

enum class Status { pending, running, stopping, stopped, failed, aborted, snapshotting };

struct Piece {
    const char* stream;  ///< "stdout" or "stderr"
    std::string bytes;
};

struct Command {
    std::string id;
    std::string name;
    std::vector<std::string> arguments;
    std::string directory;
    std::string session;
    Milliseconds started_at = 0;
    std::optional<Milliseconds> deadline;
    std::optional<Milliseconds> duration;
    std::uint32_t process = 0;
    enum class State { starting, running, ended, lost } state = State::starting;
    std::optional<int> exit_code;
    std::optional<Outcome> refused;  ///< why it did not start
    std::vector<Piece> output;
};

struct Session {
    std::string id;
    std::string sandbox;
    Status status = Status::pending;
    Json resources;  ///< vcpus and memory
    std::string region;
    std::string runtime;  ///< or empty
    Account account;
    Milliseconds timeout = 0;
    Milliseconds requested_at = 0;
    Milliseconds updated_at = 0;
    std::optional<Milliseconds> started_at;
    std::optional<Milliseconds> requested_stop_at;
    std::optional<Milliseconds> stopped_at;
    std::optional<Milliseconds> aborted_at;
    std::optional<Milliseconds> snapshotted_at;
    std::string source_snapshot;
    Json network_policy;
    Texts variables;
    std::int64_t cpu_milliseconds = 0;
    std::filesystem::path disk;
    std::shared_ptr<Machine> machine;
    std::vector<std::shared_ptr<Command>> commands;

    [[nodiscard]] Milliseconds deadline() const { return started_at.value_or(requested_at) + timeout; }
    [[nodiscard]] bool alive() const {
        return status == Status::pending || status == Status::running || status == Status::stopping ||
               status == Status::snapshotting;
    }
};

struct Sandbox {
    std::string name;
    bool persistent = true;
    Json resources;
    Milliseconds timeout = 0;
    std::string runtime;
    std::string image;
    Account account;
    std::string region;
    Json failover_regions;  ///< null: none
    Json mounts;            ///< null: none
    Json network_policy;    ///< as answered
    std::string network_id;
    Texts variables;
    Texts tags;
    std::optional<Milliseconds> snapshot_expiration;
    Json keep_last_snapshots;               ///< null: all
    std::map<int, std::string> subdomains;  ///< of each port
    std::string current_session;
    std::string current_snapshot;
    Milliseconds created_at = 0;
    Milliseconds updated_at = 0;
    Milliseconds status_updated_at = 0;
    std::int64_t total_cpu = 0;
    std::int64_t total_duration = 0;
    std::vector<std::string> sessions;
};

struct Snapshot {
    std::string id;
    std::string sandbox;
    std::string session;
    std::string region;
    std::string status = "created";
    std::string method;  ///< "manual" or "automatic"
    std::string parent;
    std::uintmax_t size = 0;
    Milliseconds created_at = 0;
    Milliseconds updated_at = 0;
    std::optional<Milliseconds> last_used_at;
    Milliseconds expiration = 0;  ///< after the last use; 0: never
    std::filesystem::path disk;
    Account account;
    std::string runtime;
    std::string image;

    [[nodiscard]] std::optional<Milliseconds> expires_at() const {
        if (expiration == 0) return std::nullopt;
        return last_used_at.value_or(created_at) + expiration;
    }
};

}  // namespace standin::vercel

// What a stand-in for Daytona remembers: sandboxes, their shells and commands, snapshots. Plain data, guarded by World's
// mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "clock.hpp"
#include "disk.hpp"
#include "machine.hpp"
#include "message.hpp"

namespace standin::daytona {

using Texts = std::map<std::string, std::string>;

/// One command of a session. What it writes is in the log file, each line behind its stream's marker.
struct ShellCommand {
    std::string id;
    std::string text;
    enum class Input { open, at_end } input_kind = Input::open;
    enum class Echo { shown, suppressed } echo = Echo::shown;
    enum class State { waiting, running, ended, lost } state = State::waiting;
    std::optional<int> exit_code;
    std::filesystem::path directory;  ///< as the stand-in sees it
    std::string inside;               ///< the same as the sandbox sees it
    berth::FileDescriptor input;
    std::filesystem::path shared_log;  ///< of a command that was not run, instead of one of its own

    [[nodiscard]] std::filesystem::path log() const {
        return shared_log.empty() ? directory / "output.log" : shared_log;
    }
};

/// A session: one shell that runs a command at a time.
struct Shell {
    std::string id;
    std::shared_ptr<Machine> machine;
    std::uint32_t process = 0;
    berth::FileDescriptor input;
    bool ended = false;
    std::shared_ptr<berth::FileDescriptor> over;  ///< an event, raised when the shell has ended
    std::filesystem::path directory;              ///< empty where nothing is run
    std::string inside;
    std::vector<std::shared_ptr<ShellCommand>> commands;
    std::deque<std::shared_ptr<ShellCommand>> waiting;
    std::shared_ptr<ShellCommand> current;
};

struct Sandbox {
    std::string id;
    std::string name;
    std::string state;
    std::string desired_state = "started";
    std::string error_reason;
    bool recoverable = false;
    std::string snapshot;  ///< its name; empty for images
    std::string user = "daytona";
    Texts env;
    Texts labels;
    std::int64_t processor_busy = 0;  ///< when its metrics were asked for last
    std::int64_t processor_all = 0;
    std::int64_t cpu = 1;
    std::int64_t memory = 1;
    std::int64_t disk_size = 3;
    std::int64_t gpu = 0;
    std::string target;
    std::int64_t auto_stop = 15;
    std::int64_t auto_pause = 0;
    std::int64_t auto_archive = 10080;
    std::int64_t auto_delete = -1;
    std::int64_t ttl = 0;
    Json settings = Json::object();  ///< public, networkBlockAll and so on, as they were given
    Json volumes = Json::array();
    Json build;  ///< null: from a snapshot
    Milliseconds created_at = 0;
    Milliseconds updated_at = 0;
    Milliseconds last_activity = 0;
    Milliseconds settled_at = 0;

    std::deque<std::string> next;  ///< states still to come
    Milliseconds due = 0;          ///< when the state now ends, if others follow
    std::string snapshot_to_take;
    std::string preview_token;

    std::filesystem::path disk;
    std::filesystem::path source;  ///< a snapshot's disk, or empty
    std::shared_ptr<Machine> machine;
    Texts daemon_environment;
    int late_answers = 0;  ///< so many requests still find no daemon
    std::map<std::string, std::shared_ptr<Shell>> shells;
    std::string entrypoint_log;  ///< what its image's own program wrote; empty: it has none
};

struct Snapshot {
    std::string id;
    std::string name;
    std::string state = "active";
    std::string error_reason;
    std::string image;
    std::string source_sandbox;
    bool general = false;
    std::int64_t cpu = 1;
    std::int64_t memory = 1;
    std::int64_t disk_size = 3;
    Milliseconds created_at = 0;
    Milliseconds updated_at = 0;
    Milliseconds due = 0;  ///< when a state on the way ends
    std::filesystem::path disk;
};

}  // namespace standin::daytona

// All that exists in a stand-in for Daytona, and how its states follow each other over the stand-in's time. Endpoints lock
// `mutex` around what they read and change. Knows no HTTP.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "model.hpp"
#include "threads.hpp"

namespace standin::daytona {

using Lock = std::unique_lock<std::mutex>;

/// What tests choose, because the real service does sometimes this and sometimes that. README.md says what each is.
struct Behaviour {
    std::set<std::string> holds;  ///< states that last until the name is taken out
    Milliseconds step_ms = 20;    ///< how long a state on the way lasts
    std::string answers = "at_once";
    std::string daemon_version = "0.218.0";
    std::string work = "done";
    std::size_t log_bytes = 0;
    int late_toolbox = 0;
    int empty_proxy_urls = 0;
    int failing_starts = 0;
    int failing_builds = 0;
    int silent_snapshot_failures = 0;
    std::string error_reason = "Sandbox failed to start: asked for by a test";
    bool recoverable = false;
    int conflict_status = 409;
    int page_items = 0;
    bool list_repeats = false;
    std::size_t log_slice = 1024;
    Milliseconds log_close_after_ms = 1000;
    std::string log_end = "close";
    std::size_t log_end_after = 0;
    std::string log_frames = "binary";
    std::string entrypoint;
    Milliseconds kill_grace_ms = 5000;
    bool bulk_download_cut = false;
};

class World {
public:
    /// Keeps its disks in `directory`, which is there.
    World(Clock& clock, std::filesystem::path directory);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    /// Ends every machine and removes every disk.
    ~World();

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, std::shared_ptr<Sandbox>> sandboxes;  ///< by id
    std::map<std::string, Snapshot> snapshots;                  ///< by id
    Behaviour behaviour;
    std::map<std::string, std::filesystem::path> shared_logs;  ///< by name; of commands that are not run
    /// Of both servers, without a slash at the end; set before anybody is told of them.
    std::string api_url;
    std::string proxy_url;

    [[nodiscard]] Milliseconds now() const { return clock_.now(); }
    void wake() { changed.notify_all(); }
    /// Ends all waiting; nothing begins any more.
    void end();
    [[nodiscard]] bool ending() const { return ending_; }
    Threads& threads() { return threads_; }
    /// Where its disks are.
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

    /// A UUID.
    [[nodiscard]] static std::string new_id();

    // Under the lock. These throw Refusal.
    /// By id or name.
    [[nodiscard]] std::shared_ptr<Sandbox> sandbox(const std::string& id_or_name);
    [[nodiscard]] Snapshot& snapshot(const std::string& id_or_name);
    [[nodiscard]] Snapshot* find_snapshot(const std::string& id_or_name);

    /// Enters these states one after the other, each but the last for a while.
    void go(Sandbox& sandbox, std::deque<std::string> states, const std::string& desired);
    /// Waits until no state follows, at most 30 seconds of the stand-in's time, where the behaviour wants late answers.
    void await_settled(Lock& lock, const std::shared_ptr<Sandbox>& sandbox);
    /// Kills what runs in it and forgets what only the daemon knew. Lets go of the lock meanwhile.
    void shut_down(Lock& lock, const std::shared_ptr<Sandbox>& sandbox);

private:
    void keep_time();
    [[nodiscard]] Milliseconds next_deadline() const;
    [[nodiscard]] Milliseconds deadline_of(const Sandbox& sandbox) const;
    /// True: something was done that let go of the lock, so look again from the start.
    bool meet_deadlines(Lock& lock);
    void enter(Lock& lock, const std::shared_ptr<Sandbox>& sandbox);
    void meet_intervals(Sandbox& sandbox);
    void start_machine(Sandbox& sandbox);
    void take_snapshot(Sandbox& sandbox);
    void fail(Sandbox& sandbox, const std::string& state, const std::string& why) const;

    Clock& clock_;
    std::filesystem::path directory_;
    Threads threads_;
    std::thread time_keeper_;
    bool ending_ = false;
};

}  // namespace standin::daytona

// All that exists in a stand-in for Vercel Sandbox, and how sessions begin and end. Endpoints lock `mutex` around what
// they read and change. Knows no HTTP.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "model.hpp"
#include "threads.hpp"

namespace standin::vercel {

using Lock = std::unique_lock<std::mutex>;

/// What the real service's documents leave open, for tests to choose. README.md says what each is.
struct Behaviour {
    Milliseconds maximum_timeout = 24 * 3600 * 1000;
    /// Where the world waits until released: "pending", "stopping", "snapshotting", "snapshot_current".
    std::set<std::string> holds;
    std::string stop_answers = "stopped";       ///< or "stopping": before it is done
    std::string stopped_streams_end = "error";  ///< or "early": without an error line
    std::string kill_reaches = "process";       ///< or "group"
    std::string commands_end = "process";       ///< or "output": when nobody can write any more
    std::string work = "done";                  ///< or "none": every command ends at once with 0
    int failing_boots = 0;                      ///< so many sessions fail instead of running
    int requests_per_minute = 0;                ///< 0: any number
};

/// Why a session ends.
enum class Ending { stop, snapshot, abort, removal };

class World {
public:
    /// Keeps its disks in `directory`, which is there.
    World(Clock& clock, std::filesystem::path directory);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    /// Ends every session and removes every disk.
    ~World();

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Sandbox> sandboxes;
    std::map<std::string, std::shared_ptr<Session>> sessions;
    std::map<std::string, Snapshot> snapshots;
    Behaviour behaviour;

    [[nodiscard]] Clock& clock() const { return clock_; }
    [[nodiscard]] Milliseconds now() const { return clock_.now(); }
    /// Something waiting for a time or a state should look again.
    void wake() { changed.notify_all(); }
    /// Ends all waiting; nothing begins any more.
    void end();
    [[nodiscard]] bool ending() const { return ending_; }
    Threads& threads() { return threads_; }

    /// "sbx_" and so on, never the same twice.
    [[nodiscard]] std::string new_id(const std::string& prefix);

    // Under the lock. These throw Refusal.
    [[nodiscard]] Sandbox& sandbox(const std::string& name);
    [[nodiscard]] std::shared_ptr<Session> session(const std::string& id);
    /// Also a deleted one, whose status says so.
    [[nodiscard]] Snapshot& snapshot(const std::string& id);
    /// A session that takes commands and files: waits while it boots, refuses with 410 or 422 else.
    [[nodiscard]] std::shared_ptr<Session> usable_session(Lock& lock, const std::string& id);

    /// Begins a session of `sandbox`, from its snapshot `from` or from nothing (""). Lets go of the lock meanwhile.
    std::shared_ptr<Session> boot(Lock& lock, Sandbox& sandbox, const std::string& from);
    /// Resumes a stopped sandbox; throws Refusal when it cannot be.
    void resume(Lock& lock, Sandbox& sandbox);
    /// Marks the session; `finish` has to follow.
    void begin_end(Session& session, Ending how);
    /// Ends it, with a snapshot where one belongs; lets go of the lock meanwhile. Gives the snapshot's id, or "".
    std::string finish(Lock& lock, const std::shared_ptr<Session>& session, Ending how,
                       std::optional<Milliseconds> expiration = std::nullopt);
    void remove_snapshot(Snapshot& snapshot);
    void touch(Sandbox& sandbox);

private:
    void keep_time();
    [[nodiscard]] Milliseconds next_deadline();
    void meet_deadlines();
    void hold(Lock& lock, const std::string& place);
    std::string take_snapshot(Lock& lock, Session& session, Ending how, std::optional<Milliseconds> expiration);
    void evict(Sandbox& sandbox);
    void account_for(Session& session);

    Clock& clock_;
    std::filesystem::path directory_;
    Threads threads_;
    std::thread time_keeper_;
    bool ending_ = false;
    std::uint64_t last_id_ = 0;
};

}  // namespace standin::vercel

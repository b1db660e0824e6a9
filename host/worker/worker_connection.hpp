// One worker and all sockets to it: starts it, makes channels, carries calls and events, answers its questions, watches its
// process, and says how it ended. When it is dead it stays dead: another one is another connection. Knows no provider.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../base/error.hpp"
#include "../plugin/method_table.hpp"
#include "../plugin/prepared_plugin.hpp"
#include "../service/log_level.hpp"
#include "remote_call.hpp"
#include "worker_process.hpp"

namespace berth::inline host_v1 {

/// How a worker ended.
struct WorkerDeath {
    std::string text;                      ///< "was killed by signal 11 (Segmentation fault)"
    std::string last_words;                ///< the end of what it wrote to stderr and stdout
    std::optional<std::uint64_t> culprit;  ///< number of the call that did not return in time
    enum class Cause {
        ended,  ///< it crashed or ended itself
        overran,
        broke_protocol,
        killed,  ///< somebody else did, or the machine: SIGKILL
        let_go   ///< it was not needed any more, and went
    } cause = Cause::ended;
};

/// What a worker says of the plugin it has loaded.
struct LoadedFacts {
    std::uint32_t minor = 0;
    std::vector<Method> methods;
};

class WorkerConnection final : private EventCarrier {
public:
    using Clock = Call::Clock;
    /// Lines that the worker writes and logs; on the watching thread.
    using LineHandler = std::function<void(LogLevel, std::string_view)>;

    WorkerConnection(WorkerStarter start, LineHandler on_line);
    WorkerConnection(const WorkerConnection&) = delete;
    WorkerConnection& operator=(const WorkerConnection&) = delete;
    /// No call may be left. Ends the worker: lets it go, and kills it when it does not.
    ~WorkerConnection();

    /// Starts the worker and waits until it has loaded the plugin, as long as `call` lasts and to its deadline. Throws Error.
    [[nodiscard]] LoadedFacts load(const PreparedPlugin& plugin, Call& call);

    /// Runs one call of the plugin. `which`: wire/methods.hpp. Throws what the plugin threw. Any thread.
    [[nodiscard]] berth_status run(std::size_t which, CCall& call, std::string_view arguments,
                                   const wire::CallObjects& objects);
    /// What `open` was handed.
    void host(const berth_host* host) noexcept { host_ = host; }
    /// Lets the plugin close, and kills its worker when it does not in time. Throws what the plugin threw.
    void close_plugin();

    /// Lets the worker go, and kills it when it does not in time. No call may be left.
    void end();
    /// Its process; 0: there is none.
    [[nodiscard]] pid_t process() const;
    /// How it ended, if it has.
    [[nodiscard]] std::optional<WorkerDeath> death() const;

private:
    class Registered;

    void carry(std::uint64_t call, const CallEvent& event) noexcept override;
    void look_at_patience() noexcept override { raise_event(wake_); }

    // --- the watching thread ---
    void watch();
    void read_control();
    void read_output();
    [[nodiscard]] int timeout();
    void kill_who_overran();
    void end_doomed();
    void never_started(const Error& why);
    void add_service_channel();
    void serve(HostChannel& channel) noexcept;
    void buried(const EndOfWorker& end);
    void tell_loader(std::optional<LoadedFacts> facts, std::optional<Error> error);

    [[nodiscard]] std::unique_ptr<HostChannel> take_channel(wire::FrameKind kind);
    void give_back(std::unique_ptr<HostChannel> channel);
    [[nodiscard]] std::unique_ptr<HostChannel> make_channel(wire::FrameKind kind);
    [[nodiscard]] Error death_error(const Call* call);
    /// The worker is of no use any more, and why.
    void doom(WorkerDeath death) noexcept;
    void broke_protocol(const wire::Malformed& how) noexcept;
    [[nodiscard]] WorkerDeath wait_for_death();

    WorkerStarter start_;
    LineHandler on_line_;
    const berth_host* host_ = nullptr;
    FileDescriptor wake_;     ///< of the watching thread
    FileDescriptor loading_;  ///< of who waits in load()
    std::atomic<bool> is_deaf_{false};

    StartedWorker worker_;
    std::unique_ptr<wire::Link> control_;
    std::mutex sending_;  ///< on the control link

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, RemoteCall*> calls_;
    std::vector<std::unique_ptr<HostChannel>> idle_;
    std::vector<const wire::Link*> links_;  ///< of all channels in use, to end them
    std::optional<LoadedFacts> loaded_;
    std::optional<Error> refused_;
    std::optional<WorkerDeath> doom_;   ///< why it was killed; the first reason counts
    std::optional<WorkerDeath> death_;  ///< it is gone
    bool is_started_ = false;
    bool is_ending_ = false;
    bool has_hung_up_ = false;  ///< its control socket has ended
    std::deque<std::string> last_lines_;
    std::string unfinished_line_;

    struct Service {
        std::unique_ptr<HostChannel> channel;
        std::thread thread;
    };
    std::list<Service> services_;  ///< the watching thread's
    std::thread watcher_;
};

}  // namespace berth::inline host_v1

// Process 1's loop: connections of the plugin, runs, what is left to drain, and the reaping of everybody.
//
// One thread, one epoll set, no waiting anywhere else. Uploads and downloads are served by a forked child each, because
// the file system may keep them waiting.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "../protocol.hpp"
#include "buffer.hpp"
#include "lifetime.hpp"
#include "reach.hpp"
#include "run.hpp"

namespace berth_init {

// What an epoll event stands for.
struct Source {
    enum class Kind { listener, signals, notify, lifetime, connection, drain } kind;
    int descriptor = -1;
};

struct Connection : Source {
    protocol::Header header{};
    std::size_t received = 0;  // of the current frame, its header included
    Buffer payload;
    int passed[protocol::most_groups] = {-1, -1, -1};  // descriptors that came with the request
    Run* run = nullptr;
    Connection* next = nullptr;
};

// The read end of a pipe whose reader went away while somebody may still write.
struct Drain : Source {};

class Server {
public:
    // Takes over the listening descriptor. False: this machine has no epoll, eventfd or signalfd for us.
    bool start(int listener);
    // Before `serve`, for a sandbox whose time is limited; see Lifetime::start.
    bool limit_lifetime(int note, std::int64_t life_ms, std::int64_t idle_ms);
    // The name of the listener, without which this ends; see Reach.
    void look_for(int name, std::int64_t look_ms) { reach_.start(name, look_ms, monotonic_ns()); }
    [[noreturn]] void serve();

private:
    bool watch(Source& source, std::uint32_t events);
    void unwatch(const Source& source);
    void accept_some();
    void refuse_caller();
    void reap_all();
    void reaped(pid_t pid, int status);
    void wake(pid_t pid) const;
    void take_over(Run& run);
    void read_some(Connection& connection);
    bool complete(Connection& connection);
    static bool take_groups(Connection& connection, Run& run);
    bool begin_request(Connection& connection);
    bool begin_run(Connection& connection);
    bool command_run(Connection& connection);
    bool serve_files(Connection& connection);
    [[nodiscard]] std::uint32_t free_slot() const;
    bool answer_ping(Connection& connection);
    bool answer_usage(Connection& connection);
    void close_connection(Connection& connection);
    void begin_ladder(Run& run, protocol::Cause cause, std::int64_t grace_ms);
    void look_at_runs(std::int64_t now);
    void look_at(Run& run, std::int64_t now);
    void drain_outputs(Run& run);
    void drain(Drain& drain);
    void forget_finished_runs();
    [[nodiscard]] int wait_ms(std::int64_t now) const;
    [[nodiscard]] std::uint32_t busy() const;

    Source listener_{Source::Kind::listener};
    Source signals_{Source::Kind::signals};
    Source notify_{Source::Kind::notify};
    Source timer_{Source::Kind::lifetime};
    Lifetime lifetime_;
    Reach reach_;
    int epoll_ = -1;
    int spare_ = -1;  // given up for a moment when descriptors run out, so that a waiting caller can be refused
    // Fewer connections are taken in one turn than can end in it: else ended runs would pile up, and their descriptors.
    static constexpr int most_events = 64;
    static constexpr int most_accepted = 16;
    static constexpr std::uint32_t max_file_servers = 256;
    pid_t file_servers_[max_file_servers] = {};  // by slot; 0 = free
    bool* transferring_ = nullptr;               // by slot, shared with the file servers: they say when they are done
    Run* runs_ = nullptr;
};

}  // namespace berth_init

// One process that the plugin asked for, from its request to its end, with everything that descends from it.
//
// Process 1 starts an ANCHOR for each run: a child that shares process 1's memory and descriptors, is the subreaper of
// the run's whole tree, starts the main process, reports its start and its end straight to the plugin, and reaps until
// nothing of the tree is left. So a descendant cannot slip away by setsid or a double fork, and an ordinary run costs
// no extra wake-up of process 1. Should something in the sandbox kill the anchor, the tree falls to process 1, which
// then finishes the run itself. This room knows nothing of connections but the descriptor to report to.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../protocol.hpp"
#include "buffer.hpp"

namespace berth_init {

namespace protocol = berth_local::protocol;

inline constexpr std::size_t anchor_stack = 16U << 10;
inline constexpr std::size_t child_stack = 32U << 10;

struct Run {
    Run() = default;
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // The request. `text` owns the bytes that the views and pointers refer to.
    Buffer text;
    std::uint32_t flags = 0;
    std::int64_t timeout_ms = 0;
    std::int64_t grace_ms = 0;
    std::uint32_t rows = 0;  // of its terminal
    std::uint32_t columns = 0;
    const char* directory = nullptr;
    const char* path = nullptr;  // where programs are looked up
    char** arguments = nullptr;
    char** environment = nullptr;

    // Descriptors, all close-on-exec. The child's own ends are closed once it has started.
    int connection = -1;
    int child_ends[3] = {-1, -1, -1};
    int place = -1;                                    // where they lie, or -1: anywhere
    int groups[protocol::most_groups] = {-1, -1, -1};  // control groups to join
    // Read ends, kept so that nobody dies of SIGPIPE when the plugin goes. With a terminal the first is its master.
    int outputs[2] = {-1, -1};
    int input = -1;  // write end of stdin until it was handed out

    // Process 1's view.
    pid_t anchor = 0;
    void* stacks = nullptr;
    bool anchor_lives = false;
    bool host_gone = false;
    bool left = false;  // the plugin said that it goes
    enum class Phase { running, asked_to_end, killing } phase = Phase::running;
    bool asked = false;         // TERM was sent
    std::int64_t deadline = 0;  // CLOCK_MONOTONIC in ns; 0 = none
    std::int64_t retry = 0;     // ns until the tree is looked through again
    std::int64_t started_at = 0;
    Run* next = nullptr;

    // Shared with the anchor. The kernel itself writes `reaped`, so that an end is not lost with an anchor that is
    // killed between reaping and telling.
    siginfo_t reaped{};
    std::atomic<pid_t> child{0};  // what is to become the main process, said by itself
    std::atomic<pid_t> main{0};   // the same once it has become it
    std::atomic<bool> started_told{false};
    std::atomic<int> stage{0};  // protocol::Stage of a failed start
    std::atomic<int> error{0};
    std::atomic<int> status{0};
    std::atomic<bool> main_ended{false};
    std::atomic<bool> end_told{false};       // ended or failed was sent
    std::atomic<bool> wait_for_tree{false};  // tell the end only when the whole tree is gone
    std::atomic<std::uint32_t> cause{0};
    std::atomic<std::int64_t> ended_at{0};
    int notify = -1;  // eventfd of process 1
};

// Takes the payload of a run request apart. False: it is malformed.
bool parse_run(Run& run);

// Makes the pipes or the terminal and starts the anchor. False: nothing runs, `run.stage` and `run.error` say why.
bool start_run(Run& run);

// Takes over what the anchor had reaped when it died. False: not the main process.
bool recover_end(Run& run);

// From process 1, for runs whose anchor died: tells what happened as the anchor would have.
void tell_started(Run& run);
void tell_failed(Run& run);
void tell_ended(Run& run);

// Sends `signal` as the contract wants it: TERM and KILL to the whole group, others to the main process.
void signal_run(const Run& run, int signal);

// SIGKILL to the group and to everything that descends from the run.
void kill_tree(const Run& run);

// What an anchor does from its first moment; `run` is a Run*.
void anchor_life(void* run);

// Closes what the child was to get. Raw.
void close_child_ends(Run& run);

// Closes and forgets. Raw.
void close_end(int& descriptor);

std::int64_t monotonic_ns();

}  // namespace berth_init

// The process of one worker: started with nothing but its own descriptors, watched, killed, and what its end says.
// Knows no message that it is sent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../base/file_descriptor.hpp"

namespace berth::inline host_v1 {

/// What a worker may use; absent: no limit of its own.
struct WorkerLimits {
    std::optional<std::uint64_t> memory_bytes;  ///< private memory it may write to
    std::optional<std::uint32_t> cpus;          ///< so many processors it may run on
};

/// A worker that was started. Tests start threads in place of processes: those have no process to watch.
struct StartedWorker {
    FileDescriptor control;  ///< the host's end
    FileDescriptor process;  ///< a pidfd, or none
    FileDescriptor output;   ///< what it writes to stdout and stderr, or none; non-blocking
    pid_t pid = 0;
};

/// Starts a worker; on the thread that will watch it, for its death is tied to that thread's. Throws Error BERTH-W-04.
using WorkerStarter = std::function<StartedWorker()>;

/// Starts `program` (berth-worker).
[[nodiscard]] WorkerStarter process_starter(std::string program, WorkerLimits limits);

struct EndOfWorker {
    std::string text;         ///< "was killed by signal 11 (Segmentation fault)", "ended with exit code 3"
    bool was_killed = false;  ///< by SIGKILL
    bool was_clean = false;   ///< it ended by itself, with exit code 0
};

/// How the process ended, once its pidfd is readable. Reaps it.
[[nodiscard]] EndOfWorker reap(const StartedWorker& worker);

/// Kills the process and whatever is left in its group.
void kill_worker(const StartedWorker& worker) noexcept;

}  // namespace berth::inline host_v1

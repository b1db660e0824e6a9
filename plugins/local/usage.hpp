// What a sandbox uses right now. What cannot be known is absent.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "caller.hpp"
#include "descriptor.hpp"

namespace berth_local {

struct UsageFigures {
    std::optional<double> cpu_percent;
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t> disk_bytes;
    std::optional<std::uint64_t> process_count;
    // Absent where the sandbox shares the host's network.
    std::optional<std::uint64_t> network_received_bytes;
    std::optional<std::uint64_t> network_sent_bytes;
    std::optional<std::uint64_t> memory_limit_bytes;
    std::optional<double> cpu_limit_percent;
    std::optional<std::uint64_t> disk_limit_bytes;
    std::int64_t sampled_at_ms = 0;
};

// Remembers the sample before, so that a second question need not wait for a window of time.
class UsageMeter {
public:
    // `disk`: what its trees take. `runs`: whether there are processes to ask about. [any thread]
    UsageFigures measure(const Descriptor& sandbox, const std::string& id, std::optional<std::uint64_t> disk, bool runs,
                         Caller& caller);
    void forget(const std::string& id);

private:
    struct Sample {
        std::uint64_t cpu_ns = 0;
        std::uint64_t at_ns = 0;
        std::uint64_t resident = 0;
        std::uint64_t processes = 0;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
    };
    static std::optional<Sample> ask(const Descriptor& sandbox, Caller& caller);

    std::mutex mutex_;
    std::map<std::string, Sample> before_;  // at most as many as there are sandboxes
};

}  // namespace berth_local

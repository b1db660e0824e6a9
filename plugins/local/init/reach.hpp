// Whether anybody can still reach us: whoever removes a sandbox's directory by hand, or a killed Berth, may leave its first
// process behind without anybody who knows of it. Knows nothing of work.
#pragma once

#include <cstdint>

namespace berth_init {

class Reach {
public:
    // `name`: a handle on the name of the socket that everybody comes by.
    void start(int name, std::int64_t look_ms, std::int64_t now);
    // When to look next: CLOCK_MONOTONIC in ns.
    [[nodiscard]] std::int64_t next_look() const { return next_look_; }
    // To be asked at any time; looks when it is time to. True: the name is gone, and no socket gets its name back.
    [[nodiscard]] bool lost(std::int64_t now);

private:
    int name_ = -1;
    std::int64_t look_each_ = 0;
    std::int64_t next_look_ = 0;
};

}  // namespace berth_init

// Restarts of one sandbox that are asked for at the same time become one. Knows no provider.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "../base/error.hpp"
#include "../provider/values.hpp"
#include "active_call.hpp"

namespace berth::inline host_v1 {

class RestartJoin {
public:
    /// Runs `restart`, or waits for the one under way and gives its answer. Somebody who waits gives up with his own
    /// call only, and takes over when the one he waits for gave up.
    [[nodiscard]] SandboxInfo run(const std::string& sandbox, ActiveCall& call,
                                  const std::function<SandboxInfo()>& restart);
    /// How many wait for another's restart of that sandbox.
    [[nodiscard]] std::size_t waiting(const std::string& sandbox) const;

private:
    struct Flight {
        std::size_t waiting = 0;
        bool done = false;
        std::optional<SandboxInfo> info;
        std::optional<Error> error;
    };
    [[nodiscard]] std::optional<SandboxInfo> join(const std::shared_ptr<Flight>& flight, ActiveCall& call);
    [[nodiscard]] SandboxInfo lead(const std::string& sandbox, const std::shared_ptr<Flight>& flight, ActiveCall& call,
                                   const std::function<SandboxInfo()>& restart);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace berth::inline host_v1

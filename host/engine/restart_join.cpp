#include "restart_join.hpp"

#include <utility>

namespace berth::inline host_v1 {

SandboxInfo RestartJoin::run(const std::string& sandbox, ActiveCall& call,
                             const std::function<SandboxInfo()>& restart) {
    for (;;) {
        std::shared_ptr<Flight> flight;
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            auto& place = flights_[sandbox];
            first = place == nullptr;
            if (first) place = std::make_shared<Flight>();
            flight = place;
            if (!first) ++flight->waiting;
        }
        if (first) return lead(sandbox, flight, call, restart);
        if (auto info = join(flight, call)) return *std::move(info);
    }
}

SandboxInfo RestartJoin::lead(const std::string& sandbox, const std::shared_ptr<Flight>& flight, ActiveCall& call,
                              const std::function<SandboxInfo()>& restart) {
    std::optional<SandboxInfo> info;
    std::optional<Error> error;
    try {
        info = restart();
    } catch (...) {
        error = call.current_failure();
    }
    const std::lock_guard lock(mutex_);
    flight->done = true;
    flight->info = info;
    flight->error = error;
    flights_.erase(sandbox);
    changed_.notify_all();
    if (error) throw *error;
    return *std::move(info);
}

std::optional<SandboxInfo> RestartJoin::join(const std::shared_ptr<Flight>& flight, ActiveCall& call) {
    const ActiveCall::Waking waking(call, [this] {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return flight->done || call.call().cancelled(); });
    --flight->waiting;
    if (!flight->done) {
        lock.unlock();
        call.check();
    }
    if (flight->info) return flight->info;
    const auto code = flight->error->code();
    if (code == Code::cancelled || code == Code::timeout) return std::nullopt;
    throw *flight->error;
}

std::size_t RestartJoin::waiting(const std::string& sandbox) const {
    const std::lock_guard lock(mutex_);
    const auto found = flights_.find(sandbox);
    return found == flights_.end() ? 0 : found->second->waiting;
}

}  // namespace berth::inline host_v1

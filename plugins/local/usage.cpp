#include "usage.hpp"

#include <poll.h>

#include "conversation.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr std::uint64_t shortest_window = 50'000'000;  // ns
// The kernel counts in hundredths of a second: a longer window makes the first answer finer.
constexpr std::uint64_t first_window = 100'000'000;
constexpr std::size_t most_samples = 10'000;

void pause(std::uint64_t nanoseconds, Caller& caller) {
    const auto end = Clock::now() + std::chrono::nanoseconds(nanoseconds);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0) {
            return;
        }
        if (caller.cancelled()) {
            throw refusal(BERTH_CANCELLED, "cancelled");
        }
        pollfd waits{caller.events(), POLLIN, 0};
        ::poll(&waits, 1, static_cast<int>(waits.fd < 0 && left > blind_poll_ms ? blind_poll_ms : left));
        while (caller.next_event()) {
        }
    }
}

}  // namespace

std::optional<UsageMeter::Sample> UsageMeter::ask(const Descriptor& sandbox, Caller& caller) {
    std::optional<Link> connected;
    try {
        connected = Link::to(sandbox.get());
    } catch (const Failure& failure) {
        if (failure.code == BERTH_NOT_READY) {
            return std::nullopt;  // stopped by now
        }
        throw;
    }
    Link& link = *connected;
    protocol::Writer(link.output(), protocol::Type::usage).u32(protocol::version).finish();
    for (;;) {
        link.flush();
        Frame frame;
        const Link::Got got = link.next(frame);
        if (got == Link::Got::nothing) {
            wait_for(link, caller);
            continue;
        }
        if (got != Link::Got::frame || frame.type != protocol::Type::usage_sample) {
            return std::nullopt;
        }
        protocol::Reader reader(frame.payload);
        Sample sample;
        sample.resident = reader.u64();
        sample.processes = reader.u64();
        sample.cpu_ns = reader.u64();
        sample.at_ns = reader.u64();
        sample.received = reader.u64();
        sample.sent = reader.u64();
        return reader.finished() ? std::optional(sample) : std::nullopt;
    }
}

UsageFigures UsageMeter::measure(const Descriptor& sandbox, const std::string& id, std::optional<std::uint64_t> disk,
                                 bool runs, Caller& caller) {
    UsageFigures figures;
    figures.disk_bytes = disk;
    figures.sampled_at_ms = now_ms();
    std::optional<Sample> now = runs ? ask(sandbox, caller) : std::nullopt;
    if (!now) {
        forget(id);
        return figures;
    }
    std::optional<Sample> before;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = before_.find(id); found != before_.end()) {
            before = found->second;
        }
    }
    const bool usable = before && before->at_ns < now->at_ns && before->cpu_ns <= now->cpu_ns;
    if (!usable || now->at_ns - before->at_ns < shortest_window) {
        before = usable ? before : now;
        pause(usable ? shortest_window : first_window, caller);
        now = ask(sandbox, caller);
    }
    if (!now) {
        return figures;
    }
    if (now->at_ns > before->at_ns && now->cpu_ns >= before->cpu_ns) {
        figures.cpu_percent =
            100.0 * static_cast<double>(now->cpu_ns - before->cpu_ns) / static_cast<double>(now->at_ns - before->at_ns);
    }
    figures.memory_bytes = now->resident;
    figures.process_count = now->processes;
    figures.network_received_bytes = now->received;
    figures.network_sent_bytes = now->sent;
    figures.sampled_at_ms = now_ms();
    const std::lock_guard lock(mutex_);
    if (before_.size() < most_samples || before_.contains(id)) {
        before_[id] = *now;
    }
    return figures;
}

void UsageMeter::forget(const std::string& id) {
    const std::lock_guard lock(mutex_);
    before_.erase(id);
}

}  // namespace berth_local

// The caller of one operation, as the rooms of `local` see it: what it says meanwhile and how long it waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace berth_local {

struct Event {
    enum class Kind { cancel, signal, detach, resize } kind = Kind::cancel;
    int signal = 0;
    std::uint32_t rows = 0;  // of a resize: the terminal's new size
    std::uint32_t columns = 0;
};

class Caller {
public:
    virtual ~Caller() = default;
    [[nodiscard]] virtual bool cancelled() const = 0;
    // Polls readable while an event waits; -1: there is none, ask `cancelled` now and then.
    [[nodiscard]] virtual int events() = 0;
    [[nodiscard]] virtual std::optional<Event> next_event() = 0;
    // The read end of the pipe that carries live stdin, or -1. Not ours to close.
    [[nodiscard]] virtual int input() = 0;
    // After a cancel: how many ms we really have to undo or end things. 0: none.
    [[nodiscard]] virtual std::int64_t begin_cleanup(std::int64_t wanted_ms) = 0;
    // What is being done, in words, when it takes long.
    virtual void progress(const std::string&) {}
};

// For what nobody waits for: never cancelled.
class Nobody : public Caller {
public:
    [[nodiscard]] bool cancelled() const override { return false; }
    [[nodiscard]] int events() override { return -1; }
    [[nodiscard]] std::optional<Event> next_event() override { return std::nullopt; }
    [[nodiscard]] int input() override { return -1; }
    [[nodiscard]] std::int64_t begin_cleanup(std::int64_t) override { return 0; }
};

using Clock = std::chrono::steady_clock;

// How long one poll may last when there is no descriptor that would tell of a cancel.
inline constexpr int blind_poll_ms = 20;

}  // namespace berth_local

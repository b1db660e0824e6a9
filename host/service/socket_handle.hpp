// One WebSocket of a plugin, as the plugin holds it: a handle that outlives its closing until the call ends, so that late
// use is a broken rule and no accident. Knows no library.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "http_exchange.hpp"
#include "log.hpp"
#include "service_call.hpp"
#include "socket_transport.hpp"

/// The contract's opaque type. One thread at a time, but for call_cancelled().
struct berth_socket final : berth::ServiceResource {
    berth_socket(berth::ServiceCall& call, std::unique_ptr<berth::SocketConnection> connection,
                 berth::RequestLabel label, std::shared_ptr<berth::Log> log);
    ~berth_socket() override;

    /// Waits until the connection is open.
    berth_status wait_until_open() noexcept;
    berth_status send(std::uint32_t kind, berth_bytes bytes) noexcept;
    enum class Waiting { no, yes };
    berth_status receive(Waiting waiting, berth_socket_message* message) noexcept;
    [[nodiscard]] int descriptor() noexcept;
    void close(int code) noexcept;

    void call_cancelled() noexcept override;
    [[nodiscard]] bool is_closed() const noexcept override { return is_closed_.load(); }

private:
    berth_status answer(berth::SocketStep step) noexcept;
    berth_status failed() noexcept;
    berth_status misused(const char* what) noexcept;

    berth::ServiceCall& call_;
    const berth::RequestLabel label_;
    const std::shared_ptr<berth::Log> log_;
    std::mutex mutex_;  ///< of the pointer: a cancel may come while the plugin closes
    std::unique_ptr<berth::SocketConnection> connection_;
    std::atomic<bool> is_closed_{false};
};

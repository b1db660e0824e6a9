// One request of a plugin, as the plugin holds it: a handle that outlives its closing until the call ends, so that late
// use is a broken rule and no accident. Knows no library.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_transport.hpp"
#include "log.hpp"
#include "service_call.hpp"

namespace berth::inline host_v1 {

/// What is said about a request: in errors, and in the log when it is over.
struct RequestLabel {
    std::string provider;
    std::string text;  ///< "POST https://host/path"
};

}  // namespace berth::inline host_v1

/// The contract's opaque type. One thread at a time, but for call_cancelled().
struct berth_exchange final : berth::ServiceResource {
    berth_exchange(berth::ServiceCall& call, std::unique_ptr<berth::HttpTransfer> transfer,
                   berth::HttpRequestPlan::Body body, berth::RequestLabel label, std::shared_ptr<berth::Log> log);
    ~berth_exchange() override;

    berth_status write(berth_bytes bytes) noexcept;
    berth_status finish() noexcept;
    berth_status head(berth_http_head* head) noexcept;
    enum class Waiting { no, yes };
    berth_status read(Waiting waiting, void* buffer, std::uint64_t capacity, std::uint64_t* got) noexcept;
    [[nodiscard]] int descriptor() noexcept;
    void close() noexcept;

    void call_cancelled() noexcept override;
    [[nodiscard]] bool is_closed() const noexcept override { return is_closed_.load(); }

private:
    berth_status answer(berth::HttpStep step) noexcept;
    berth_status failed() noexcept;
    berth_status misused(const char* what) noexcept;
    void log_end() noexcept;

    berth::ServiceCall& call_;
    const berth::RequestLabel label_;
    const std::shared_ptr<berth::Log> log_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::mutex mutex_;  ///< of the pointer: a cancel may come while the plugin closes
    std::unique_ptr<berth::HttpTransfer> transfer_;
    std::atomic<bool> is_closed_{false};
    std::vector<berth_pair> pairs_;
    enum class Writing { never, now, ended };
    Writing writing_;
    int status_ = 0;
    bool has_failed_ = false;
};

// A call that a test steers: stopped or not, and what was recorded last. For services that need no more of a call.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <memory>
#include <optional>

#include "service/call_resources.hpp"
#include "service/service_call.hpp"

namespace berth_test {

class FakeCall final : public berth::ServiceCall {
public:
    FakeCall() {
        face.size = sizeof face;
        face.host_data = static_cast<berth::ServiceCall*>(this);
    }
    [[nodiscard]] bool stopped() const noexcept override {
        ++looks;
        return is_stopped;
    }
    berth_status cancelled() noexcept override { return BERTH_CANCELLED; }
    berth_status failed(const berth::Error& error) noexcept override {
        failure = error;
        return static_cast<berth_status>(error.code());
    }
    berth_status breach(const berth::Error& error) noexcept override {
        failure = error;
        return BERTH_CONTRACT;
    }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept override { return std::nullopt; }
    [[nodiscard]] std::optional<Clock::time_point> window_end() const noexcept override { return std::nullopt; }
    [[nodiscard]] std::optional<Clock::time_point> patience_end() const noexcept override { return std::nullopt; }
    void keep(std::unique_ptr<berth::ServiceResource> resource) override { resources.add(std::move(resource)); }

    berth_call face{};
    std::atomic<bool> is_stopped{false};
    mutable std::atomic<int> looks{0};  ///< how often stopped() was asked
    std::optional<berth::Error> failure;
    berth::CallResources resources;
};

}  // namespace berth_test

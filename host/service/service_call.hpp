// What a service may know of the call that a plugin makes it for: whether to go on, and where to say why it failed.
// Knows neither the call nor who records.
#pragma once

#include <berth/plugin.h>

#include <cstdint>
#include <string>

#include "../base/error.hpp"

namespace berth::inline host_v1 {

/// Behind `host_data` of every berth_call that the host makes.
class ServiceCall {
public:
    /// Given up, and no clean-up window is open: a service answers through cancelled().
    [[nodiscard]] virtual bool stopped() const noexcept = 0;
    /// Records that the call was given up and gives BERTH_CANCELLED.
    virtual berth_status cancelled() noexcept = 0;
    /// Records why a service failed and gives the number to answer with: a plugin that returns it passes `error` on.
    virtual berth_status failed(const Error& error) noexcept = 0;
    /// Records that the plugin broke a rule and gives BERTH_CONTRACT.
    virtual berth_status breach(const Error& error) noexcept = 0;

    /// nullptr when `call` cannot be one of the host's.
    [[nodiscard]] static ServiceCall* of(const berth_call* call) noexcept {
        if (call == nullptr || call->size < sizeof(berth_call)) return nullptr;
        return static_cast<ServiceCall*>(call->host_data);
    }

protected:
    ~ServiceCall() = default;
};

}  // namespace berth::inline host_v1

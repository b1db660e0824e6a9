// What a service may know of the call that a plugin makes it for: whether to go on, how long, where to say why it
// failed, and who keeps what was opened for it. Knows neither the call nor who records.
#pragma once

#include <berth/plugin.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "../base/error.hpp"

namespace berth::inline host_v1 {

/// Something that a service opened for one call, such as a request under way. The call owns it and destroys it when the
/// method has returned.
class ServiceResource {
public:
    ServiceResource() = default;
    ServiceResource(const ServiceResource&) = delete;
    ServiceResource& operator=(const ServiceResource&) = delete;
    virtual ~ServiceResource() = default;

    /// The caller gave up or the deadline passed. Any thread, also while the plugin is inside another function; must not
    /// wait, and must not ask the call anything.
    virtual void call_cancelled() noexcept = 0;
    /// The plugin has closed it: what is left is only there to notice that it is used once more.
    [[nodiscard]] virtual bool is_closed() const noexcept = 0;
};

/// Behind `host_data` of every berth_call that the host makes.
class ServiceCall {
public:
    using Clock = std::chrono::steady_clock;

    /// Given up, and no clean-up window is open: a service answers through cancelled().
    [[nodiscard]] virtual bool stopped() const noexcept = 0;
    /// Records that the call was given up and gives BERTH_CANCELLED.
    virtual berth_status cancelled() noexcept = 0;
    /// Records why a service failed and gives the number to answer with: a plugin that returns it passes `error` on.
    virtual berth_status failed(const Error& error) noexcept = 0;
    /// Records that the plugin broke a rule and gives BERTH_CONTRACT.
    virtual berth_status breach(const Error& error) noexcept = 0;

    /// When the caller wants to be done; whoever watches time cancels then.
    [[nodiscard]] virtual std::optional<Clock::time_point> deadline() const noexcept = 0;
    /// The end of the clean-up window, once one was opened.
    [[nodiscard]] virtual std::optional<Clock::time_point> window_end() const noexcept = 0;
    /// After a cancel: until when a service may wait for what must not be cut in the middle. Absent: not cancelled.
    [[nodiscard]] virtual std::optional<Clock::time_point> patience_end() const noexcept = 0;
    /// Keeps `resource` until the method has returned. Throws std::bad_alloc, and then the resource is gone.
    virtual void keep(std::unique_ptr<ServiceResource> resource) = 0;

    /// nullptr when `call` cannot be one of the host's.
    [[nodiscard]] static ServiceCall* of(const berth_call* call) noexcept {
        if (call == nullptr || call->size < sizeof(berth_call)) return nullptr;
        return static_cast<ServiceCall*>(call->host_data);
    }

protected:
    ~ServiceCall() = default;
};

}  // namespace berth::inline host_v1

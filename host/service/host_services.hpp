// What one plugin instance is handed as `berth_host`: log, settings, secrets, state, http, websocket; where a module of them is missing, a refusal.
// Knows no method and no call but through ServiceCall.
#pragma once

#include <berth/plugin.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "../config/settings.hpp"
#include "flat_settings.hpp"
#include "http_service.hpp"
#include "log.hpp"
#include "state_service.hpp"
#include "websocket_service.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

/// Lives from before `open` until after `close`. Any thread.
class HostServices {
public:
    HostServices(std::string provider, Settings settings, EnvironmentVariables environment, std::shared_ptr<Log> log,
                 ServicePlaces places = {}, std::shared_ptr<HttpAccess> http = nullptr);
    HostServices(const HostServices&) = delete;
    HostServices& operator=(const HostServices&) = delete;

    [[nodiscard]] const berth_host* face() const noexcept { return &host_; }
    [[nodiscard]] Log& log() const noexcept { return *log_; }

private:
    struct Functions;
    berth_status hand_out(ServiceCall& call, const std::string& pointer, berth_bytes_sink* sink) const;

    std::string provider_;
    FlatSettings settings_;
    std::map<std::string, SecretSource> secrets_;
    EnvironmentVariables environment_;
    std::shared_ptr<Log> log_;
    std::unique_ptr<StateService> state_;  ///< none where there is no module for it
    HttpService http_;
    WebSocketService websocket_;
    berth_host host_{};
};

}  // namespace berth::inline host_v1

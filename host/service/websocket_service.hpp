// The websocket service of one provider: what a plugin asks is checked, carried by the transport that all providers
// share, and answered as the contract says of berth_websocket. Knows no library and no backend.
#pragma once

#include <berth/plugin.h>

#include <memory>
#include <string>

#include "http_access.hpp"
#include "log.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

/// Any thread; what open() makes belongs to its call.
class WebSocketService {
public:
    WebSocketService(std::string provider, std::shared_ptr<HttpAccess> access, std::shared_ptr<Log> log);
    WebSocketService(const WebSocketService&) = delete;
    WebSocketService& operator=(const WebSocketService&) = delete;
    ~WebSocketService();

    [[nodiscard]] bool is_offered() const noexcept { return access_ && access_->is_offered(); }
    /// Waits until the connection is open.
    berth_status open(ServiceCall& call, const berth_http_request* request, berth_socket** socket) noexcept;

private:
    const std::string provider_;
    const std::shared_ptr<HttpAccess> access_;
    const std::shared_ptr<Log> log_;
};

/// The functions of a socket; `open` is the host's own.
[[nodiscard]] berth_websocket websocket_table(berth_status (*open)(const berth_host*, berth_call*,
                                                                   const berth_http_request*, berth_socket**)) noexcept;

}  // namespace berth::inline host_v1

#include "websocket_service.hpp"

#include <new>
#include <utility>

#include "diagnostics.hpp"
#include "request_secrets.hpp"
#include "service_call.hpp"
#include "socket_handle.hpp"
#include "socket_request.hpp"

namespace berth::inline host_v1 {

WebSocketService::WebSocketService(std::string provider, std::shared_ptr<HttpAccess> access, std::shared_ptr<Log> log)
    : provider_(std::move(provider)), access_(std::move(access)), log_(std::move(log)) {}

WebSocketService::~WebSocketService() = default;

berth_status WebSocketService::open(ServiceCall& call, const berth_http_request* request,
                                    berth_socket** socket) noexcept {
    if (socket != nullptr) *socket = nullptr;
    if (call.stopped()) return call.cancelled();
    try {
        if (socket == nullptr) {
            throw Error(service_diagnostics::misused_service, "the plugin asked for a WebSocket without room for it",
                        "report this to the author of the plugin");
        }
        auto wish = socket_wish_of(request);
        (void)remember_secrets(log_->secrets(), request);
        if (wish.plan.unix_socket.empty()) {
            const auto choice = access_->proxy_for(wish.url);
            remember_proxy(log_->secrets(), choice.proxy);
            add_proxy(wish.plan, choice);
        }
        auto connection = access_->sockets().start(std::move(wish.plan));
        if (!connection) return BERTH_RESOURCE_EXHAUSTED;
        auto made = std::make_unique<berth_socket>(call, std::move(connection),
                                                   RequestLabel{provider_, "WebSocket " + wish.shown}, log_);
        auto* const handle = made.get();
        call.keep(std::move(made));
        const auto status = handle->wait_until_open();
        if (status == BERTH_OK) {
            *socket = handle;
        } else {
            handle->close(1000);
        }
        return status;
    } catch (const Error& error) {
        return error.diagnostic() == service_diagnostics::misused_service.number ? call.breach(error)
                                                                                 : call.failed(error);
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    } catch (...) {
        return BERTH_INTERNAL;
    }
}

berth_websocket websocket_table(berth_status (*open)(const berth_host*, berth_call*, const berth_http_request*,
                                                     berth_socket**)) noexcept {
    using Waiting = berth_socket::Waiting;
    berth_websocket table{};
    table.size = sizeof table;
    table.open = open;
    table.send = [](berth_socket* socket, uint32_t kind, berth_bytes bytes) noexcept {
        return socket == nullptr ? berth_status{BERTH_CONTRACT} : socket->send(kind, bytes);
    };
    table.receive = [](berth_socket* socket, berth_socket_message* message) noexcept {
        return socket == nullptr ? berth_status{BERTH_CONTRACT} : socket->receive(Waiting::yes, message);
    };
    table.try_receive = [](berth_socket* socket, berth_socket_message* message) noexcept {
        return socket == nullptr ? berth_status{BERTH_CONTRACT} : socket->receive(Waiting::no, message);
    };
    table.fd = [](berth_socket* socket) noexcept { return socket == nullptr ? -1 : socket->descriptor(); };
    table.close = [](berth_socket* socket, int32_t code) noexcept {
        if (socket != nullptr) socket->close(code);
    };
    return table;
}

}  // namespace berth::inline host_v1

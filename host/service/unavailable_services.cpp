#include "unavailable_services.hpp"

#include <string>

#include "diagnostics.hpp"
#include "service_call.hpp"

namespace berth::inline host_v1 {

namespace {

berth_status refuse(const berth_call* call, const char* service) noexcept {
    auto* const made_for = ServiceCall::of(call);
    if (made_for == nullptr) return BERTH_CONTRACT;
    if (made_for->stopped()) return made_for->cancelled();
    try {
        return made_for->failed(
            Error(service_diagnostics::no_such_service,
                  std::string("the plugin asked for the ") + service + " service, which this host does not offer",
                  std::string("use a plugin that brings its own, or a Berth that offers ") + service));
    } catch (...) {
        return BERTH_UNSUPPORTED;
    }
}

// Functions of an exchange or socket: `open` never made one, so there is nothing that they could act on.
template <typename Handle, typename... Arguments>
berth_status without_handle(Handle* /*handle*/, Arguments... /*arguments*/) noexcept {
    return BERTH_CONTRACT;
}

template <typename Handle>
int without_descriptor(Handle* /*handle*/) noexcept {
    return -1;
}

constexpr berth_state state_table{
    sizeof(berth_state),
    0,
    [](const berth_host*, berth_call* call, berth_str, berth_bytes_sink*, uint64_t*) noexcept {
        return refuse(call, "state");
    },
    [](const berth_host*, berth_call* call, berth_str, berth_bytes, uint64_t, uint64_t*) noexcept {
        return refuse(call, "state");
    },
    [](const berth_host*, berth_call* call, berth_str, uint64_t) noexcept { return refuse(call, "state"); },
    [](const berth_host*, berth_call* call, berth_str, berth_pairs_sink*) noexcept { return refuse(call, "state"); },
};

constexpr berth_http http_table{
    sizeof(berth_http),
    0,
    [](const berth_host*, berth_call* call, const berth_http_request*, berth_exchange** exchange) noexcept {
        if (exchange != nullptr) *exchange = nullptr;
        return refuse(call, "http");
    },
    without_handle<berth_exchange, berth_bytes>,
    without_handle<berth_exchange>,
    without_handle<berth_exchange, berth_http_head*>,
    without_handle<berth_exchange, void*, uint64_t, uint64_t*>,
    without_handle<berth_exchange, void*, uint64_t, uint64_t*>,
    without_descriptor<berth_exchange>,
    [](berth_exchange*) noexcept {},
};

constexpr berth_websocket websocket_table{
    sizeof(berth_websocket),
    0,
    [](const berth_host*, berth_call* call, const berth_http_request*, berth_socket** socket) noexcept {
        if (socket != nullptr) *socket = nullptr;
        return refuse(call, "websocket");
    },
    without_handle<berth_socket, uint32_t, berth_bytes>,
    without_handle<berth_socket, berth_socket_message*>,
    without_handle<berth_socket, berth_socket_message*>,
    without_descriptor<berth_socket>,
    [](berth_socket*, int32_t) noexcept {},
};

}  // namespace

const berth_state& unavailable_state() noexcept {
    return state_table;
}

const berth_http& unavailable_http() noexcept {
    return http_table;
}

const berth_websocket& unavailable_websocket() noexcept {
    return websocket_table;
}

}  // namespace berth::inline host_v1

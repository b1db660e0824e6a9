#include "http_access.hpp"

#include <new>
#include <utility>

#include "../base/error.hpp"
#include "diagnostics.hpp"
#include "service_module.hpp"

#ifndef BERTH_VERSION
#error "the build says which version this is"
#endif

namespace berth::inline host_v1 {

HttpAccess::HttpAccess(std::string modules, HttpConfiguration configuration, EnvironmentVariables variables)
    : modules_(std::move(modules)), configuration_(std::move(configuration)), variables_(std::move(variables)) {}

HttpAccess::~HttpAccess() = default;

template <typename Transport>
Transport& HttpAccess::loaded(std::unique_ptr<Transport>& transport, const char* module, const char* symbol) {
    using Make = Transport*(const HttpTransportOptions&) noexcept;
    const std::lock_guard lock(mutex_);
    if (!transport) {
        auto* const make = reinterpret_cast<Make*>(module_symbol(modules_ + "/" + module, symbol));
        HttpTransportOptions options;
        options.user_agent = "berth/" BERTH_VERSION;
        options.certificates = choose_certificates(configuration_, variables_);
        options.connect_limit = configuration_.connect_timeout;
        transport.reset(make(options));
        if (!transport) {
            throw Error(service_diagnostics::http_unusable, "there is no memory, or no thread, to reach backends with",
                        "free some memory, or raise the limit of processes");
        }
    }
    return *transport;
}

HttpTransport& HttpAccess::transport() {
    return loaded(transport_, "http.so", make_http_transport_symbol);
}

SocketTransport& HttpAccess::sockets() {
    return loaded(sockets_, "websocket.so", make_socket_transport_symbol);
}

ProxyChoice HttpAccess::proxy_for(std::string_view url) const {
    return choose_proxy(url, configuration_, variables_);
}

}  // namespace berth::inline host_v1

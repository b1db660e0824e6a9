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

HttpTransport& HttpAccess::transport() {
    const std::lock_guard lock(mutex_);
    if (!transport_) {
        auto* const make =
            reinterpret_cast<MakeHttpTransport*>(module_symbol(modules_ + "/http.so", make_http_transport_symbol));
        HttpTransportOptions options;
        options.user_agent = "berth/" BERTH_VERSION;
        options.certificates = choose_certificates(configuration_, variables_);
        options.connect_limit = configuration_.connect_timeout;
        transport_.reset(make(options));
        if (!transport_) {
            throw Error(service_diagnostics::http_unusable, "there is no memory, or no thread, to reach backends with",
                        "free some memory, or raise the limit of processes");
        }
    }
    return *transport_;
}

ProxyChoice HttpAccess::proxy_for(const HttpRequestPlan& plan) const {
    if (!plan.unix_socket.empty()) return {};
    return choose_proxy(plan.url, configuration_, variables_);
}

}  // namespace berth::inline host_v1

// The http service of one provider: what a plugin asks is checked, carried by the transport that all providers share,
// and answered as the contract says of berth_http. Knows no library and no backend.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <memory>
#include <string>

#include "http_access.hpp"
#include "log.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

/// Any thread; what open() makes belongs to its call.
class HttpService {
public:
    HttpService(std::string provider, std::shared_ptr<HttpAccess> access, std::shared_ptr<Log> log);
    HttpService(const HttpService&) = delete;
    HttpService& operator=(const HttpService&) = delete;
    ~HttpService();

    [[nodiscard]] bool is_offered() const noexcept { return access_ && access_->is_offered(); }
    berth_status open(ServiceCall& call, const berth_http_request* request, berth_exchange** exchange) noexcept;

private:
    [[nodiscard]] HttpRequestPlan plan(ServiceCall& call, const berth_http_request* request);
    void warn_of_clear_text(const std::string& url, std::size_t secrets);

    const std::string provider_;
    const std::shared_ptr<HttpAccess> access_;
    const std::shared_ptr<Log> log_;
    std::atomic<bool> has_warned_{false};
};

/// The functions of an exchange; `open` is the host's own.
[[nodiscard]] berth_http http_table(berth_status (*open)(const berth_host*, berth_call*, const berth_http_request*,
                                                         berth_exchange**)) noexcept;

}  // namespace berth::inline host_v1

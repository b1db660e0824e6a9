#include "http_service.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "diagnostics.hpp"
#include "http_exchange.hpp"
#include "http_request.hpp"
#include "request_secrets.hpp"
#include "service_call.hpp"

namespace berth::inline host_v1 {

HttpService::HttpService(std::string provider, std::shared_ptr<HttpAccess> access, std::shared_ptr<Log> log)
    : provider_(std::move(provider)), access_(std::move(access)), log_(std::move(log)) {}

HttpService::~HttpService() = default;

/// A token that crosses a network in the clear belongs to whoever listens.
void HttpService::warn_of_clear_text(const std::string& url, std::size_t secrets) {
    if (secrets == 0 || !is_in_the_clear(url) || has_warned_.exchange(true)) return;
    log_->write(LogLevel::warning, provider_,
                "credentials are sent without encryption to " + shown_address(url) + "; use https:// there");
}

HttpRequestPlan HttpService::plan(ServiceCall& call, const berth_http_request* request) {
    auto plan = plan_of(request);
    const auto secrets = remember_secrets(log_->secrets(), request);
    if (plan.unix_socket.empty()) warn_of_clear_text(plan.url, secrets);
    auto choice = plan.unix_socket.empty() ? access_->proxy_for(plan.url) : ProxyChoice{};
    remember_proxy(log_->secrets(), choice.proxy);
    plan.proxy = std::move(choice.proxy);
    plan.no_proxy = std::move(choice.no_proxy);
    const auto window = call.window_end();
    plan.end = window ? window : call.deadline();
    return plan;
}

berth_status HttpService::open(ServiceCall& call, const berth_http_request* request,
                               berth_exchange** exchange) noexcept {
    if (exchange != nullptr) *exchange = nullptr;
    if (call.stopped()) return call.cancelled();
    try {
        if (exchange == nullptr) {
            throw Error(service_diagnostics::misused_service,
                        "the plugin asked the http service for a request without room for it",
                        "report this to the author of the plugin");
        }
        auto checked = plan(call, request);
        RequestLabel label{provider_, checked.method + " " + shown_address(checked.url)};
        const auto body = checked.body_kind;
        auto transfer = access_->transport().start(std::move(checked));
        if (!transfer) return BERTH_RESOURCE_EXHAUSTED;
        auto made = std::make_unique<berth_exchange>(call, std::move(transfer), body, std::move(label), log_);
        auto* const handle = made.get();
        call.keep(std::move(made));
        *exchange = handle;
        return BERTH_OK;
    } catch (const Error& error) {
        return error.diagnostic() == service_diagnostics::misused_service.number ? call.breach(error)
                                                                                 : call.failed(error);
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    } catch (...) {
        return BERTH_INTERNAL;
    }
}

berth_http http_table(berth_status (*open)(const berth_host*, berth_call*, const berth_http_request*,
                                           berth_exchange**)) noexcept {
    using Waiting = berth_exchange::Waiting;
    berth_http table{};
    table.size = sizeof table;
    table.open = open;
    table.write = [](berth_exchange* exchange, berth_bytes bytes) noexcept {
        return exchange == nullptr ? berth_status{BERTH_CONTRACT} : exchange->write(bytes);
    };
    table.finish = [](berth_exchange* exchange) noexcept {
        return exchange == nullptr ? berth_status{BERTH_CONTRACT} : exchange->finish();
    };
    table.head = [](berth_exchange* exchange, berth_http_head* head) noexcept {
        return exchange == nullptr ? berth_status{BERTH_CONTRACT} : exchange->head(head);
    };
    table.read = [](berth_exchange* exchange, void* buffer, uint64_t capacity, uint64_t* got) noexcept {
        return exchange == nullptr ? berth_status{BERTH_CONTRACT} : exchange->read(Waiting::yes, buffer, capacity, got);
    };
    table.try_read = [](berth_exchange* exchange, void* buffer, uint64_t capacity, uint64_t* got) noexcept {
        return exchange == nullptr ? berth_status{BERTH_CONTRACT} : exchange->read(Waiting::no, buffer, capacity, got);
    };
    table.fd = [](berth_exchange* exchange) noexcept { return exchange == nullptr ? -1 : exchange->descriptor(); };
    table.close = [](berth_exchange* exchange) noexcept {
        if (exchange != nullptr) exchange->close();
    };
    return table;
}

}  // namespace berth::inline host_v1

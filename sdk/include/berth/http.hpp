// Requests to a backend through the host, which pools connections, checks TLS, repeats what is safe to repeat and knows
// how to be cancelled. An exchange is driven by the plugin; nothing is called back.
#ifndef BERTH_HTTP_HPP
#define BERTH_HTTP_HPP

#include "host.hpp"

namespace berth::inline sdk_v1 {

/// One request. Mark a header `secret` when its value holds a credential.
struct HttpRequest {
    std::string method = "GET";
    std::string url;
    Variables headers = {};
    std::optional<std::string> body = {};
    /// The host may send it again after a failure: it makes nothing twice.
    bool repeatable = false;
    /// It makes something: once sent, a cancel waits (bounded) for the answer, so that what was made can be undone.
    bool uninterrupted = false;
    /// The body comes through Exchange::write and finish(); never repeated.
    bool streamed_body = false;
    std::optional<std::uint64_t> body_length = {};  ///< Of a streamed body, when known.
    std::optional<Duration> idle_timeout = {};      ///< Fail when nothing moves for so long.
    std::string unix_socket = {};                   ///< Connect here instead.
    /// A vendor's own headers for Retry-After: header and "seconds", "milliseconds" or "unix_seconds".
    Variables retry_after_headers = {};
};

/// What came back before the body. Its views live as long as the exchange.
struct HttpHead {
    int status = 0;
    Pairs headers;  ///< Names in lower case.
    std::optional<Duration> retry_after;
    std::optional<std::uint64_t> length;
};

/// A whole answer.
struct HttpResponse {
    int status = 0;
    Variables headers;
    std::optional<Duration> retry_after;
    std::string body;
};

namespace detail {

/// A berth_http_request over an HttpRequest that outlives it.
class RawRequest {
public:
    explicit RawRequest(const HttpRequest& from) : headers_(from.headers), retry_(from.retry_after_headers) {
        raw_.flags = (from.repeatable ? std::uint32_t{BERTH_HTTP_REPEATABLE} : 0) |
                     (from.uninterrupted ? std::uint32_t{BERTH_HTTP_UNINTERRUPTED} : 0) |
                     (from.streamed_body ? std::uint32_t{BERTH_HTTP_STREAMED_BODY} : 0);
        raw_.method = text(from.method);
        raw_.url = text(from.url);
        raw_.headers = headers_.raw();
        if (from.body) raw_.body = bytes(*from.body);
        raw_.body_length = number_if(from.body_length);
        raw_.idle_ms = number_if(from.idle_timeout);
        if (!from.unix_socket.empty()) raw_.unix_socket = text(from.unix_socket);
        raw_.retry_after_headers = retry_.raw();
    }
    RawRequest(const RawRequest&) = delete;
    RawRequest& operator=(const RawRequest&) = delete;
    const berth_http_request* get() const { return &raw_; }

private:
    PairList headers_;
    PairList retry_;
    berth_http_request raw_ = sized<berth_http_request>();
};

}  // namespace detail

/// One request under way. Move-only; closed when it dies, at the latest with its call. A failure is thrown and known to
/// the host already: let it pass.
class Exchange {
public:
    Exchange(const berth_http& service, berth_exchange* raw) : service_(&service), raw_(raw) {}
    Exchange(Exchange&& other) noexcept : service_(other.service_), raw_(std::exchange(other.raw_, nullptr)) {}
    Exchange& operator=(Exchange&& other) noexcept {
        std::swap(service_, other.service_);
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Exchange() { close(); }

    /// Part of a streamed body. False when the server has answered already: stop, and read the head.
    bool write(std::string_view bytes) { return moved(service_->write(raw_, detail::bytes(bytes)), "sent"); }
    void finish() { (void)moved(service_->finish(raw_), "sent"); }
    /// Waits for status and headers.
    HttpHead head() {
        berth_http_head head = detail::sized<berth_http_head>();
        if (const berth_status status = service_->head(raw_, &head); status != BERTH_OK) failed(status, "answered");
        return {head.status, Pairs{head.headers}, detail::given_duration(head.retry_after_ms),
                detail::given(head.length)};
    }
    /// Waits for bytes of the body; 0 only at the end of a complete one.
    std::size_t read(void* buffer, std::size_t capacity) {
        std::uint64_t got = 0;
        return moved(service_->read(raw_, buffer, capacity, &got), "answered") ? static_cast<std::size_t>(got) : 0;
    }
    /// The same without waiting; absent when nothing is there yet: poll fd().
    std::optional<std::size_t> try_read(void* buffer, std::size_t capacity) {
        std::uint64_t got = 0;
        const berth_status status = service_->try_read(raw_, buffer, capacity, &got);
        if (status == BERTH_AGAIN) return std::nullopt;
        return moved(status, "answered") ? static_cast<std::size_t>(got) : 0;
    }
    int fd() const { return service_->fd(raw_); }
    void close() noexcept {
        if (raw_ != nullptr) service_->close(std::exchange(raw_, nullptr));
    }

private:
    [[noreturn]] static void failed(berth_status status, const char* what) {
        throw Error::recorded_by_host(status, std::string{"a request to the backend was not "} + what);
    }
    static bool moved(berth_status status, const char* what) {
        if (status != BERTH_OK && status != BERTH_END) failed(status, what);
        return status == BERTH_OK;
    }

    const berth_http* service_;
    berth_exchange* raw_;
};

/// What a status that is no success stands for: 400 and 422 invalid_argument, 401 and 403 auth_failed, 404 not_found,
/// 409 conflict, 408 and 504 timeout, 413 and 507 resource_exhausted, 429 rate_limited, other 5xx unavailable, the rest
/// protocol_error.
inline Code http_code(int status) {
    switch (status) {
        case 400:
        case 422:
            return Code::invalid_argument;
        case 401:
        case 403:
            return Code::auth_failed;
        case 404:
            return Code::not_found;
        case 408:
        case 504:
            return Code::timeout;
        case 409:
            return Code::conflict;
        case 413:
        case 507:
            return Code::resource_exhausted;
        case 429:
            return Code::rate_limited;
        default:
            return status >= 500 && status < 600 ? Code::unavailable : Code::protocol_error;
    }
}

/// The error for an answer that stands for `code`. A 4xx says that nothing happened.
inline Error http_error(const HttpResponse& response, std::string message, Code code) {
    Error error(code, std::move(message));
    error.upstream_code(std::to_string(response.status));
    if (response.status >= 400 && response.status < 500 && response.status != 408) error.outcome(Outcome::none);
    if (response.retry_after) error.retry_after(*response.retry_after);
    if (const std::string* id = response.headers.find("x-request-id")) error.upstream_request_id(*id);
    return error;
}
/// The same with the code of http_code. Change what a backend means differently on the result.
inline Error http_error(const HttpResponse& response, std::string message) {
    return http_error(response, std::move(message), http_code(response.status));
}

/// The host's HTTP service. [any thread]
class Http {
public:
    explicit Http(const berth_host* host) : host_(host) {}

    Exchange open(Call& call, const HttpRequest& request) const {
        if (host_->http == nullptr) throw Error(Code::unsupported, "this host offers no http");
        berth_exchange* exchange = nullptr;
        const berth_status status = host_->http->open(host_, call.raw(), detail::RawRequest{request}.get(), &exchange);
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "a request to the backend could not be sent");
        return Exchange{*host_->http, exchange};
    }
    /// Sends and reads the whole answer, whatever its status; a body over `most` bytes is Code::protocol_error.
    HttpResponse send(Call& call, const HttpRequest& request, std::size_t most = std::size_t{16} << 20) const {
        Exchange exchange = open(call, request);
        const HttpHead head = exchange.head();
        HttpResponse response{head.status, Variables{head.headers}, head.retry_after, {}};
        char buffer[16384];
        while (const std::size_t got = exchange.read(buffer, sizeof buffer)) {
            if (got > most - response.body.size())
                throw Error(Code::protocol_error,
                            "the backend's answer is longer than " + std::to_string(most) + " bytes");
            response.body.append(buffer, got);
        }
        return response;
    }

private:
    const berth_host* host_;
};

inline Http Host::http() const {
    return Http{raw_};
}

}  // namespace berth::inline sdk_v1

#endif

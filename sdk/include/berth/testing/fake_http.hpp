// Scripted HTTP: answers by method and path, with the failures that a backend has: a cut body, a slow one, 429, no
// answer at all, nobody listening. No network.
#ifndef BERTH_TESTING_FAKE_HTTP_HPP
#define BERTH_TESTING_FAKE_HTTP_HPP

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>

#include "../http.hpp"
#include "fake_call.hpp"

namespace berth::inline sdk_v1::testing {

/// What one request is answered with.
struct HttpAnswer {
    enum class Fault { none, refused, no_answer, cut };
    int status = 200;
    std::string body;
    Variables headers;
    std::optional<Duration> retry_after;
    Fault fault = Fault::none;
    std::size_t piece = 0;  ///< The body comes in pieces of this size, each only when it was waited for; 0 = at once.
};

/// A request as the plugin sent it.
struct SentRequest {
    std::string method;
    std::string url;
    Variables headers;
    std::string body;
    bool repeatable = false;
    bool uninterrupted = false;
};

/// Whether a path is the one that a script names, in which `*` stands for one part of it, such as a random name.
inline bool is_scripted_path(std::string_view scripted, std::string_view path) {
    for (;;) {
        const std::string_view wanted = scripted.substr(0, scripted.find('/'));
        const std::string_view part = path.substr(0, path.find('/'));
        if (wanted != "*" && wanted != part) return false;
        const bool is_last = wanted.size() == scripted.size();
        if (is_last != (part.size() == path.size())) return false;
        if (is_last) return true;
        scripted.remove_prefix(wanted.size() + 1);
        path.remove_prefix(part.size() + 1);
    }
}

/// The answers to one method and path, in order; the last one stays.
class HttpRoute {
public:
    using Answering = std::function<HttpAnswer(const SentRequest&)>;

    /// From now on the answer is made when the request is there. `answering` must not touch the fake host.
    HttpRoute& reply_by(Answering answering) {
        answering_ = std::move(answering);
        return *this;
    }
    HttpRoute& reply(int status, std::string body = {}, Variables headers = {}) {
        answers_.push_back({status, std::move(body), std::move(headers), {}, HttpAnswer::Fault::none, 0});
        return *this;
    }
    /// The connection breaks after the body that the last reply holds: the rest of it never comes.
    HttpRoute& cut() { return fault(HttpAnswer::Fault::cut); }
    /// The last reply's body comes in pieces of `size` bytes; try_read answers AGAIN before each.
    HttpRoute& slowly(std::size_t size) {
        answers_.back().piece = size;
        return *this;
    }
    HttpRoute& retry_after(Duration time) {
        answers_.back().retry_after = time;
        return *this;
    }
    /// The request is sent, and then the connection breaks: nobody knows whether it was done.
    HttpRoute& no_answer() {
        reply(0);
        return fault(HttpAnswer::Fault::no_answer);
    }
    /// Nobody listens: certainly nothing was done.
    HttpRoute& refused() {
        reply(0);
        return fault(HttpAnswer::Fault::refused);
    }
    HttpAnswer next(const SentRequest& request) {
        if (answering_) return answering_(request);
        HttpAnswer answer = answers_.front();
        if (answers_.size() > 1) answers_.pop_front();
        return answer;
    }
    bool is_empty() const { return answers_.empty() && !answering_; }

private:
    HttpRoute& fault(HttpAnswer::Fault fault) {
        answers_.back().fault = fault;
        return *this;
    }
    std::deque<HttpAnswer> answers_;
    Answering answering_;
};

/// One exchange. It stays after close, so that late use shows.
struct FakeExchange {
    FakeExchange(FakeCall& of, SentRequest& sent_request, HttpAnswer scripted)
        : call(of), request(sent_request), answer(std::move(scripted)) {}
    FakeCall& call;
    SentRequest& request;
    HttpAnswer answer;
    Arena lent;
    LentPipe ready;
    std::size_t at = 0;
    bool streamed = false;
    bool sent = false;
    bool open = true;
    bool piece_asked = false;

    /// What stands in the way of going on: a cancel stops everything but a request that makes something.
    berth_status obstacle(const char* what) {
        if (!open) {
            call.broken("T2", std::string{what} + " was called on a closed exchange");
            return BERTH_CONTRACT;
        }
        return call.stopped() && !(sent && request.uninterrupted) ? call.host_stops() : berth_status{BERTH_OK};
    }
    berth_status give_head(berth_http_head& to) {
        if (to.size < sizeof to) call.broken("V2", "head was given a head without its size");
        if (!sent) {
            call.broken("order", "head was asked for before the body was finished");
            return BERTH_CONTRACT;
        }
        if (answer.fault == HttpAnswer::Fault::no_answer)
            return call.host_fails(BERTH_UNAVAILABLE, "the connection broke before the answer", Outcome::unknown);
        to = ::berth::detail::sized<berth_http_head>();
        to.status = answer.status;
        to.headers = lent.pairs(answer.headers);
        to.retry_after_ms = ::berth::detail::number_if(answer.retry_after);
        if (answer.fault != HttpAnswer::Fault::cut) to.length = {answer.body.size(), 1};
        return BERTH_OK;
    }
    berth_status give_body(char* to, std::uint64_t most, std::uint64_t& got) {
        got = 0;
        if (answer.fault == HttpAnswer::Fault::no_answer)
            return call.host_fails(BERTH_UNAVAILABLE, "the connection broke before the answer", Outcome::unknown);
        if (at == answer.body.size())
            return answer.fault == HttpAnswer::Fault::cut
                       ? call.host_fails(BERTH_UNAVAILABLE, "the connection broke in the middle of the answer")
                       : berth_status{BERTH_END};
        got = std::min<std::uint64_t>({most, answer.body.size() - at, answer.piece == 0 ? UINT64_MAX : answer.piece});
        std::memcpy(to, answer.body.data() + at, static_cast<std::size_t>(got));
        at += static_cast<std::size_t>(got);
        piece_asked = false;
        return BERTH_OK;
    }
};

/// The service: `http.on("POST", "/v1/sandboxes").reply(201, R"({"id": "x"})")`.
class FakeHttp : public berth_http {
public:
    FakeHttp();

    /// The script for a method and a path without its query, in which `*` stands for one part. Called again, it goes on
    /// with the same script. A path that is named in full goes before others.
    HttpRoute& on(const std::string& method, const std::string& path) { return routes_[{method, path}]; }
    /// Everything the plugin sent, in order.
    std::deque<SentRequest> requests;
    /// How often `method` was sent to `path`.
    std::size_t count(std::string_view method, std::string_view path) const {
        std::size_t found = 0;
        for (const SentRequest& request : requests)
            if (request.method == method && path_of(request.url) == path) ++found;
        return found;
    }

    berth_status start(FakeCall& call, const berth_http_request& request, berth_exchange** exchange);
    /// The call is over: the host closes what is still open, and says how many there were.
    std::size_t close_all(FakeCall& call);

    static std::string_view path_of(std::string_view url) {
        const auto scheme = url.find("://");
        const auto path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
        if (path == std::string_view::npos) return "/";
        return url.substr(path, url.find_first_of("?#", path) - path);
    }

private:
    static FakeExchange& from(berth_exchange* raw) { return *reinterpret_cast<FakeExchange*>(raw); }
    HttpRoute* route_of(const std::string& method, const std::string& path) {
        const auto exact = routes_.find({method, path});
        if (exact != routes_.end()) return &exact->second;
        for (auto& [key, route] : routes_)
            if (key.first == method && is_scripted_path(key.second, path)) return &route;
        return nullptr;
    }
    std::map<std::pair<std::string, std::string>, HttpRoute> routes_;
    std::list<FakeExchange> exchanges_;
    ::berth::detail::Lock lock_;
};

inline FakeHttp::FakeHttp() : berth_http{} {
    size = sizeof(berth_http);
    write = [](berth_exchange* raw, berth_bytes bytes) noexcept -> berth_status {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "write of a request"};
        if (const berth_status status = self.obstacle("write"); status != BERTH_OK) return status;
        if (!self.streamed || self.sent) {
            self.call.broken("order", "a body was written that is not streamed, or is finished");
            return BERTH_CONTRACT;
        }
        self.request.body.append(::berth::detail::view(bytes));
        return BERTH_OK;
    };
    finish = [](berth_exchange* raw) noexcept -> berth_status {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "finish of a request"};
        if (const berth_status status = self.obstacle("finish"); status != BERTH_OK) return status;
        self.sent = true;
        return BERTH_OK;
    };
    head = [](berth_exchange* raw, berth_http_head* to) noexcept -> berth_status {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "head of an answer"};
        const berth_status status = self.obstacle("head");
        return status == BERTH_OK ? self.give_head(*to) : status;
    };
    read = [](berth_exchange* raw, void* to, std::uint64_t most, std::uint64_t* got) noexcept -> berth_status {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "read of an answer"};
        const berth_status status = self.obstacle("read");
        return status == BERTH_OK ? self.give_body(static_cast<char*>(to), most, *got) : status;
    };
    try_read = [](berth_exchange* raw, void* to, std::uint64_t most, std::uint64_t* got) noexcept -> berth_status {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "try_read of an answer"};
        if (const berth_status status = self.obstacle("try_read"); status != BERTH_OK) return status;
        if (self.answer.piece != 0 && !std::exchange(self.piece_asked, true)) return BERTH_AGAIN;
        return self.give_body(static_cast<char*>(to), most, *got);
    };
    fd = [](berth_exchange* raw) noexcept -> int {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "fd of an exchange"};
        if (!self.ready.is_open()) {
            self.ready.open();
            (void)self.ready.write("!");  // the next piece comes as soon as somebody waits for it
        }
        return self.ready.reader();
    };
    close = [](berth_exchange* raw) noexcept {
        FakeExchange& self = from(raw);
        const FakeCall::Use use{self.call, "close of an exchange"};
        if (!self.open) self.call.broken("T2", "an exchange was closed twice");
        self.open = false;
        self.lent.die();
    };
}

inline berth_status FakeHttp::start(FakeCall& call, const berth_http_request& request, berth_exchange** exchange) {
    using ::berth::detail::view;
    const ::berth::detail::Locking locking{&lock_};
    if (call.stopped()) return call.host_stops();
    const std::string method{view(request.method)};
    const std::string path{path_of(view(request.url))};
    HttpRoute* const route = route_of(method, path);
    if (route == nullptr || route->is_empty()) {
        call.broken("script", method + " " + path + " has no scripted answer");
        return call.host_fails(BERTH_UNAVAILABLE, "no answer is scripted", Outcome::none);
    }
    SentRequest asked{method,
                      std::string{view(request.url)},
                      Variables{Pairs{request.headers}},
                      std::string{view(request.body)},
                      (request.flags & BERTH_HTTP_REPEATABLE) != 0,
                      (request.flags & BERTH_HTTP_UNINTERRUPTED) != 0};
    HttpAnswer answer = route->next(asked);
    if (answer.fault == HttpAnswer::Fault::refused)
        return call.host_fails(BERTH_UNAVAILABLE, "the connection was refused", Outcome::none);
    SentRequest& sent = requests.emplace_back(std::move(asked));
    for (const Variable& header : sent.headers)
        for (const std::string& secret : call.shared().secrets)
            if (!header.secret && !secret.empty() && header.value.find(secret) != std::string::npos)
                call.broken("secret", "the header " + header.name + " holds a secret without the mark");
    FakeExchange& made = exchanges_.emplace_back(call, sent, std::move(answer));
    made.streamed = (request.flags & BERTH_HTTP_STREAMED_BODY) != 0;
    made.sent = !made.streamed;
    *exchange = reinterpret_cast<berth_exchange*>(&made);
    return BERTH_OK;
}

inline std::size_t FakeHttp::close_all(FakeCall& call) {
    const ::berth::detail::Locking locking{&lock_};
    std::size_t still_open = 0;
    for (FakeExchange& exchange : exchanges_)
        if (&exchange.call == &call && std::exchange(exchange.open, false)) {
            exchange.lent.die();
            ++still_open;
        }
    return still_open;
}

}  // namespace berth::inline sdk_v1::testing

#endif

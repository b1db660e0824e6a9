// What carries HTTP requests, as the host sees it: one transport for all providers of a host, in a module of its own, so
// that a start that asks no backend does not load libcurl. Nothing is thrown across. Knows no plugin and no library.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/duration.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// A header, beside Retry-After, that says when to come again.
struct RetryAfterHeader {
    enum class Unit { seconds, milliseconds, unix_seconds };
    std::string name;  ///< in lower case
    Unit unit = Unit::seconds;
};

/// One request, checked: whatever is in here may be sent as it is.
struct HttpRequestPlan {
    enum class Body { none, whole, streamed };
    enum class Repeat { only_if_unsent, allowed };
    enum class Cancel { cuts, waits_for_answer };

    std::string method;
    std::string url;
    HttpHeaders headers;
    Body body_kind = Body::none;
    std::string body;                          ///< of a whole one
    std::optional<std::uint64_t> body_length;  ///< of a streamed one, when known
    Repeat repeat = Repeat::only_if_unsent;    ///< a streamed body is never sent again
    Cancel cancel = Cancel::cuts;
    std::optional<Milliseconds> idle_limit;
    std::string unix_socket;
    std::string proxy;     ///< empty: none
    std::string no_proxy;  ///< hosts that are asked without it, as in the variable
    std::vector<RetryAfterHeader> retry_after;
    std::optional<std::chrono::steady_clock::time_point> end;  ///< no repetition is begun that could not end before
};

/// Status and headers of an answer; names in lower case.
struct HttpAnswerHead {
    int status = 0;
    HttpHeaders headers;
    std::optional<Milliseconds> retry_after;
    std::optional<std::uint64_t> length;
};

/// Why there is no answer, or only a part of one.
struct HttpFailure {
    enum class Kind {
        unreachable,  ///< no connection: no such name, nobody listens, too long
        insecure,     ///< whoever answered could not prove who it is
        broken,       ///< the connection ended in the middle
        idle,         ///< nothing moved for longer than the request allows
        malformed,    ///< what came is no HTTP, or more of it than anybody needs
        too_short,    ///< the plugin ended a streamed body before its length
        too_long,     ///< the plugin wrote more than it had announced
        unusable,     ///< the transport itself: certificates, proxy, memory
        cancelled     ///< by the call
    };
    enum class Sent { nothing, maybe };
    Kind kind = Kind::broken;
    Sent sent = Sent::maybe;
    std::string reason;  ///< a clause for people, without the address
    unsigned attempts = 1;
};

/// How far a function of a transfer came.
enum class HttpStep { done, end, again, given_up, failed };

/// One request under way. Everything but cancel(): one thread at a time. Destroying it closes it; the connection is kept
/// only if the answer was complete.
class HttpTransfer {
public:
    HttpTransfer() = default;
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;
    virtual ~HttpTransfer() = default;

    // Those that take a call wait; `given_up` says that the call was stopped.
    /// end: the server has answered already, or the connection is gone; ask head().
    [[nodiscard]] virtual HttpStep write(const ServiceCall& call, std::string_view bytes) noexcept = 0;
    [[nodiscard]] virtual HttpStep finish(const ServiceCall& call) noexcept = 0;
    /// done: answer() is there.
    [[nodiscard]] virtual HttpStep head(const ServiceCall& call) noexcept = 0;
    /// done with *got > 0; end only after a complete body.
    [[nodiscard]] virtual HttpStep read(const ServiceCall& call, void* buffer, std::uint64_t capacity,
                                        std::uint64_t* got) noexcept = 0;
    /// Never waits; again: poll descriptor().
    [[nodiscard]] virtual HttpStep try_read(const ServiceCall& call, void* buffer, std::uint64_t capacity,
                                            std::uint64_t* got) noexcept = 0;
    /// Readable while try_read() would not answer `again`; -1 when there is none to be had.
    [[nodiscard]] virtual int descriptor() noexcept = 0;
    /// From now on as the plan says of a cancel. Any thread; waits for nothing.
    virtual void cancel() noexcept = 0;

    [[nodiscard]] virtual const HttpAnswerHead& answer() const noexcept = 0;  ///< after head() came to `done`
    [[nodiscard]] virtual const HttpFailure& failure() const noexcept = 0;    ///< after `failed`
};

/// What every request of one host shares.
struct HttpTransportOptions {
    std::string user_agent;
    std::string certificates;  ///< file of the authorities to trust; empty: the system's
    Milliseconds connect_limit{10'000};
};

/// Keeps connections, and a thread for what nobody waits for. Any thread. Every transfer ends before it.
class HttpTransport {
public:
    HttpTransport() = default;
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;
    virtual ~HttpTransport() = default;

    /// nullptr when memory is out.
    [[nodiscard]] virtual std::unique_ptr<HttpTransfer> start(HttpRequestPlan plan) noexcept = 0;
};

/// Makes a transport. The caller owns it; nullptr when there is no memory or no thread for it.
using MakeHttpTransport = HttpTransport*(const HttpTransportOptions& options) noexcept;

/// The function of that type which the module has. The number changes with anything in this file.
inline constexpr const char* make_http_transport_symbol = "berth_make_http_transport_1";

}  // namespace berth::inline host_v1

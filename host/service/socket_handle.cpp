#include "socket_handle.hpp"

#include <new>
#include <utility>

#include "../base/text.hpp"
#include "admit.hpp"
#include "diagnostics.hpp"

using namespace berth;

namespace {

constexpr std::uint64_t longest_message = std::uint64_t{16} << 20U;

Code code_of_status(int status) noexcept {
    switch (status) {
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
        case 429:
            return Code::rate_limited;
        default:
            return status >= 500 ? Code::unavailable : Code::protocol_error;
    }
}

struct Words {
    const Diagnostic& diagnostic;
    std::string what;
    std::string hint;
};

Words words_of(const SocketFailure& failure) {
    namespace diagnostics = service_diagnostics;
    switch (failure.kind) {
        case SocketFailure::Kind::unreachable:
            return {diagnostics::backend_unreachable, "the backend cannot be reached",
                    "check the address in the provider's config, the network and the proxy"};
        case SocketFailure::Kind::insecure:
            return {diagnostics::backend_not_trusted, "the backend could not prove who it is",
                    "if its certificate comes from an authority of your own, name that one in http.ca_file"};
        case SocketFailure::Kind::refused:
            return {diagnostics::websocket_refused,
                    "the backend opens no WebSocket: it answered " + std::to_string(failure.status),
                    "check the provider's credentials and address"};
        case SocketFailure::Kind::malformed:
            return {diagnostics::malformed_answer, "what the backend sent is no WebSocket",
                    "check that the address in the provider's config is that of the backend"};
        case SocketFailure::Kind::idle:
            return {diagnostics::backend_silent, "the backend fell silent",
                    "try again; see whether the backend is in trouble"};
        case SocketFailure::Kind::unusable:
            return {diagnostics::http_unusable, "connections cannot leave this host",
                    "check http.ca_file and the proxy"};
        case SocketFailure::Kind::broken:
            break;
    }
    return {diagnostics::connection_broken, "the connection to the backend broke",
            "see whether the backend is in trouble"};
}

}  // namespace

berth_socket::berth_socket(ServiceCall& call, std::unique_ptr<SocketConnection> connection, RequestLabel label,
                           std::shared_ptr<Log> log)
    : call_(call), label_(std::move(label)), log_(std::move(log)), connection_(std::move(connection)) {}

berth_socket::~berth_socket() {
    const std::lock_guard lock(mutex_);
    connection_.reset();  // without a word, where nobody closed it
}

void berth_socket::close(int code) noexcept {
    if (is_closed_.exchange(true)) return;
    // What may not be said on a wire becomes the usual goodbye.
    std::unique_ptr<SocketConnection> closing;
    {
        const std::lock_guard lock(mutex_);
        closing = std::move(connection_);
    }
    closing->close(is_sayable(code) ? code : 1000);
}

void berth_socket::call_cancelled() noexcept {
    const std::lock_guard lock(mutex_);
    if (connection_) connection_->cancel();
}

berth_status berth_socket::misused(const char* what) noexcept {
    try {
        return call_.breach(Error(service_diagnostics::misused_service, std::string("the plugin ") + what,
                                  "report this to the author of the plugin"));
    } catch (const std::bad_alloc&) {
        return BERTH_CONTRACT;
    }
}

berth_status berth_socket::failed() noexcept {
    const auto& failure = connection_->failure();
    try {
        auto words = words_of(failure);
        ErrorFields fields;
        fields.message = label_.text + ": " + words.what;
        if (!failure.reason.empty()) fields.message += ": " + printable(failure.reason);
        fields.message = log_->secrets().mask(fields.message);
        fields.hint = std::move(words.hint);
        const bool is_before = failure.kind == SocketFailure::Kind::unreachable ||
                               failure.kind == SocketFailure::Kind::insecure ||
                               failure.kind == SocketFailure::Kind::refused;
        fields.outcome = is_before ? Outcome::none : Outcome::unknown;
        fields.retry_after = failure.retry_after;
        if (failure.status != 0) fields.upstream_code = std::to_string(failure.status);
        const auto code = failure.status != 0 ? code_of_status(failure.status) : words.diagnostic.code;
        return call_.failed(Error(words.diagnostic, code, std::move(fields)));
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    }
}

berth_status berth_socket::answer(SocketStep step) noexcept {
    switch (step) {
        case SocketStep::done:
            return BERTH_OK;
        case SocketStep::again:
            return BERTH_AGAIN;
        case SocketStep::given_up:
            return call_.cancelled();
        case SocketStep::failed:
            break;
    }
    return failed();
}

berth_status berth_socket::wait_until_open() noexcept {
    return answer(connection_->opened(call_));
}

berth_status berth_socket::send(std::uint32_t kind, berth_bytes bytes) noexcept {
    if (is_closed_.load()) return misused("sent something through a WebSocket that it had closed");
    if (kind != BERTH_SOCKET_TEXT && kind != BERTH_SOCKET_BINARY)
        return misused("sent a message through a WebSocket that is neither text nor binary");
    if (bytes.size > 0 && bytes.data == nullptr) return misused("sent bytes that are nowhere");
    if (bytes.size > longest_message) return misused("sent a message of more than 16 MiB through a WebSocket");
    const std::string_view view = bytes.size == 0 ? std::string_view{}
                                                  : std::string_view(reinterpret_cast<const char*>(bytes.data),
                                                                     static_cast<std::size_t>(bytes.size));
    const auto how = kind == BERTH_SOCKET_TEXT ? SocketMessageKind::text : SocketMessageKind::binary;
    if (how == SocketMessageKind::text && !is_utf8(view)) return misused("sent text that is no UTF-8");
    return answer(connection_->send(call_, how, view));
}

berth_status berth_socket::receive(Waiting waiting, berth_socket_message* message) noexcept {
    if (is_closed_.load()) return misused("listened to a WebSocket that it had closed");
    const auto step = waiting == Waiting::yes ? connection_->receive(call_) : connection_->try_receive(call_);
    if (step != SocketStep::done) return answer(step);
    const auto& event = connection_->event();
    berth_socket_message full{};
    full.kind = event.kind == SocketEvent::Kind::text     ? std::uint32_t{BERTH_SOCKET_TEXT}
                : event.kind == SocketEvent::Kind::binary ? std::uint32_t{BERTH_SOCKET_BINARY}
                                                          : std::uint32_t{BERTH_SOCKET_CLOSED};
    full.bytes = {reinterpret_cast<const std::uint8_t*>(event.bytes.data()), event.bytes.size()};
    full.close_code = event.kind == SocketEvent::Kind::closed ? event.close_code : 0;
    return give_back(full, message) ? BERTH_OK : misused("listened to a WebSocket without room for a message");
}

int berth_socket::descriptor() noexcept {
    return is_closed_.load() ? -1 : connection_->descriptor();
}

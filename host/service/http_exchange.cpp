#include "http_exchange.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "../base/text.hpp"
#include "admit.hpp"
#include "diagnostics.hpp"

using namespace berth;

namespace {

berth_str view_of(const std::string& text) noexcept {
    return {text.data(), text.size()};
}

struct Words {
    const Diagnostic& diagnostic;
    std::string what;
    std::string hint;
};

Words words_of(const HttpFailure& failure) {
    namespace diagnostics = service_diagnostics;
    switch (failure.kind) {
        case HttpFailure::Kind::unreachable:
            return {diagnostics::backend_unreachable, "the backend cannot be reached",
                    "check the address in the provider's config, the network and the proxy"};
        case HttpFailure::Kind::insecure:
            return {diagnostics::backend_not_trusted, "the backend could not prove who it is",
                    "if its certificate comes from an authority of your own, name that one in http.ca_file"};
        case HttpFailure::Kind::idle:
            return {diagnostics::backend_silent, "the backend fell silent",
                    "try again; see whether the backend is in trouble"};
        case HttpFailure::Kind::malformed:
            return {diagnostics::malformed_answer, "the backend's answer cannot be understood",
                    "check that the address in the provider's config is that of the backend"};
        case HttpFailure::Kind::unusable:
            return {diagnostics::http_unusable, "requests cannot leave this host", "check http.ca_file and the proxy"};
        case HttpFailure::Kind::broken:
        case HttpFailure::Kind::too_short:
        case HttpFailure::Kind::too_long:
        case HttpFailure::Kind::cancelled:
            break;
    }
    return {diagnostics::connection_broken, "the connection to the backend broke",
            "see whether the backend is in trouble; whether it did what was asked is not known"};
}

}  // namespace

berth_exchange::berth_exchange(ServiceCall& call, std::unique_ptr<HttpTransfer> transfer, HttpRequestPlan::Body body,
                               RequestLabel label, std::shared_ptr<Log> log)
    : call_(call),
      label_(std::move(label)),
      log_(std::move(log)),
      transfer_(std::move(transfer)),
      writing_(body == HttpRequestPlan::Body::streamed ? Writing::now : Writing::never) {}

berth_exchange::~berth_exchange() {
    close();
}

void berth_exchange::close() noexcept {
    if (is_closed_.exchange(true)) return;
    std::unique_ptr<HttpTransfer> closing;
    {
        const std::lock_guard lock(mutex_);
        closing = std::move(transfer_);
    }
    pairs_ = {};
    log_end();
}

void berth_exchange::call_cancelled() noexcept {
    const std::lock_guard lock(mutex_);
    if (transfer_) transfer_->cancel();
}

void berth_exchange::log_end() noexcept {
    try {
        using std::chrono::duration_cast;
        const auto took = duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun_).count();
        const auto what = has_failed_ ? std::string("failed") : status_ == 0 ? "left" : std::to_string(status_);
        log_->write(LogLevel::debug, label_.provider, label_.text + ": " + what + ", " + std::to_string(took) + " ms");
    } catch (const std::bad_alloc&) {
        return;  // a line less
    }
}

berth_status berth_exchange::misused(const char* what) noexcept {
    try {
        return call_.breach(Error(service_diagnostics::misused_service, std::string("the plugin ") + what,
                                  "report this to the author of the plugin"));
    } catch (const std::bad_alloc&) {
        return BERTH_CONTRACT;
    }
}

berth_status berth_exchange::failed() noexcept {
    const auto& failure = transfer_->failure();
    has_failed_ = true;
    switch (failure.kind) {
        case HttpFailure::Kind::cancelled:
            return call_.cancelled();
        case HttpFailure::Kind::too_short:
            return misused("ended the body of a request before the length that it had announced");
        case HttpFailure::Kind::too_long:
            return misused("wrote more of a request's body than it had announced");
        default:
            break;
    }
    try {
        auto words = words_of(failure);
        ErrorFields fields;
        fields.message = label_.text + ": " + words.what;
        if (!failure.reason.empty()) fields.message += ": " + printable(failure.reason);
        if (failure.attempts > 1) fields.message += " (" + std::to_string(failure.attempts) + " attempts)";
        fields.message = log_->secrets().mask(fields.message);
        fields.hint = std::move(words.hint);
        const bool is_unsent = failure.sent == HttpFailure::Sent::nothing;
        if (is_unsent && failure.kind == HttpFailure::Kind::broken) fields.hint = "try again: nothing was sent";
        fields.outcome = is_unsent ? Outcome::none : Outcome::unknown;
        return call_.failed(Error(words.diagnostic, std::move(fields)));
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    }
}

berth_status berth_exchange::answer(HttpStep step) noexcept {
    switch (step) {
        case HttpStep::done:
            return BERTH_OK;
        case HttpStep::end:
            return BERTH_END;
        case HttpStep::again:
            return BERTH_AGAIN;
        case HttpStep::given_up:
            has_failed_ = true;
            return call_.cancelled();
        case HttpStep::failed:
            break;
    }
    return failed();
}

berth_status berth_exchange::write(berth_bytes bytes) noexcept {
    if (is_closed_.load()) return misused("wrote to a request that it had closed");
    if (writing_ == Writing::never) return misused("wrote to a request without a streamed body");
    if (writing_ == Writing::ended) return misused("wrote to a request after it had ended its body");
    if (bytes.size > 0 && bytes.data == nullptr) return misused("wrote bytes that are nowhere");
    return answer(
        transfer_->write(call_, {reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.size)}));
}

berth_status berth_exchange::finish() noexcept {
    if (is_closed_.load()) return misused("ended a request that it had closed");
    if (writing_ == Writing::never) return misused("ended the body of a request without a streamed body");
    writing_ = Writing::ended;
    return answer(transfer_->finish(call_));
}

berth_status berth_exchange::head(berth_http_head* head) noexcept {
    if (is_closed_.load()) return misused("asked for the head of a request that it had closed");
    const auto step = transfer_->head(call_);
    if (step != HttpStep::done) return answer(step);
    const auto& from = transfer_->answer();
    status_ = from.status;
    try {
        pairs_.clear();
        for (const auto& [name, value] : from.headers)
            pairs_.push_back({view_of(name), view_of(value), 0});
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    }
    berth_http_head full{};
    full.status = from.status;
    full.headers = {pairs_.data(), pairs_.size()};
    if (from.retry_after) full.retry_after_ms = {from.retry_after->count(), 1};
    if (from.length) full.length = {*from.length, 1};
    return give_back(full, head) ? BERTH_OK : misused("asked for a head without room for it");
}

berth_status berth_exchange::read(Waiting waiting, void* buffer, std::uint64_t capacity, std::uint64_t* got) noexcept {
    if (is_closed_.load()) return misused("read from a request that it had closed");
    if (buffer == nullptr || capacity == 0 || got == nullptr) return misused("read an answer without room for it");
    *got = 0;
    return answer(waiting == Waiting::yes ? transfer_->read(call_, buffer, capacity, got)
                                          : transfer_->try_read(call_, buffer, capacity, got));
}

int berth_exchange::descriptor() noexcept {
    return is_closed_.load() ? -1 : transfer_->descriptor();
}

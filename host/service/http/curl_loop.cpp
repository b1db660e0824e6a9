#include "curl_loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <new>
#include <utility>

namespace berth::inline host_v1 {

namespace {

constexpr long most_kept_connections = 256;
/// To one backend: what goes beyond waits its turn, which is kinder than to be refused.
constexpr long most_connections_to_one = 256;
constexpr int longest_sleep_ms = 60'000;

}  // namespace

CurlLoop::CurlLoop(HttpTransportOptions options)
    : options_(std::move(options)), shared_(::curl_share_init()), multi_(::curl_multi_init()) {
    if (!shared_ || !multi_) throw std::bad_alloc();
    // TLS sessions are resumed on new connections. Only the thread touches them: no locks.
    (void)::curl_share_setopt(shared_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)::curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, most_kept_connections);
    (void)::curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, most_connections_to_one);
    // The thread answers no signal of the program it lives in.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CurlLoop::~CurlLoop() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        (void)::curl_multi_wakeup(multi_.get());  // with the lock: the thread frees it
    }
    thread_.join();
}

void CurlLoop::look_at(std::shared_ptr<Channel> channel) {
    {
        const std::lock_guard lock(mutex_);
        orders_.push_back(std::move(channel));
        if (orders_.size() > 1) return;  // the thread has been woken for the one before
    }
    (void)::curl_multi_wakeup(multi_.get());
}

void CurlLoop::run() noexcept {
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (ending_) break;
        }
        try {
            take_orders();
            watch_time();
            int running = 0;
            (void)::curl_multi_perform(multi_.get(), &running);
            finish_what_is_done();
        } catch (const std::bad_alloc&) {
            fail_all();
        }
        tell_touched();
        (void)::curl_multi_poll(multi_.get(), nullptr, 0, patience(), nullptr);
    }
    fail_all();
    // Here, where every signal is blocked: connections say goodbye, and what they write to may be gone. Before what they
    // share.
    multi_.reset();
}

/// Everything that came in this round, to each who waits for it, at once.
void CurlLoop::tell_touched() noexcept {
    for (auto* const channel : touched_)
        if (const auto found = requests_.find(channel); found != requests_.end()) found->second.channel->tell();
    touched_.clear();
}

void CurlLoop::take_orders() {
    std::vector<std::shared_ptr<Channel>> orders;
    {
        const std::lock_guard lock(mutex_);
        orders.swap(orders_);
    }
    for (auto& channel : orders) {
        const auto known = requests_.find(channel.get());
        if (known != requests_.end()) {
            look(known->second);
            continue;
        }
        if (channel->take_wishes().cut || channel->has_ended()) continue;
        auto* const key = channel.get();
        auto url = channel->plan().url;
        Request request{channel, {1, 0, std::move(url), false}};
        try {
            begin(requests_.emplace(key, std::move(request)).first->second);
        } catch (const std::bad_alloc&) {  // of this one; those behind it have their own chance
            requests_.erase(key);
            channel->failed({HttpFailure::Kind::unusable, HttpFailure::Sent::nothing, {}, 1});
        }
    }
}

void CurlLoop::look(Request& request) {
    const auto wishes = request.channel->take_wishes();
    // Between two attempts there is no answer to wait for.
    if (wishes.cut || (!request.attempt && request.channel->is_cancelled())) {
        cancel(request);
    } else if (request.attempt && (wishes.send || wishes.receive)) {
        request.attempt->resume();
    }
}

void CurlLoop::cancel(Request& request) {
    const bool is_sent =
        request.attempt ? request.attempt->sent() == HttpFailure::Sent::maybe : request.next.sent_before;
    const auto sent = is_sent ? HttpFailure::Sent::maybe : HttpFailure::Sent::nothing;
    request.channel->failed({HttpFailure::Kind::cancelled, sent, {}, request.next.number});
    forget(request);
}

void CurlLoop::begin(Request& request) {
    // A new handle for each: the library's own reset leaves traces of what a handle did before.
    request.attempt = std::make_unique<CurlAttempt>(*request.channel, request.next, options_, shared_.get(), touched_);
    if (::curl_multi_add_handle(multi_.get(), request.attempt->easy()) != CURLM_OK) {
        request.attempt.reset();
        throw std::bad_alloc();
    }
}

/// Ends the attempt that is at work; its connection is kept if the answer was read to its end.
void CurlLoop::stop(Request& request) {
    if (!request.attempt) return;
    (void)::curl_multi_remove_handle(multi_.get(), request.attempt->easy());
    request.attempt.reset();
}

void CurlLoop::forget(Request& request) {
    stop(request);
    requests_.erase(request.channel.get());
}

void CurlLoop::finish_what_is_done() {
    int left = 0;
    while (const auto* const message = ::curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto result = message->data.result;
        void* key = nullptr;
        (void)::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &key);
        const auto found = requests_.find(static_cast<Channel*>(key));
        if (found == requests_.end() || !found->second.attempt) continue;
        settle(found->second, found->second.attempt->verdict(result));
    }
}

void CurlLoop::settle(Request& request, CurlAttempt::Verdict verdict) {
    const bool goes_on =
        std::holds_alternative<CurlAttempt::Again>(verdict) || std::holds_alternative<CurlAttempt::Elsewhere>(verdict);
    if (goes_on && request.attempt->sent() == HttpFailure::Sent::maybe) request.next.sent_before = true;
    if (goes_on && request.channel->is_cancelled()) {
        cancel(request);
    } else if (auto* again = std::get_if<CurlAttempt::Again>(&verdict)) {
        stop(request);
        ++request.next.number;
        request.due = Clock::now() + again->wait;
    } else if (auto* elsewhere = std::get_if<CurlAttempt::Elsewhere>(&verdict)) {
        stop(request);
        ++request.next.redirects;
        request.next.url = std::move(elsewhere->url);
        request.due = Clock::now();
    } else {
        // The connection is free before the plugin hears of the end: its next request finds it.
        const auto channel = request.channel;
        forget(request);
        if (auto* failure = std::get_if<HttpFailure>(&verdict)) {
            channel->failed(std::move(*failure));
        } else {
            channel->completed();
        }
    }
}

/// Begins what waited long enough, and ends what waits too long.
void CurlLoop::watch_time() {
    const auto now = Clock::now();
    std::vector<Channel*> idle;
    for (auto& [key, request] : requests_) {
        if (!request.attempt) {
            if (request.due <= now) begin(request);
        } else if (const auto at = request.attempt->idle_at(); at && *at <= now) {
            idle.push_back(key);
        }
    }
    for (auto* const key : idle) {
        auto& request = requests_.at(key);
        settle(request, request.attempt->too_idle());
    }
}

/// Milliseconds until watch_time() has something to do.
int CurlLoop::patience() const {
    std::optional<Clock::time_point> next;
    const auto consider = [&next](std::optional<Clock::time_point> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    for (const auto& [key, request] : requests_) {
        if (request.attempt) {
            consider(request.attempt->idle_at());
        } else {
            consider(request.due);
        }
    }
    if (!next) return longest_sleep_ms;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_sleep_ms));
}

/// Without memory, or at the end: nobody is left waiting.
void CurlLoop::fail_all() noexcept {
    while (!requests_.empty()) {
        auto& request = requests_.begin()->second;
        const auto channel = request.channel;
        if (request.attempt) (void)::curl_multi_remove_handle(multi_.get(), request.attempt->easy());
        requests_.erase(requests_.begin());
        channel->failed({HttpFailure::Kind::unusable, HttpFailure::Sent::maybe, {}, 1});
    }
}

}  // namespace berth::inline host_v1

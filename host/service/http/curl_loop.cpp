#include "curl_loop.hpp"

#include <pthread.h>

#include <csignal>
#include <new>
#include <system_error>
#include <utility>

#include "../../base/broken_pipe.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr long most_kept_connections = 256;
/// To one backend: what goes beyond waits its turn, which is kinder than to be refused.
constexpr long most_connections_to_one = 256;

/// Whose thread it is does not matter to a connection that says goodbye to a peer that is gone.
class QuietThread {
public:
    QuietThread() noexcept {
        sigset_t now;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
        if (::sigismember(&now, SIGPIPE) == 0) quiet_.emplace();
    }

private:
    std::optional<BrokenPipeIsNoSignal> quiet_;
};

}  // namespace

CurlLoop::CurlLoop(HttpTransportOptions options)
    : options_(std::move(options)), shared_(::curl_share_init()), multi_(::curl_multi_init()), sockets_(multi_.get()) {
    if (!shared_ || !multi_) throw std::bad_alloc();
    // TLS sessions are resumed on new connections. Only who works touches them: no locks.
    (void)::curl_share_setopt(shared_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    (void)::curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, most_kept_connections);
    (void)::curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, most_connections_to_one);
}

CurlLoop::~CurlLoop() {
    lead_.end();
    sockets_.wake();
    if (thread_.joinable()) thread_.join();
    const QuietThread quiet;
    const std::lock_guard lock(work_);
    fail_all();
    multi_.reset();  // before what connections share
}

// --- who moves -------------------------------------------------------------------------------------------------------

bool CurlLoop::take_lead(Channel& channel) {
    if (!lead_.take(channel)) return false;
    sockets_.lie_down();
    return true;
}

void CurlLoop::leave(Channel& channel) noexcept {
    lead_.leave(channel);
    attend(Lead::Need::soon);
}

void CurlLoop::attend(Lead::Need need) noexcept {
    if (lead_.attend(need) == Lead::Answer::done) return;
    start_thread();
    (void)lead_.attend(need);
}

void CurlLoop::start_thread() noexcept {
    std::call_once(thread_once_, [this] {
        // It answers no signal of the program it lives in.
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread([this] { run(); });
            lead_.thread_starts();
        } catch (const std::system_error&) {
            const std::lock_guard lock(work_);
            fail_all();
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    });
}

void CurlLoop::run() noexcept {
    while (lead_.take_when_needed()) {
        do {
            sockets_.lie_down();
            move(std::nullopt);
        } while (lead_.keep());
    }
}

void CurlLoop::move(std::optional<Clock::time_point> until) noexcept {
    if (has_orders_.load()) sockets_.get_up();
    const auto ready = has_orders_.load() ? sockets_.glance() : sockets_.sleep(until);
    {
        const std::lock_guard lock(work_);
        work(ready);
    }
    serve_orders();
}

bool CurlLoop::glance() noexcept {
    if (!lead_.is_free()) return false;
    {
        const std::unique_lock lock(work_, std::try_to_lock);
        if (!lock) return false;
        const auto ready = sockets_.glance();
        if (ready.count <= 0) return false;
        work(ready);
    }
    serve_orders();
    return true;
}

// --- what there is to do ---------------------------------------------------------------------------------------------

void CurlLoop::place(std::shared_ptr<Channel> channel) {
    const std::lock_guard lock(orders_mutex_);
    orders_.push_back(std::move(channel));
    has_orders_.store(true);
}

void CurlLoop::look_at(std::shared_ptr<Channel> channel) {
    place(std::move(channel));
    serve_orders();
    attend(Lead::Need::soon);
}

void CurlLoop::leave_word(std::shared_ptr<Channel> channel) {
    place(std::move(channel));
    sockets_.wake();
    attend(Lead::Need::now);
}

/// Who is at work looks for new orders when it has stopped: whoever brings one waits for nobody.
void CurlLoop::serve_orders() noexcept {
    while (has_orders_.load()) {
        const std::unique_lock lock(work_, std::try_to_lock);
        if (!lock) return;
        work({});
    }
}

void CurlLoop::work(const CurlSockets::Ready& ready) noexcept {
    const QuietThread quiet;
    try {
        take_orders();
        sockets_.act(ready);
        do {
            finish_what_is_done();
            watch_time();
        } while (sockets_.act_if_due());
        finish_what_is_done();
    } catch (const std::bad_alloc&) {
        fail_all();
    }
    tell_touched();
    lead_.set_open(requests_.size());
    sockets_.plan(notes_.look_at);
}

/// Everything that came in this round, to each who waits for it, at once.
void CurlLoop::tell_touched() noexcept {
    for (auto* const channel : notes_.touched)
        if (const auto found = requests_.find(channel); found != requests_.end()) found->second.channel->tell();
    notes_.touched.clear();
}

void CurlLoop::take_orders() {
    std::vector<std::shared_ptr<Channel>> orders;
    {
        const std::lock_guard lock(orders_mutex_);
        orders.swap(orders_);
        has_orders_.store(false);
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
    request.attempt = std::make_unique<CurlAttempt>(*request.channel, request.next, options_, shared_.get(), notes_);
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
        notes_.expect(request.due);
    } else if (auto* elsewhere = std::get_if<CurlAttempt::Elsewhere>(&verdict)) {
        stop(request);
        ++request.next.redirects;
        request.next.url = std::move(elsewhere->url);
        request.due = Clock::now();
        notes_.expect(request.due);
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
    if (now < notes_.look_at) return;
    notes_.look_at = Clock::time_point::max();
    std::vector<Channel*> idle;
    for (auto& [key, request] : requests_) {
        if (!request.attempt) {
            if (request.due <= now)
                begin(request);
            else
                notes_.expect(request.due);
        } else if (const auto at = request.attempt->idle_at()) {
            if (*at <= now)
                idle.push_back(key);
            else
                notes_.expect(*at);
        }
    }
    for (auto* const key : idle) {
        auto& request = requests_.at(key);
        settle(request, request.attempt->too_idle());
    }
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

#include "curl_attempt.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <random>
#include <utility>

#include "addresses.hpp"
#include "curl_failure.hpp"
#include "repeat_rule.hpp"
#include "retry_after.hpp"

namespace berth::inline host_v1 {

namespace {

/// What is read of an answer nobody wants, so that its connection can be used again.
constexpr std::size_t most_thrown_away = std::size_t{64} << 10U;
constexpr std::chrono::seconds longest_throwing_away{1};
constexpr unsigned most_redirects = 5;
constexpr long buffer_size = 128L << 10U;
/// A connection that lay idle for longer may have been closed by its server just now, and what is sent into it is then
/// lost in a way that nobody can tell from a request that was served.
constexpr long idle_connection_seconds = 20;

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool only_reads(const std::string& method) noexcept {
    return method == "GET" || method == "HEAD";
}

}  // namespace

double new_chance() {
    static thread_local std::minstd_rand generator{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(generator);
}

/// The C functions, which must not throw: what they cannot do ends the transfer.
struct CurlAttempt::Callbacks {
    static CurlAttempt& of(void* self) noexcept { return *static_cast<CurlAttempt*>(self); }

    /// No program that the process starts may hold a connection, which carries secrets and keeps the server waiting.
    static curl_socket_t open_socket(void* /*self*/, curlsocktype /*what_for*/, curl_sockaddr* address) noexcept {
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    }
    static int may_leave(void* self, char* /*remote*/, char* /*local*/, int /*remote_port*/,
                         int /*local_port*/) noexcept {
        return of(self).may_leave() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }
    static std::size_t outgoing(char* buffer, std::size_t size, std::size_t count, void* self) noexcept {
        return of(self).outgoing(buffer, size * count);
    }
    static std::size_t line(char* text, std::size_t size, std::size_t count, void* self) noexcept {
        try {
            return of(self).line({text, size * count});
        } catch (const std::bad_alloc&) {
            return 0;
        }
    }
    static std::size_t body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
        try {
            return of(self).body({bytes, size * count});
        } catch (const std::bad_alloc&) {
            return 0;
        }
    }
    static int progress(void* self, curl_off_t /*to_get*/, curl_off_t /*got*/, curl_off_t /*to_send*/,
                        curl_off_t sent) noexcept {
        auto& attempt = of(self);
        if (sent != attempt.uploaded_) attempt.moved();
        attempt.uploaded_ = sent;
        return 0;
    }
};

CurlAttempt::CurlAttempt(Channel& channel, Turn turn, const HttpTransportOptions& options, CURLSH* shared, Notes& notes)
    : channel_(channel), plan_(channel.plan()), notes_(notes), turn_(std::move(turn)), easy_(::curl_easy_init()) {
    if (!easy_) throw std::bad_alloc();
    configure(options, shared);
    configure_body();
    configure_headers(options);
}

template <typename Value>
void CurlAttempt::set(CURLoption option, Value value) {
    // The options and their values are constants or checked before: what can fail is memory.
    if (::curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) throw std::bad_alloc();
}

void CurlAttempt::configure(const HttpTransportOptions& options, CURLSH* shared) {
    set(CURLOPT_PRIVATE, static_cast<void*>(&channel_));
    set(CURLOPT_SHARE, shared);
    set(CURLOPT_URL, turn_.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);  // what was checked is what is asked for
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_PIPEWAIT, turn_.url.starts_with("https:") ? 1L : 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // giving up while a name is being looked up waits for nobody
    set(CURLOPT_ERRORBUFFER, words_.data());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_limit.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, 30L);
    set(CURLOPT_TCP_KEEPINTVL, 10L);
    set(CURLOPT_BUFFERSIZE, buffer_size);
    set(CURLOPT_UPLOAD_BUFFERSIZE, buffer_size);
    set(CURLOPT_MAXAGE_CONN, idle_connection_seconds);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.certificates.empty()) {
        set(CURLOPT_CAINFO, options.certificates.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    // Never what the process's own environment says: the host has chosen already.
    set(CURLOPT_PROXY, plan_.proxy.c_str());
    set(CURLOPT_NOPROXY, plan_.no_proxy.c_str());
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!plan_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, plan_.unix_socket.c_str());
    set(CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
    set(CURLOPT_CLOSESOCKETFUNCTION, &CurlSockets::close_socket);
    set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&notes_.sockets));
    set(CURLOPT_PREREQFUNCTION, &Callbacks::may_leave);
    set(CURLOPT_PREREQDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Callbacks::line);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Callbacks::body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    if (plan_.idle_limit) {
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, &Callbacks::progress);
        set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
    }
}

void CurlAttempt::configure_body() {
    using Body = HttpRequestPlan::Body;
    if (plan_.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
        return;
    }
    const bool expects_one = plan_.method == "POST" || plan_.method == "PUT" || plan_.method == "PATCH";
    if (plan_.body_kind == Body::none && !expects_one) {
        set(CURLOPT_HTTPGET, 1L);
    } else {
        set(CURLOPT_POST, 1L);
        if (plan_.body_kind == Body::streamed) {
            set(CURLOPT_READFUNCTION, &Callbacks::outgoing);
            set(CURLOPT_READDATA, static_cast<void*>(this));
            const auto length = plan_.body_length ? static_cast<curl_off_t>(*plan_.body_length) : curl_off_t{-1};
            set(CURLOPT_POSTFIELDSIZE_LARGE, length);
            if (!plan_.body_length) add_header("Transfer-Encoding: chunked");
        } else {
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(plan_.body.size()));
            set(CURLOPT_POSTFIELDS, plan_.body.c_str());
        }
    }
    set(CURLOPT_CUSTOMREQUEST, plan_.method.c_str());
}

void CurlAttempt::add_header(const std::string& line) {
    auto* const longer = ::curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
}

void CurlAttempt::configure_headers(const HttpTransportOptions& options) {
    bool has_type = false;
    bool has_agent = false;
    for (const auto& [name, value] : plan_.headers) {
        const auto is = [&name = name](const char* other) { return ::curl_strequal(name.c_str(), other) != 0; };
        has_type = has_type || is("content-type");
        has_agent = has_agent || is("user-agent");
        // An empty value is written with a semicolon; with a colon the library would leave the header out.
        add_header(value.empty() ? name + ";" : name + ": " + value);
    }
    if (!has_type) add_header("Content-Type:");  // a form is the library's guess
    add_header("Expect:");                       // who is refused is told so while sending, too
    if (!has_agent) set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_HTTPHEADER, headers_.get());
}

void CurlAttempt::resume() {
    waits_for_plugin_ = false;
    idles_from_now();
    (void)::curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
}

// --- sending ---------------------------------------------------------------------------------------------------------

bool CurlAttempt::sent_by_this() const {
    long bytes = 0;
    (void)::curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &bytes);
    return channel_.was_sent() && bytes > 0;
}

HttpFailure::Sent CurlAttempt::sent() const {
    return turn_.sent_before || sent_by_this() ? HttpFailure::Sent::maybe : HttpFailure::Sent::nothing;
}

/// Asked each time the library is about to send. It does so again, by itself, when a kept connection turns out to be
/// closed, and cannot know whether the request was served; what must not happen twice stops here.
bool CurlAttempt::may_leave() {
    has_connection_ = true;
    idles_from_now();
    if (sent_by_this() && !may_be_repeated()) {
        sent_twice_ = true;
        return false;
    }
    return channel_.begin_sending();
}

std::size_t CurlAttempt::outgoing(char* buffer, std::size_t room) {
    if (sent_of_it_ == sending_.size()) {
        sending_.clear();
        sent_of_it_ = 0;
        switch (channel_.take_outgoing(sending_)) {
            case Channel::Outgoing::all:
                return 0;
            case Channel::Outgoing::none_yet:
                waits_for_plugin_ = true;
                return CURL_READFUNC_PAUSE;
            case Channel::Outgoing::unwanted:
                return CURL_READFUNC_ABORT;
            case Channel::Outgoing::some:
                break;
        }
    }
    const auto length = std::min(room, sending_.size() - sent_of_it_);
    std::memcpy(buffer, sending_.data() + sent_of_it_, length);
    sent_of_it_ += length;
    moved();
    return length;
}

// --- receiving -------------------------------------------------------------------------------------------------------

std::size_t CurlAttempt::line(std::string_view text) {
    moved();
    if (lines_.state() == AnswerLines::State::complete) return text.size();  // a trailer
    const auto state = lines_.take(text);
    if (state == AnswerLines::State::malformed) return 0;
    if (state == AnswerLines::State::complete) decide();
    return text.size();
}

/// The head is whole: either the plugin gets it, or there is another attempt.
void CurlAttempt::decide() {
    auto head = lines_.head();
    head.retry_after = retry_after_of(head.headers, plan_.retry_after, std::chrono::system_clock::now());
    if (is_passing(head.status) && may_be_repeated()) {
        if (const auto wait = next_wait(head.retry_after)) {
            goes_elsewhere(Again{*wait});
            return;
        }
    }
    if (is_redirect(head.status) && turn_.redirects < most_redirects && only_reads(plan_.method)) {
        const auto location = std::find_if(head.headers.begin(), head.headers.end(),
                                           [](const auto& header) { return header.first == "location"; });
        if (location != head.headers.end()) {
            if (auto url = redirect_within_origin(turn_.url, location->second)) {
                goes_elsewhere(Elsewhere{std::move(*url)});
                return;
            }
        }
    }
    handed_over_ = true;
    channel_.answered(std::move(head));
    touched();
    // Who has answered wants no more of the body. The library would wait for the rest of one that is paused.
    if (waits_for_plugin_) resume();
}

void CurlAttempt::goes_elsewhere(std::variant<std::monostate, Again, Elsewhere> plan) {
    plan_b_ = std::move(plan);
    decided_at_ = Clock::now();
    notes_.expect(decided_at_ + longest_throwing_away);
}

std::size_t CurlAttempt::body(std::string_view bytes) {
    moved();
    if (!handed_over_) {
        thrown_away_ += bytes.size();
        return thrown_away_ > most_thrown_away ? 0 : bytes.size();
    }
    touched();
    if (channel_.offer(bytes)) return bytes.size();
    waits_for_plugin_ = true;
    return CURL_WRITEFUNC_PAUSE;
}

void CurlAttempt::touched() {
    if (notes_.touched.empty() || notes_.touched.back() != &channel_) notes_.touched.push_back(&channel_);
}

void CurlAttempt::idles_from_now() noexcept {
    moved();
    if (plan_.idle_limit) notes_.expect(moved_at_ + *plan_.idle_limit);
}

std::optional<CurlAttempt::Clock::time_point> CurlAttempt::idle_at() const noexcept {
    // The rest of an answer that nobody gets is worth a connection, and no more waiting than making a new one.
    if (has_plan_b()) return decided_at_ + longest_throwing_away;
    if (!plan_.idle_limit || waits_for_plugin_ || !has_connection_) return std::nullopt;
    return moved_at_ + *plan_.idle_limit;
}

// --- what it comes to ------------------------------------------------------------------------------------------------

bool CurlAttempt::may_be_repeated() const noexcept {
    return plan_.repeat == HttpRequestPlan::Repeat::allowed && plan_.body_kind != HttpRequestPlan::Body::streamed;
}

std::optional<Milliseconds> CurlAttempt::next_wait(std::optional<Milliseconds> retry_after) const {
    const auto wait = wait_before_next({turn_.number, retry_after, new_chance()});
    if (wait && plan_.end && Clock::now() + *wait >= *plan_.end) return std::nullopt;
    return wait;
}

/// Whether the end of the body was really its end, where the connection's end could have passed for it.
bool CurlAttempt::end_is_told() const {
    const auto status = lines_.head().status;
    if (lines_.tells_its_end() || plan_.method == "HEAD" || status == 204 || status == 304) return true;
    long version = 0;
    (void)::curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
    return version >= CURL_HTTP_VERSION_2_0;
}

CurlAttempt::Verdict CurlAttempt::verdict(CURLcode result) {
    if (auto* again = std::get_if<Again>(&plan_b_)) return *again;
    if (auto* elsewhere = std::get_if<Elsewhere>(&plan_b_)) return std::move(*elsewhere);
    if (result == CURLE_OK) {
        if (!handed_over_) return failed({HttpFailure::Kind::malformed, sent(), "its answer has no head", 1});
        if (end_is_told()) return Done{};
        return failed({HttpFailure::Kind::broken, sent(),
                       "its answer says nowhere how long it is, so that its end cannot be told from a cut", 1});
    }
    if (lines_.state() == AnswerLines::State::malformed)
        return failed({HttpFailure::Kind::malformed, sent(), lines_.problem(), 1});
    // The library has no other name for a header line of more than 100 KiB.
    if (result == CURLE_OUT_OF_MEMORY && lines_.state() == AnswerLines::State::more &&
        sent() == HttpFailure::Sent::maybe)
        return failed({HttpFailure::Kind::malformed, sent(), "a header of its answer is longer than 100 KiB", 1});
    if (sent_twice_)
        return failed({HttpFailure::Kind::broken, HttpFailure::Sent::maybe,
                       "the connection was closed while the request was on its way", 1});
    if (result == CURLE_ABORTED_BY_CALLBACK && handed_over_)
        return failed({HttpFailure::Kind::broken, sent(), "its answer came before it had taken the request", 1});
    if (result == CURLE_ABORTED_BY_CALLBACK) return HttpFailure{HttpFailure::Kind::cancelled, sent(), {}, 1};
    return failed(failure_of(result, sent(), words_.data()));
}

CurlAttempt::Verdict CurlAttempt::too_idle() {
    if (has_plan_b()) return verdict(CURLE_OPERATION_TIMEDOUT);
    return failed({HttpFailure::Kind::idle, sent(), {}, 1});
}

CurlAttempt::Verdict CurlAttempt::failed(HttpFailure failure) {
    failure.attempts = turn_.number;
    const bool is_passing_failure = failure.kind == HttpFailure::Kind::unreachable ||
                                    failure.kind == HttpFailure::Kind::broken ||
                                    failure.kind == HttpFailure::Kind::idle;
    // A streamed body that was begun is gone; one of which nothing was taken is still whole.
    const bool is_unsent = !sent_by_this() && sending_.empty();
    if (handed_over_ || !is_passing_failure || !(is_unsent || may_be_repeated())) return failure;
    const auto wait = next_wait(std::nullopt);
    if (!wait) return failure;
    if (is_unsent && !turn_.sent_before) channel_.nothing_sent();
    return Again{*wait};
}

}  // namespace berth::inline host_v1

#include "conversation.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "carrier.hpp"
#include "dialogue.hpp"
#include "handshake.hpp"

namespace berth::inline host_v1 {

namespace {

using Clock = std::chrono::steady_clock;
/// How long a peer may be silent: it is asked for a sign of life at half of it.
constexpr std::chrono::seconds longest_silence{60};
/// How long a goodbye may take, from the last byte that moved; and the words of who refuses.
constexpr std::chrono::seconds longest_goodbye{1};
/// Who takes what is left byte by byte is not waited for longer than this.
constexpr std::chrono::seconds longest_leaving{10};
/// So many "wait a little" may come before an answer.
constexpr int most_interim_answers = 8;

using Endpoint = asio::generic::stream_protocol::endpoint;
using Error = boost::system::error_code;
namespace http = beast::http;

template <typename Stream>
class Talk final : public Conversation, public std::enable_shared_from_this<Talk<Stream>> {
    static constexpr bool is_secure = std::is_same_v<Stream, SecureCarrier>;

public:
    Talk(const SocketSurroundings& surroundings, SocketPlan plan, std::shared_ptr<Mailbox> mailbox)
        : around_(surroundings),
          plan_(std::move(plan)),
          mailbox_(std::move(mailbox)),
          resolver_(surroundings.loop),
          timer_(surroundings.loop),
          stream_(make_stream(surroundings)),
          dialogue_(mailbox_, make_frame_mask) {}

    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;
    /// Where memory ran out in the middle, whoever waits must hear of it. Not heard where it had ended before.
    ~Talk() override { mailbox_->failed({SocketFailure::Kind::unusable, {}, 0, {}}); }

    void begin() override {
        asio::post(around_.loop, [self = this->shared_from_this()] { self->find(); });
    }
    void kick() override {
        asio::post(around_.loop, [self = this->shared_from_this()] { self->go_on(); });
    }
    void cut() override {
        asio::post(around_.loop, [self = this->shared_from_this()] { self->drop(); });
    }

private:
    static Stream make_stream(const SocketSurroundings& surroundings) {
        if constexpr (is_secure) {
            return Stream(surroundings.loop, surroundings.security);
        } else {
            return Stream(surroundings.loop);
        }
    }

    [[nodiscard]] Carrier& carrier() {
        if constexpr (is_secure) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }

    /// A handler that keeps this alive and is not run once the connection was dropped.
    template <typename Function>
    [[nodiscard]] auto then(Function function) {
        return [self = this->shared_from_this(), function](auto... arguments) {
            if (!self->dropped_) (self.get()->*function)(arguments...);
        };
    }

    /// One alarm at a time: a new one is in place of the last.
    void wake_after(Clock::duration time, void (Talk::*function)()) {
        timer_.expires_after(time);
        timer_.async_wait([self = this->shared_from_this(), function](const Error& error) {
            const bool is_last = !error && self->timer_.expiry() <= Clock::now();
            if (is_last && !self->dropped_) (self.get()->*function)();
        });
    }

    void fail(SocketFailure::Kind kind, std::string reason) {
        mailbox_->failed({kind, std::move(reason), 0, {}});
        drop();
    }
    void fail(SocketFailure::Kind kind, const Error& error) { fail(kind, error.message()); }

    void drop() {
        dropped_ = true;
        resolver_.cancel();
        timer_.cancel();
        Error ignored;
        carrier().close(ignored);
    }

    // --- to the server ---

    void find() {
        if (dropped_) return;
        wake_after(around_.options.connect_limit, &Talk::took_too_long);
        if (!plan_.unix_socket.empty()) {
            endpoints_.emplace_back(asio::local::stream_protocol::endpoint(plan_.unix_socket));
            connect();
            return;
        }
        const auto& host = plan_.proxy ? plan_.proxy->host : plan_.host;
        const auto& port = plan_.proxy ? plan_.proxy->port : plan_.port;
        resolver_.async_resolve(host, port, then(&Talk::found));
    }

    void took_too_long() { fail(SocketFailure::Kind::unreachable, "it took too long"); }

    void found(Error error, asio::ip::tcp::resolver::results_type results) {
        if (error) return fail(SocketFailure::Kind::unreachable, error);
        for (const auto& result : results)
            endpoints_.emplace_back(result.endpoint());
        connect();
    }

    void connect() {
        if (next_ == endpoints_.size()) return fail(SocketFailure::Kind::unreachable, "there is no address for it");
        const auto& endpoint = endpoints_[next_++];
        if (const auto error = make_socket(carrier(), endpoint)) return connected(error);
        carrier().async_connect(endpoint, then(&Talk::connected));
    }

    void connected(Error error) {
        if (error && next_ < endpoints_.size()) {
            Error ignored;
            carrier().close(ignored);
            return connect();
        }
        if (error) return fail(SocketFailure::Kind::unreachable, error);
        if (plan_.unix_socket.empty()) carrier().set_option(asio::ip::tcp::no_delay(true), error);
        if (plan_.proxy) return ask_proxy();
        secure();
    }

    void ask_proxy() {
        asking_ = proxy_request_of(plan_, around_.options.user_agent);
        http::async_write(carrier(), asking_, then(&Talk::proxy_asked));
    }

    void proxy_asked(Error error, std::size_t /*bytes*/) {
        if (error) return fail(SocketFailure::Kind::unreachable, "the proxy went away");
        answering_.skip(true);
        answering_.header_limit(longest_answer_head);
        http::async_read_header(carrier(), buffer_, answering_, then(&Talk::proxy_answered));
    }

    void proxy_answered(Error error, std::size_t /*bytes*/) {
        if (error) return fail(SocketFailure::Kind::unreachable, "the proxy gave no answer");
        const auto status = answering_.get().result_int();
        if (status / 100 != 2)
            return fail(SocketFailure::Kind::unreachable, "the proxy answered " + std::to_string(status));
        if (buffer_.size() > 0) return fail(SocketFailure::Kind::malformed, "the proxy spoke in the server's place");
        secure();
    }

    void secure() {
        if constexpr (is_secure) {
            if (!expect_name(stream_, plan_.host))
                return fail(SocketFailure::Kind::unusable, "its name cannot be asked for");
            stream_.async_handshake(asio::ssl::stream_base::client, then(&Talk::secured));
        } else {
            ask();
        }
    }

    void secured(Error error) {
        if constexpr (is_secure) {
            if (!error) return ask();
            const auto verified = SSL_get_verify_result(stream_.native_handle());
            // A wrong name is told by our own callback alone, which gives no reason.
            if (verified == X509_V_ERR_UNSPECIFIED)
                return fail(SocketFailure::Kind::insecure, "its certificate is not for that name");
            if (verified != X509_V_OK)
                return fail(SocketFailure::Kind::insecure, X509_verify_cert_error_string(verified));
            fail(SocketFailure::Kind::unreachable, error);
        }
    }

    void ask() {
        key_ = make_socket_key();
        asking_ = request_of(plan_, around_.options.user_agent, key_);
        http::async_write(stream_, asking_, then(&Talk::asked));
    }

    void asked(Error error, std::size_t /*bytes*/) {
        if (error) return fail(SocketFailure::Kind::unreachable, "the connection ended while it was opened");
        hear_answer();
    }

    void hear_answer() {
        answer_.emplace();
        answer_->header_limit(longest_answer_head);
        answer_->body_limit(std::numeric_limits<std::uint64_t>::max());  // no more is read than there is room for
        http::async_read_header(stream_, buffer_, *answer_, then(&Talk::answered));
    }

    void answered(Error error, std::size_t /*bytes*/) {
        const bool is_http = error && error.category() == http::make_error_code(http::error::end_of_stream).category();
        if (is_http && error != http::error::end_of_stream && error != http::error::partial_message)
            return fail(SocketFailure::Kind::malformed, error);
        if (error) return fail(SocketFailure::Kind::unreachable, "the connection ended while it was opened");
        const auto status = answer_->get().result_int();
        if (status / 100 == 1 && status != 101 && ++interim_answers_ <= most_interim_answers) return hear_answer();
        if (status != 101) return hear_refusal();
        if (auto objection = objection_to(*answer_, key_))
            return fail(SocketFailure::Kind::malformed, std::move(*objection));
        open();
    }

    /// The server has another answer than a connection, and its body may say why.
    void hear_refusal() {
        wake_after(longest_goodbye, &Talk::refused);
        auto& body = answer_->get().body();
        body.data = refusal_.data();
        body.size = refusal_.size();
        http::async_read(stream_, buffer_, *answer_, then(&Talk::refusal_heard));
    }
    void refusal_heard(Error /*error*/, std::size_t /*bytes*/) { refused(); }
    void refused() {
        const auto used = refusal_.size() - answer_->get().body().size;
        mailbox_->failed(refusal_of(*answer_, {refusal_.data(), used}));
        drop();
    }

    // --- open ---

    void open() {
        is_open_ = true;
        mailbox_->is_open();
        heard_at_ = Clock::now();
        watch();
        auto hearing = Dialogue::Hearing::on;
        while (buffer_.size() > 0 && hearing != Dialogue::Hearing::over) {  // what came with the answer
            const auto room = dialogue_.room();
            const auto size = asio::buffer_copy(asio::buffer(room.data(), room.size()), buffer_.data());
            buffer_.consume(size);
            hearing = dialogue_.arrived(size);
        }
        heard(hearing);
    }

    void read() {
        is_reading_ = true;
        const auto room = dialogue_.room();
        stream_.async_read_some(asio::buffer(room.data(), room.size()), then(&Talk::received));
    }

    void received(Error error, std::size_t bytes) {
        is_reading_ = false;
        if (error) {
            mailbox_->ended(1006);  // unless it said so itself
            return drop();
        }
        heard_at_ = Clock::now();
        has_asked_ = false;
        if (is_over_) return read();  // until it has closed, too: else what we said last might be lost
        heard(dialogue_.arrived(bytes));
    }

    void heard(Dialogue::Hearing hearing) {
        is_over_ = hearing == Dialogue::Hearing::over;
        if (is_over_) wake_after(longest_goodbye, &Talk::drop);
        if (is_over_ || hearing == Dialogue::Hearing::on) read();
        go_on();
    }

    void go_on() {
        if (dropped_) return;
        const auto goodbye = mailbox_->goodbye();
        if (!is_open_) {
            if (goodbye) drop();
            return;
        }
        if (goodbye && !is_leaving_) {
            is_leaving_ = true;
            leave_by_ = Clock::now() + longest_leaving;
            wake_after(longest_goodbye, &Talk::drop);
        }
        if (!is_reading_ && mailbox_->may_read_on()) read();
        if (!is_writing_) write();
    }

    void write() {
        leaving_bytes_ = dialogue_.next_bytes();
        if (!leaving_bytes_.empty()) return write_some();
        if (!is_over_ || !dialogue_.has_said_goodbye()) return;
        Error ignored;
        carrier().shutdown(asio::socket_base::shutdown_send, ignored);
    }

    void write_some() {
        is_writing_ = true;
        stream_.async_write_some(asio::buffer(leaving_bytes_.data(), leaving_bytes_.size()), then(&Talk::wrote));
    }

    void wrote(Error error, std::size_t bytes) {
        is_writing_ = false;
        // What is wrong with the connection is told by reading, which also hears a reason.
        if (error) return;
        if (is_leaving_ && !is_over_ && Clock::now() < leave_by_) wake_after(longest_goodbye, &Talk::drop);
        leaving_bytes_.remove_prefix(bytes);
        if (!leaving_bytes_.empty()) return write_some();
        write();
    }

    /// Silence is the peer's only while somebody listens.
    void watch() {
        const auto now = Clock::now();
        if (!is_reading_) heard_at_ = now;
        const Clock::duration limit = plan_.idle_limit ? Clock::duration(*plan_.idle_limit) : longest_silence;
        const auto silence = now - heard_at_;
        if (silence >= limit) {
            if (plan_.idle_limit) return fail(SocketFailure::Kind::idle, std::string());
            mailbox_->ended(1006);
            return drop();
        }
        if (silence >= limit / 2 && !std::exchange(has_asked_, true)) {
            dialogue_.ping();
            go_on();
            if (dropped_ || is_leaving_) return;
        }
        wake_after((has_asked_ ? limit : limit / 2) - silence, &Talk::watch);
    }

    const SocketSurroundings around_;
    const SocketPlan plan_;
    const std::shared_ptr<Mailbox> mailbox_;
    asio::ip::tcp::resolver resolver_;
    asio::steady_timer timer_;
    Stream stream_;
    std::vector<Endpoint> endpoints_;
    std::size_t next_ = 0;
    http::request<http::empty_body> asking_;
    http::response_parser<http::empty_body> answering_;  // the proxy's
    std::string key_;
    std::optional<SocketAnswer> answer_;
    int interim_answers_ = 0;
    std::array<char, longest_refusal> refusal_{};
    beast::flat_buffer buffer_;

    Dialogue dialogue_;
    std::string_view leaving_bytes_;
    Clock::time_point heard_at_;
    Clock::time_point leave_by_;
    bool has_asked_ = false;
    bool is_open_ = false;
    bool is_reading_ = false;
    bool is_writing_ = false;
    bool is_leaving_ = false;  // our side has had enough
    bool is_over_ = false;     // the peer's side has
    bool dropped_ = false;
};

}  // namespace

std::shared_ptr<Conversation> make_conversation(const SocketSurroundings& surroundings, SocketPlan plan,
                                                std::shared_ptr<Mailbox> mailbox) {
    if (plan.security == SocketPlan::Security::tls)
        return std::make_shared<Talk<SecureCarrier>>(surroundings, std::move(plan), std::move(mailbox));
    return std::make_shared<Talk<Carrier>>(surroundings, std::move(plan), std::move(mailbox));
}

}  // namespace berth::inline host_v1

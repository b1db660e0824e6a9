#include "conversation.hpp"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>
#include <vector>

#include "../http/retry_after.hpp"

namespace berth::inline host_v1 {

namespace {

/// A message beyond this is refused: it would be kept in memory as a whole.
constexpr std::size_t longest_message = std::size_t{16} << 20U;
constexpr std::size_t write_buffer = std::size_t{64} << 10U;
/// How long a peer may be silent: it is asked for a sign of life at half of it.
constexpr std::chrono::seconds longest_silence{60};
/// How long a goodbye may take.
constexpr std::chrono::seconds longest_goodbye{1};

using Endpoint = asio::generic::stream_protocol::endpoint;
using Error = beast::error_code;
namespace http = beast::http;

std::string base64(const std::string& bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const auto length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

/// Which of its certificates the server should show. The library's own macro is a cast of C.
bool ask_for_name(SSL* connection, const std::string& name) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is copied there
    void* const text = const_cast<char*>(name.c_str());
    return SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text) == 1;
}

template <typename Stream>
class Talk final : public Conversation, public std::enable_shared_from_this<Talk<Stream>> {
    static constexpr bool is_secure = std::is_same_v<Stream, SecureCarrier>;

public:
    Talk(const SocketSurroundings& surroundings, SocketPlan plan, std::shared_ptr<Mailbox> mailbox)
        : around_(surroundings),
          plan_(std::move(plan)),
          mailbox_(std::move(mailbox)),
          resolver_(surroundings.loop),
          socket_(make_stream(surroundings)) {}

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
    static websocket::stream<Stream> make_stream(const SocketSurroundings& surroundings) {
        if constexpr (is_secure) {
            return websocket::stream<Stream>(surroundings.loop, surroundings.security);
        } else {
            return websocket::stream<Stream>(surroundings.loop);
        }
    }

    [[nodiscard]] Carrier& carrier() { return beast::get_lowest_layer(socket_); }

    /// A handler that keeps this alive and is not run once the connection was dropped.
    template <typename Function>
    [[nodiscard]] auto then(Function function) {
        return [self = this->shared_from_this(), function](auto... arguments) {
            if (!self->dropped_) (self.get()->*function)(arguments...);
        };
    }

    void fail(SocketFailure::Kind kind, std::string reason) {
        mailbox_->failed({kind, std::move(reason), 0, {}});
        drop();
    }
    void fail(SocketFailure::Kind kind, const Error& error) { fail(kind, error.message()); }

    void drop() {
        dropped_ = true;
        resolver_.cancel();
        carrier().close();
    }

    // --- to the server ---

    void find() {
        if (dropped_) return;
        carrier().expires_after(around_.options.connect_limit);
        if (!plan_.unix_socket.empty()) {
            endpoints_.emplace_back(asio::local::stream_protocol::endpoint(plan_.unix_socket));
            connect();
            return;
        }
        const auto& host = plan_.proxy ? plan_.proxy->host : plan_.host;
        const auto& port = plan_.proxy ? plan_.proxy->port : plan_.port;
        resolver_.async_resolve(host, port, then(&Talk::found));
    }

    void found(Error error, asio::ip::tcp::resolver::results_type results) {
        if (error) return fail(SocketFailure::Kind::unreachable, error);
        for (const auto& result : results)
            endpoints_.emplace_back(result.endpoint());
        connect();
    }

    void connect() {
        if (next_ == endpoints_.size()) return fail(SocketFailure::Kind::unreachable, "there is no address for it");
        carrier().async_connect(endpoints_[next_++], then(&Talk::connected));
    }

    void connected(Error error) {
        if (error == beast::error::timeout) return fail(SocketFailure::Kind::unreachable, "it took too long");
        if (error && next_ < endpoints_.size()) {
            carrier().close();
            return connect();
        }
        if (error) return fail(SocketFailure::Kind::unreachable, error);
        if (plan_.unix_socket.empty()) carrier().socket().set_option(asio::ip::tcp::no_delay(true), error);
        if (plan_.proxy) return ask_proxy();
        secure();
    }

    void ask_proxy() {
        const auto target = plan_.host.find(':') == std::string::npos ? plan_.host + ":" + plan_.port
                                                                      : "[" + plan_.host + "]:" + plan_.port;
        asking_ = {http::verb::connect, target, 11};
        asking_.set(http::field::host, target);
        asking_.set(http::field::user_agent, around_.options.user_agent);
        if (!plan_.proxy->credentials.empty())
            asking_.set(http::field::proxy_authorization, "Basic " + base64(plan_.proxy->credentials));
        http::async_write(carrier(), asking_, then(&Talk::proxy_asked));
    }

    void proxy_asked(Error error, std::size_t /*bytes*/) {
        if (error) return fail(SocketFailure::Kind::unreachable, "the proxy went away");
        answering_.skip(true);
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
            auto& stream = socket_.next_layer();
            Error error;
            asio::ip::make_address(plan_.host, error);
            // An address has no name to ask for.
            if (error && !ask_for_name(stream.native_handle(), plan_.host))
                return fail(SocketFailure::Kind::unusable, "its name cannot be asked for");
            stream.set_verify_callback(asio::ssl::host_name_verification(plan_.host));
            stream.async_handshake(asio::ssl::stream_base::client, then(&Talk::secured));
        } else {
            shake_hands();
        }
    }

    void secured(Error error) {
        if constexpr (is_secure) {
            if (!error) return shake_hands();
            const auto verified = SSL_get_verify_result(socket_.next_layer().native_handle());
            if (verified != X509_V_OK)
                return fail(SocketFailure::Kind::insecure, X509_verify_cert_error_string(verified));
            // A wrong name is told by our own callback alone.
            const bool is_name = std::string(error.message()).find("certificate verify failed") != std::string::npos;
            fail(is_name ? SocketFailure::Kind::insecure : SocketFailure::Kind::unreachable, error);
        }
    }

    void shake_hands() {
        socket_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
            request.set(http::field::user_agent, around_.options.user_agent);
            for (const auto& [name, value] : plan_.headers)
                request.set(name, value);
        }));
        socket_.read_message_max(longest_message);
        socket_.auto_fragment(false);  // a message is a frame
        socket_.write_buffer_bytes(write_buffer);
        socket_.async_handshake(answer_, plan_.host_field, plan_.target, then(&Talk::shaken));
    }

    void shaken(Error error) {
        if (error == websocket::error::upgrade_declined) return refused();
        if (error == beast::error::timeout) return fail(SocketFailure::Kind::unreachable, "it took too long");
        const bool has_gone =
            error && (error == http::error::end_of_stream || error.category() == asio::error::get_system_category());
        if (has_gone) return fail(SocketFailure::Kind::unreachable, "the connection ended while it was opened");
        if (error) return fail(SocketFailure::Kind::malformed, error);
        carrier().expires_never();
        websocket::stream_base::timeout limits{longest_goodbye, plan_.idle_limit.value_or(longest_silence), true};
        socket_.set_option(limits);
        // The end is told when the peer says it, not when it has also closed the connection, which it may forget.
        socket_.control_callback([this](websocket::frame_type kind, beast::string_view /*payload*/) {
            if (kind == websocket::frame_type::close) tell_close();
        });
        is_open_ = true;
        mailbox_->is_open();
        receive();
        go_on();
    }

    /// The server has another answer than a connection.
    void refused() {
        SocketFailure failure;
        failure.kind = SocketFailure::Kind::refused;
        failure.status = static_cast<int>(answer_.result_int());
        HttpHeaders headers;
        for (const auto& field : answer_) {
            if (field.name() == http::field::retry_after)
                headers.emplace_back("retry-after", std::string(field.value()));
        }
        failure.retry_after = retry_after_of(headers, {}, std::chrono::system_clock::now());
        mailbox_->failed(std::move(failure));
        drop();
    }

    // --- open ---

    void receive() {
        buffer_.clear();
        socket_.async_read(buffer_, then(&Talk::received));
    }

    void received(Error error, std::size_t /*bytes*/) {
        if (error) return received_end(error);
        SocketEvent event;
        event.kind = socket_.got_text() ? SocketEvent::Kind::text : SocketEvent::Kind::binary;
        const auto bytes = buffer_.cdata();
        event.bytes.assign(static_cast<const char*>(bytes.data()), bytes.size());
        if (mailbox_->arrived(std::move(event))) {
            receive();
        } else {
            is_reading_ = false;
            go_on();  // there may be room again already
        }
    }

    void tell_close() {
        const auto code = static_cast<int>(socket_.reason().code);
        mailbox_->ended(code == 0 ? 1005 : code);
    }

    void received_end(const Error& error) {
        if (error == websocket::error::closed) {
            tell_close();
        } else if (error == beast::error::timeout && plan_.idle_limit) {
            return fail(SocketFailure::Kind::idle, std::string());
        } else if (error.category() == asio::error::get_system_category() || error == asio::error::eof ||
                   error == beast::error::timeout || error == asio::ssl::error::stream_truncated ||
                   error.category() == asio::error::get_ssl_category()) {
            mailbox_->ended(1006);
        } else if (error == websocket::error::message_too_big) {
            return fail(SocketFailure::Kind::malformed, "a message is larger than 16 MiB");
        } else {
            return fail(SocketFailure::Kind::malformed, error);
        }
        drop();
    }

    void go_on() {
        if (dropped_ || !is_open_) return;
        if (!is_reading_ && mailbox_->take_room()) {
            is_reading_ = true;
            receive();
        }
        if (is_writing_) return;
        if (auto letter = mailbox_->next_outgoing()) {
            is_writing_ = true;
            letter_ = std::move(*letter);
            socket_.text(letter_.kind == SocketMessageKind::text);
            socket_.async_write(asio::buffer(letter_.bytes), then(&Talk::sent));
        } else if (const auto code = mailbox_->goodbye()) {
            is_writing_ = true;
            socket_.async_close(static_cast<websocket::close_code>(*code), then(&Talk::closed));
        }
    }

    void sent(Error error, std::size_t /*bytes*/) {
        is_writing_ = false;
        // What is wrong with the connection is told by reading, which also hears a reason.
        if (!error) go_on();
    }

    void closed(Error /*error*/) { drop(); }

    const SocketSurroundings around_;
    const SocketPlan plan_;
    const std::shared_ptr<Mailbox> mailbox_;
    asio::ip::tcp::resolver resolver_;
    websocket::stream<Stream> socket_;
    std::vector<Endpoint> endpoints_;
    std::size_t next_ = 0;
    http::request<http::empty_body> asking_;
    http::response_parser<http::empty_body> answering_;
    websocket::response_type answer_;
    beast::flat_buffer buffer_;
    Mailbox::Letter letter_;
    bool is_open_ = false;
    bool is_reading_ = true;
    bool is_writing_ = false;
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

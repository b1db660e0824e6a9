#include "http_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
// Nothing here is run by Asio's executors, whose memory fences ThreadSanitizer does not know.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cctype>
#include <cerrno>
#include <limits>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "reason.hpp"

namespace standin {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using Failure = boost::beast::error_code;
using Tcp = asio::ip::tcp;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t largest_header = 1U << 20U;

std::string text(boost::beast::string_view view) {
    return {view.data(), view.size()};
}

Request read_of(const http::request<http::string_body>& message) {
    Request request;
    request.method = text(message.method_string());
    request.target = text(message.target());
    for (const auto& field : message) {
        auto name = text(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        request.headers.emplace_back(std::move(name), text(field.value()));
    }
    request.body = message.body();
    read_target(request);
    return request;
}

/// Reads one request; false at the end of the connection and for what is no HTTP.
bool read_request(Tcp::socket& socket, boost::beast::flat_buffer& buffer, Parser& parser, Wire& wire) {
    boost::beast::error_code failed;
    http::read_header(socket, buffer, parser, failed);
    if (failed) return false;
    if (parser.get()[http::field::expect] == "100-continue" && !wire.send("HTTP/1.1 100 Continue\r\n\r\n"))
        return false;
    http::read(socket, buffer, parser, failed);
    return !failed;
}

/// Of a server's whole binary message.
std::string frame_head(std::size_t length) {
    std::string head("\x82", 1);
    if (length < 126) return head + static_cast<char>(length);
    const int bytes = length <= 0xffff ? 2 : 8;
    head += static_cast<char>(bytes == 2 ? 126 : 127);
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        head += static_cast<char>(length >> static_cast<unsigned>(shift) & 0xffU);
    }
    return head;
}

/// Everything of one connection happens in the thread that calls: a read is always under way, so that pings and a close
/// are answered whenever anything runs.
class BeastTalk : public Talk {
public:
    explicit BeastTalk(int socket) : stream_(context_) { stream_.next_layer().assign(Tcp::v4(), socket); }

    bool accept(const http::request<http::string_body>& request) {
        Failure failed;
        stream_.accept(request, failed);
        if (failed) return false;
        read();
        return true;
    }

    /// Not by Beast, which writes each message by itself: with small ones, this server would be measured and no client.
    bool send(std::string_view bytes, std::size_t each) override {
        if (gone_) return false;
        std::string frames;
        for (; !bytes.empty(); bytes.remove_prefix(std::min(each, bytes.size()))) {
            const auto message = bytes.substr(0, each);
            frames.append(frame_head(message.size())).append(message);
        }
        Failure failed;
        asio::write(stream_.next_layer(), asio::buffer(frames), failed);
        if (failed) gone_ = true;
        return !gone_;
    }

    bool send_text(std::string_view text) override {
        stream_.text(true);
        return write(text);
    }

    bool listen(std::chrono::milliseconds how_long) override {
        if (gone_) return false;
        context_.restart();
        context_.run_for(how_long);
        return !gone_;
    }

    void close(unsigned code) override {
        if (gone_) return;
        stream_.async_close(websocket::close_reason(static_cast<std::uint16_t>(code)),
                            [this](const Failure&) { gone_ = true; });
        context_.restart();
        context_.run_for(std::chrono::seconds(5));
    }

    std::vector<std::string> received() override { return std::exchange(received_, {}); }

private:
    bool write(std::string_view bytes) {
        if (gone_) return false;
        bool done = false;
        stream_.async_write(asio::buffer(bytes.data(), bytes.size()), [&](const Failure& failed, std::size_t) {
            done = true;
            if (failed) gone_ = true;
        });
        context_.restart();
        while (!done) {
            context_.run_one();
        }
        return !gone_;
    }

    void read() {
        stream_.async_read(buffer_, [this](const Failure& failed, std::size_t) {
            if (failed) {
                gone_ = true;
                return;
            }
            received_.push_back(boost::beast::buffers_to_string(buffer_.data()));
            buffer_.clear();
            read();
        });
    }

    asio::io_context context_{1};
    websocket::stream<Tcp::socket> stream_;
    boost::beast::flat_buffer buffer_;
    std::vector<std::string> received_;
    bool gone_ = false;
};

/// Answers the upgrade and lets `talk` have the connection, which breaks off when that returns. `socket` stays open.
void talk_over(int socket, const http::request<http::string_body>& request, const std::function<void(Talk&)>& talk) {
    // A copy of the descriptor: the original stays with whoever ends all connections.
    const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (own < 0) throw std::system_error(errno, std::generic_category(), "copying a socket's descriptor");
    {
        BeastTalk whole(own);
        if (whole.accept(request)) talk(whole);
    }
    ::shutdown(socket, SHUT_RDWR);
}

}  // namespace

std::string reason(unsigned status) {
    return text(http::obsolete_reason(http::int_to_status(status)));
}

class HttpServer::Connections {
public:
    Connections(std::uint16_t port, Stage stage)
        : stage_(stage), acceptor_(context_, Tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
        ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
        accepting_ = std::thread([this] { accept(); });
    }
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;
    ~Connections() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
            for (const auto& one : open_) {
                ::shutdown(one->socket.native_handle(), SHUT_RDWR);
            }
        }
        ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
        accepting_.join();
        for (const auto& one : open_) {
            one->thread.join();
        }
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    struct Connection {
        explicit Connection(Tcp::socket accepted) : socket(std::move(accepted)) {}
        Tcp::socket socket;
        std::thread thread;
        bool over = false;
    };

    void accept() {
        while (true) {
            // Not by Asio, whose sockets a machine started meanwhile would inherit and keep open.
            const int accepted = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
            Tcp::socket socket(context_);
            if (accepted >= 0) socket.assign(Tcp::v4(), accepted);
            const std::lock_guard lock(mutex_);
            if (ended_) return;
            join_those_over();
            if (accepted < 0) continue;
            boost::beast::error_code ignored;  // it only makes small answers quicker
            socket.set_option(Tcp::no_delay(true), ignored);
            open_.push_back(std::make_unique<Connection>(std::move(socket)));
            auto& connection = *open_.back();
            connection.thread = std::thread([this, &connection] { serve(connection); });
        }
    }

    void join_those_over() {
        for (auto each = open_.begin(); each != open_.end();) {
            if ((*each)->over) {
                (*each)->thread.join();
                each = open_.erase(each);
            } else {
                ++each;
            }
        }
    }

    void serve(Connection& connection) {
        Wire wire(connection.socket.native_handle(), stage_.faults);
        boost::beast::flat_buffer buffer;
        while (!wire.ended()) {
            Parser parser;
            parser.body_limit(std::numeric_limits<std::uint64_t>::max());
            parser.header_limit(largest_header);
            if (!read_request(connection.socket, buffer, parser, wire)) break;
            auto request = read_of(parser.get());
            wire.obey({});
            exchange(stage_, request, wire);
            if (wire.talk()) {
                talk_over(connection.socket.native_handle(), parser.get(), wire.talk());
                break;
            }
            if (!parser.get().keep_alive()) wire.end();
        }
        const std::lock_guard lock(mutex_);
        boost::beast::error_code ignored;  // the other side may be gone already
        connection.socket.close(ignored);
        connection.over = true;
    }

    Stage stage_;
    asio::io_context context_;
    Tcp::acceptor acceptor_;
    std::mutex mutex_;
    std::list<std::unique_ptr<Connection>> open_;
    bool ended_ = false;
    std::thread accepting_;
};

HttpServer::HttpServer(std::uint16_t port, Stage stage) : connections_(std::make_unique<Connections>(port, stage)) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
    return connections_->port();
}

}  // namespace standin

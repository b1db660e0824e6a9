#include "websocket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace standin {

namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using Tcp = asio::ip::tcp;
using Failure = boost::beast::error_code;

/// Everything of one connection happens in the thread that calls: a read is always under way, so that pings and a close
/// are answered whenever anything runs.
class BeastTalk : public Talk {
public:
    explicit BeastTalk(int socket) : stream_(context_) { stream_.next_layer().assign(Tcp::v4(), socket); }

    bool accept(const boost::beast::http::request<boost::beast::http::string_body>& request) {
        Failure failed;
        stream_.accept(request, failed);
        if (failed) return false;
        read();
        return true;
    }

    bool send(std::string_view bytes) override {
        stream_.binary(true);
        return write(bytes);
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

}  // namespace

void talk_over(int socket, const boost::beast::http::request<boost::beast::http::string_body>& request,
               const std::function<void(Talk&)>& talk) {
    // A copy of the descriptor: the original stays with whoever ends all connections.
    const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (own < 0) throw std::system_error(errno, std::generic_category(), "copying a socket's descriptor");
    {
        BeastTalk whole(own);
        if (whole.accept(request)) talk(whole);
    }
    ::shutdown(socket, SHUT_RDWR);
}

}  // namespace standin

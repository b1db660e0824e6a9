// A WebSocket server that says anything, on a Unix socket, against the real transport: whatever it says and wherever it
// stops, the client hears messages within their bounds and then one end, which stays the same. Input: a byte that says
// whether the answer is a right one or the input's own, one that says how long the pieces are and how the server goes,
// then the server's bytes.
// Built with BERTH_PLANTED_FAULT the end of some messages is read behind it, which a working fuzzer finds.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "../unit/service/fake_call.hpp"
#include "base/file_descriptor.hpp"
#include "service/socket_transport.hpp"
#include "service/websocket/handshake.hpp"

extern "C" berth::SocketTransport* berth_make_socket_transport_2(const berth::HttpTransportOptions&) noexcept;

namespace {

using namespace berth;

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

/// Reads a message as a plugin would.
void read_out(std::string_view message) {
    std::size_t size = message.size();
    const auto copy = std::make_unique<unsigned char[]>(size);
    message.copy(reinterpret_cast<char*>(copy.get()), size);
#ifdef BERTH_PLANTED_FAULT
    if (size % 8 == 3) ++size;
#endif
    std::size_t sum = 0;
    for (std::size_t index = 0; index < size; ++index)
        sum += copy[index];
    require(sum <= 255 * size, "a byte beyond its bounds");
}

/// The fuzzer's own alarm interrupts what waits.
template <typename Function>
auto until_done(Function&& function) {
    for (;;) {
        const auto result = function();
        if (result >= 0 || errno != EINTR) return result;
    }
}

/// Listens in a directory of its own, which goes with it.
class Listener {
public:
    Listener() {
        std::string pattern = (std::filesystem::temp_directory_path() / "berth-fuzz.XXXXXX").string();
        require(::mkdtemp(pattern.data()) != nullptr, "no directory");
        directory_ = pattern;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        require(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "no socket");
        require(::listen(socket_.get(), 8) == 0, "nobody listens");
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string path() const { return directory_ + "/s"; }
    [[nodiscard]] FileDescriptor next() const {
        return FileDescriptor(until_done([this] { return ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
    }

private:
    std::string directory_;
    FileDescriptor socket_;
};

void send_in_pieces(const FileDescriptor& to, std::string_view bytes, std::size_t piece) {
    while (!bytes.empty()) {
        const auto sent =
            until_done([&] { return ::send(to.get(), bytes.data(), std::min(piece, bytes.size()), MSG_NOSIGNAL); });
        if (sent < 0) return;  // the client has had enough
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// The client's request, and its key.
std::string key_of_request(const FileDescriptor& from) {
    std::string request;
    char buffer[2048];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const auto got = until_done([&] { return ::read(from.get(), buffer, sizeof buffer); });
        require(got > 0, "a client that asks nothing");
        request.append(buffer, static_cast<std::size_t>(got));
    }
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const auto begin = request.find(name);
    require(begin != std::string::npos, "a client without a key");
    return request.substr(begin + name.size(), 24);
}

void hear_to_the_end(SocketConnection& connection, const berth_test::FakeCall& call, std::size_t most) {
    std::size_t total = 0;
    for (;;) {
        const auto step = connection.receive(call);
        if (step == SocketStep::failed) {
            require(connection.receive(call) == SocketStep::failed, "an end that does not last");
            return;
        }
        require(step == SocketStep::done, "neither a message nor an end");
        const auto& event = connection.event();
        if (event.kind == SocketEvent::Kind::closed) {
            const auto code = event.close_code;
            require(connection.receive(call) == SocketStep::done && connection.event().close_code == code,
                    "another end");
            return;
        }
        total += event.bytes.size();
        require(total <= most, "more than was sent");
        read_out(event.bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Listener listener;
    static const std::unique_ptr<SocketTransport> transport(berth_make_socket_transport_2(HttpTransportOptions{}));
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    SocketPlan plan;
    plan.security = SocketPlan::Security::none;
    plan.host = plan.host_field = "fuzzer";
    plan.target = "/";
    plan.unix_socket = listener.path();
    const berth_test::FakeCall call;
    const auto connection = transport->start(std::move(plan));
    auto server = listener.next();
    const auto key = key_of_request(server);
    std::string answer;
    if (data[0] % 8 != 0)
        answer =
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_of(key) +
            "\r\n\r\n";
    send_in_pieces(server, answer + std::string(bytes), std::size_t{1} + data[1] / 2 * std::size_t{16});
    if (data[1] % 2 == 0) {
        server.reset();
    } else {
        ::shutdown(server.get(), SHUT_WR);
    }
    const auto step = connection->opened(call);
    require(step == SocketStep::done || step == SocketStep::failed, "neither open nor failed");
    if (step == SocketStep::done) hear_to_the_end(*connection, call, bytes.size());
    connection->close(1000);
    return 0;
}

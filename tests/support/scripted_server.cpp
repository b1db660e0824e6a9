#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace berth_test {

namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor loopback_socket(int& port) {
    FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) fail("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
    socklen_t length = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) fail("getsockname");
    port = ntohs(address.sin_port);
    return socket;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
    });
    return text;
}

}  // namespace

std::string ServerConnection::some(std::size_t most) {
    if (waiting_.empty()) {
        std::array<char, 65536> buffer{};
        const auto got = ::recv(socket_.get(), buffer.data(), std::min(most, buffer.size()), 0);
        if (got <= 0) return {};
        return {buffer.data(), static_cast<std::size_t>(got)};
    }
    auto bytes = waiting_.substr(0, most);
    waiting_.erase(0, bytes.size());
    return bytes;
}

std::optional<ReceivedRequest> ServerConnection::request_head() {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
        const auto bytes = some(65536);
        if (bytes.empty()) return std::nullopt;
        head += bytes;
    }
    const auto end = head.find("\r\n\r\n");
    waiting_ = head.substr(end + 4) + waiting_;
    head.resize(end + 2);
    ReceivedRequest request;
    request.line = head.substr(0, head.find("\r\n"));
    for (auto at = request.line.size() + 2; at < head.size();) {
        const auto stop = head.find("\r\n", at);
        const auto field = head.substr(at, stop - at);
        const auto colon = field.find(':');
        const auto value = field.find_first_not_of(' ', colon + 1);
        request.headers[lower(field.substr(0, colon))] = value == std::string::npos ? "" : field.substr(value);
        at = stop + 2;
    }
    return request;
}

std::optional<ReceivedRequest> ServerConnection::request() {
    auto request = request_head();
    if (!request) return std::nullopt;
    const auto take = [this, &request](std::size_t length) {
        while (length > 0) {
            const auto bytes = some(length);
            if (bytes.empty()) return false;
            request->body += bytes;
            length -= bytes.size();
        }
        return true;
    };
    if (const auto length = request->headers.find("content-length"); length != request->headers.end()) {
        if (!take(std::stoul(length->second))) return std::nullopt;
    } else if (request->headers.count("transfer-encoding") != 0) {
        for (;;) {
            std::string size;
            while (!size.ends_with("\r\n")) {
                const auto byte = some(1);
                if (byte.empty()) return std::nullopt;
                size += byte;
            }
            const auto chunk = std::stoul(size, nullptr, 16);
            const auto before = request->body.size();
            if (!take(chunk + 2)) return std::nullopt;
            request->body.resize(before + chunk);
            if (chunk == 0) break;
        }
    }
    return request;
}

bool ServerConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool ServerConnection::answer(int status, std::string_view body, std::string_view more_headers) {
    return send("HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n" + std::string(more_headers) + "\r\n" + std::string(body));
}

void ServerConnection::wait_for_end() {
    while (!some(65536).empty()) {
    }
}

void ServerConnection::reset() noexcept {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    (void)::connect(socket_.get(), &nowhere, sizeof nowhere);
}

void ServerConnection::shut_down() noexcept {
    (void)::shutdown(socket_.get(), SHUT_RDWR);
}

ScriptedServer::ScriptedServer(Handler handler) : handler_(std::move(handler)) {
    listen(loopback_socket(port_));
}

ScriptedServer::ScriptedServer(const std::string& path, Handler handler) : handler_(std::move(handler)) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
    listen(std::move(socket));
}

void ScriptedServer::listen(FileDescriptor socket) {
    listener_ = std::move(socket);
    ending_ = berth::make_event();
    if (::listen(listener_.get(), 512) != 0) fail("listen");
    acceptor_ = std::thread([this] { accept_all(); });
}

void ScriptedServer::accept_all() {
    for (;;) {
        std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {ending_.get(), POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        if (waiting[1].revents != 0) return;
        FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) continue;
        const std::lock_guard lock(mutex_);
        const auto number = connections_.size();
        auto& connection = *connections_.emplace_back(std::make_unique<ServerConnection>(std::move(socket)));
        threads_.emplace_back([this, &connection, number] {
            handler_(connection, number);
            connection.shut_down();
        });
    }
}

ScriptedServer::~ScriptedServer() {
    berth::raise_event(ending_);
    acceptor_.join();
    for (const auto& connection : connections_)
        connection->shut_down();
    for (auto& thread : threads_)
        thread.join();
}

std::string ScriptedServer::url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::size_t ScriptedServer::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

int unused_port() {
    int port = 0;
    const auto socket = loopback_socket(port);
    return port;
}

}  // namespace berth_test

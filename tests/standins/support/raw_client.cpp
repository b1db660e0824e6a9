#include "raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

namespace standin_test {

namespace {

std::string small(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

}  // namespace

std::string Reply::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

Json Reply::json() const {
    auto value = Json::parse(body, nullptr, false);
    return value.is_discarded() ? Json() : value;
}

std::vector<Json> Reply::lines() const {
    std::vector<Json> result;
    std::string_view rest = body;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        if (end > 0) result.push_back(Json::parse(rest.substr(0, end), nullptr, false));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return result;
}

std::string Reply::code() const {
    const auto value = json();
    return value.is_object() && value.contains("error") ? value["error"].value("code", "") : "";
}

RawClient::RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::system_error(errno, std::generic_category(), "connecting to a stand-in");
    }
}

void RawClient::send_raw(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;  // the answer, or its absence, tells
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void RawClient::send(const std::string& method, const std::string& target, const Headers& headers,
                     std::string_view body) {
    auto head = method + " " + target + " HTTP/1.1\r\nhost: 127.0.0.1\r\n";
    for (const auto& [name, value] : headers) {
        head += name + ": " + value + "\r\n";
    }
    if (!body.empty() || method == "POST" || method == "PATCH") {
        head += "content-length: " + std::to_string(body.size()) + "\r\n";
    }
    send_raw(head + "\r\n" + std::string(body));
}

bool RawClient::fill() {
    char bytes[65536];
    ssize_t count = 0;
    do {
        count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
}

bool RawClient::until(std::string_view mark, std::string& text) {
    auto at = buffer_.find(mark);
    while (at == std::string::npos) {
        if (!fill()) return false;
        at = buffer_.find(mark);
    }
    text = buffer_.substr(0, at);
    buffer_.erase(0, at + mark.size());
    return true;
}

Reply RawClient::receive_head() {
    Reply reply;
    std::string head;
    if (!until("\r\n\r\n", head) || head.rfind("HTTP/1.1 ", 0) != 0) {
        reply.raw = head.empty() ? std::exchange(buffer_, {}) : head;
        return reply;
    }
    reply.status = static_cast<unsigned>(std::stoul(head.substr(9, 3)));
    for (auto at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
        const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
        const auto colon = line.find(": ");
        reply.headers[small(line.substr(0, colon))] = line.substr(colon + 2);
    }
    return reply;
}

std::string RawClient::receive_piece() {
    std::string size;
    if (!until("\r\n", size)) return "";
    auto piece = receive_bytes(std::stoul(size, nullptr, 16) + 2);
    piece.resize(piece.size() - std::min<std::size_t>(2, piece.size()));
    return piece;
}

std::string RawClient::receive_bytes(std::size_t count) {
    while (buffer_.size() < count && fill()) {
    }
    auto bytes = buffer_.substr(0, count);
    buffer_.erase(0, bytes.size());
    return bytes;
}

void RawClient::read_chunked(Reply& reply) {
    std::string size;
    while (until("\r\n", size)) {
        const auto wanted = std::stoul(size, nullptr, 16);
        auto piece = receive_bytes(wanted + 2);
        const bool whole = piece.size() == wanted + 2;
        reply.body += piece.substr(0, wanted);
        if (!whole) return;
        if (wanted == 0) {
            reply.complete = true;
            return;
        }
    }
}

Reply RawClient::receive() {
    auto reply = receive_head();
    if (reply.status == 0) return reply;
    if (reply.header("transfer-encoding") == "chunked") {
        read_chunked(reply);
        return reply;
    }
    const auto length = std::stoul("0" + reply.header("content-length"));
    reply.body = receive_bytes(length);
    reply.complete = reply.body.size() == length;
    return reply;
}

bool RawClient::is_open() {
    return !buffer_.empty() || fill();
}

}  // namespace standin_test

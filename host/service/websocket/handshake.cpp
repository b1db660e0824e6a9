#include "handshake.hpp"

#include <array>
#include <chrono>
#include <stdexcept>

#include "../../base/text.hpp"
#include "../http/retry_after.hpp"

namespace berth::inline host_v1 {

namespace {

namespace http = beast::http;

/// So much of a server's own words stands in an error.
constexpr std::size_t longest_words = 300;

template <std::size_t size>
std::array<unsigned char, size> random_bytes() {
    std::array<unsigned char, size> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1) throw std::runtime_error("there is no randomness");
    return bytes;
}

std::string_view text_of(const unsigned char* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

bool is_white(char character) {
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/// The first words of what may be anything, on one line.
std::string words_of(std::string_view body) {
    std::string words;
    for (const char character : body) {
        if (words.size() >= longest_words) return words + "...";
        if (!is_white(character)) {
            words += character;
        } else if (!words.empty() && words.back() != ' ') {
            words += ' ';
        }
    }
    return words;
}

}  // namespace

std::string make_socket_key() {
    const auto bytes = random_bytes<16>();
    return base64(text_of(bytes.data(), bytes.size()));
}

FrameMask make_frame_mask() {
    return random_bytes<4>();
}

std::string accept_of(std::string_view key) {
    const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        throw std::runtime_error("there is no randomness");
    return base64(text_of(digest.data(), size));
}

SocketRequest request_of(const SocketPlan& plan, const std::string& user_agent, const std::string& key) {
    SocketRequest request{http::verb::get, plan.target, 11};
    request.set(http::field::host, plan.host_field);
    request.set(http::field::user_agent, user_agent);
    for (const auto& [name, value] : plan.headers)
        request.set(name, value);
    request.set(http::field::upgrade, "websocket");
    request.set(http::field::connection, "Upgrade");
    request.set(http::field::sec_websocket_key, key);
    request.set(http::field::sec_websocket_version, "13");
    return request;
}

SocketRequest proxy_request_of(const SocketPlan& plan, const std::string& user_agent) {
    const bool is_name = plan.host.find(':') == std::string::npos;
    const auto target = (is_name ? plan.host : "[" + plan.host + "]") + ":" + plan.port;
    SocketRequest request{http::verb::connect, target, 11};
    request.set(http::field::host, target);
    request.set(http::field::user_agent, user_agent);
    if (!plan.proxy->credentials.empty())
        request.set(http::field::proxy_authorization, "Basic " + base64(plan.proxy->credentials));
    return request;
}

std::optional<std::string> objection_to(const SocketAnswer& answer, std::string_view key) {
    const auto& head = answer.get();
    if (!http::token_list(head[http::field::upgrade]).exists("websocket"))
        return "it switched to something else than a WebSocket";
    if (!http::token_list(head[http::field::connection]).exists("upgrade"))
        return "its answer does not say that the connection is switched";
    if (head[http::field::sec_websocket_accept] != accept_of(key))
        return "its answer (Sec-WebSocket-Accept) is one to another question";
    if (head.count(http::field::sec_websocket_extensions) > 0) return "it uses extensions that nobody asked for";
    return std::nullopt;
}

SocketFailure refusal_of(const SocketAnswer& answer, std::string_view body) {
    const auto& head = answer.get();
    SocketFailure failure;
    failure.kind = SocketFailure::Kind::refused;
    failure.status = static_cast<int>(head.result_int());
    failure.reason = words_of(body);
    HttpHeaders headers;
    const auto [begin, end] = head.equal_range(http::field::retry_after);
    for (auto field = begin; field != end; ++field)
        headers.emplace_back("retry-after", std::string(field->value()));
    failure.retry_after = retry_after_of(headers, {}, std::chrono::system_clock::now());
    return failure;
}

}  // namespace berth::inline host_v1

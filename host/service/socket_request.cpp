#include "socket_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "../base/error.hpp"
#include "admit.hpp"
#include "diagnostics.hpp"
#include "http_request.hpp"

namespace berth::inline host_v1 {

namespace {

[[noreturn]] void refuse(const std::string& what) {
    throw Error(service_diagnostics::misused_service, "the plugin asked the websocket service " + what,
                "report this to the author of the plugin");
}

struct HostAndPort {
    std::string host;
    std::string port;
};

bool is_handshake(std::string_view name) {
    constexpr std::array<std::string_view, 4> names{"sec-websocket-accept", "sec-websocket-extensions",
                                                    "sec-websocket-key", "sec-websocket-version"};
    const auto is_same = [](char left, char right) {
        return left == (right >= 'A' && right <= 'Z' ? right + 32 : right);
    };
    return std::any_of(names.begin(), names.end(), [&](std::string_view one) {
        return std::equal(one.begin(), one.end(), name.begin(), name.end(), is_same);
    });
}

/// "host:port", "[::1]:port", or without a port. Nothing when it is none of these.
std::optional<HostAndPort> split(std::string_view authority, const char* usual_port) {
    HostAndPort parts;
    std::string_view rest;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        parts.host = authority.substr(1, end - 1);
        rest = authority.substr(end + 1);
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        parts.host = authority.substr(0, colon);
        rest = authority.substr(colon);
    }
    if (rest.empty()) {
        parts.port = usual_port;
    } else {
        unsigned number = 0;
        const auto* const end = rest.data() + rest.size();
        const auto read = std::from_chars(rest.data() + 1, end, number);
        if (rest.front() != ':' || read.ec != std::errc() || read.ptr != end || number == 0 || number > 65535)
            return std::nullopt;
        parts.port = rest.substr(1);
    }
    if (parts.host.empty()) return std::nullopt;
    return parts;
}

/// %41 as "A"; what is no such code stays.
std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t index = 0; index < text.size(); ++index) {
        unsigned byte = 0;
        const auto* const digits = text.data() + index + 1;
        if (text[index] == '%' && index + 2 < text.size() &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            result += static_cast<char>(byte);
            index += 2;
        } else {
            result += text[index];
        }
    }
    return result;
}

/// ws:// becomes http://, wss:// https://; everything else is left to the check of requests.
std::string as_http(berth_str url) {
    const std::string_view text = url.data == nullptr ? std::string_view{} : std::string_view(url.data, url.size);
    if (text.starts_with("ws://")) return "http" + std::string(text.substr(2));
    if (text.starts_with("wss://")) return "https" + std::string(text.substr(3));
    return std::string(text);
}

}  // namespace

SocketWish socket_wish_of(const berth_http_request* incoming) {
    auto request = admit(incoming);
    if (!request) refuse("without a request, or with a struct that is too short");
    if (request->flags != 0 || request->body.data != nullptr) refuse("for a connection with a body or flags");
    if (request->url.size > 65536) refuse("for an address longer than 65536 bytes");
    SocketWish wish;
    wish.url = as_http(request->url);
    request->url = {wish.url.data(), wish.url.size()};
    request->method = {"GET", 3};
    auto checked = plan_of(&*request);
    if (checked.url.find('#') != std::string::npos) refuse("for an address with a fragment");

    // With two opinions on what was agreed on, the frames that follow mean nothing.
    for (const auto& [name, value] : checked.headers)
        if (is_handshake(name)) refuse("for the header " + name + ", which it writes itself");

    const bool is_secure = checked.url.starts_with("https:");
    const auto begin = checked.url.find("://") + 3;
    const auto end = std::min(checked.url.find_first_of("/?", begin), checked.url.size());
    const auto authority = checked.url.substr(begin, end - begin);
    const auto parts = split(authority, is_secure ? "443" : "80");
    if (!parts) refuse("for an address whose host or port is none");
    wish.plan.security = is_secure ? SocketPlan::Security::tls : SocketPlan::Security::none;
    wish.plan.host = parts->host;
    wish.plan.port = parts->port;
    wish.plan.host_field = authority;
    wish.plan.target = checked.url.substr(end);
    if (!wish.plan.target.starts_with('/')) wish.plan.target.insert(0, 1, '/');
    wish.plan.headers = std::move(checked.headers);
    wish.plan.unix_socket = std::move(checked.unix_socket);
    wish.plan.idle_limit = checked.idle_limit;
    wish.shown = shown_address(checked.url);
    return wish;
}

void add_proxy(SocketPlan& plan, const ProxyChoice& choice) {
    if (choice.proxy.empty() || is_excluded(plan.host, choice.no_proxy)) return;
    std::string_view text = choice.proxy;
    const auto unusable = [](const char* why) {
        return Error(service_diagnostics::http_unusable, std::string("the proxy cannot be used: ") + why,
                     "name one as http://HOST:PORT, or except the backend from it in no_proxy");
    };
    if (text.starts_with("http://")) {
        text.remove_prefix(7);
    } else if (text.find("://") != std::string_view::npos) {
        throw unusable("WebSockets go through http:// proxies only");
    }
    text = text.substr(0, std::min(text.find('/'), text.size()));
    SocketPlan::Proxy proxy;
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        proxy.credentials = decoded(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    const auto parts = split(text, "1080");
    if (!parts) throw unusable("its host or port is none");
    proxy.host = parts->host;
    proxy.port = parts->port;
    plan.proxy = std::move(proxy);
}

}  // namespace berth::inline host_v1

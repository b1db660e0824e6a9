#include "http_request.hpp"

#include <sys/un.h>

#include <algorithm>
#include <array>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "admit.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::uint64_t longest_url = 64 * std::uint64_t{1024};
constexpr std::uint64_t longest_value = 64 * std::uint64_t{1024};
constexpr std::uint64_t most_headers = 256;
constexpr std::uint64_t longest_body = std::uint64_t{1} << 30U;
constexpr std::size_t longest_method = 32;
constexpr std::int64_t longest_idle_ms = std::int64_t{7} * 24 * 3600 * 1000;
constexpr std::uint32_t known_flags = BERTH_HTTP_REPEATABLE | BERTH_HTTP_UNINTERRUPTED | BERTH_HTTP_STREAMED_BODY;

[[noreturn]] void refuse(const std::string& what) {
    throw Error(service_diagnostics::misused_service, "the plugin asked the http service " + what,
                "report this to the author of the plugin");
}

std::string_view text_of(berth_str text, std::uint64_t longest, const char* what) {
    if (text.size > longest)
        refuse(std::string("for a ") + what + " longer than " + std::to_string(longest) + " bytes");
    if (text.data == nullptr) {
        if (text.size > 0) refuse(std::string("for a ") + what + " that is nowhere");
        return {};
    }
    return {text.data, static_cast<std::size_t>(text.size)};
}

bool is_token(std::string_view text) noexcept {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || marks.find(character) != std::string_view::npos;
    });
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& character : result) {
        if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
    }
    return result;
}

/// Scheme, host and port of an address; the rest of it from the path on.
struct Parts {
    std::string_view authority;
    std::string_view rest;
};

Parts parts_of(std::string_view url) noexcept {
    const auto scheme = url.find("://");
    const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto end = std::min(url.find_first_of("/?#", begin), url.size());
    return {url.substr(begin, end - begin), url.substr(end)};
}

std::string url_of(berth_str url) {
    const auto text = text_of(url, longest_url, "address");
    if (!text.starts_with("https://") && !text.starts_with("http://"))
        refuse("for an address that is neither http:// nor https://");
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte > 0x20U && byte < 0x7FU;
    });
    if (!is_plain) refuse("for an address with a character in it that has to be percent-encoded");
    const auto [authority, rest] = parts_of(text);
    if (authority.empty()) refuse("for an address without a host");
    if (authority.find('@') != std::string_view::npos)
        refuse("for an address that holds a name or password; they belong into a header");
    return std::string(text);
}

/// What the service writes itself: with two opinions on where a request ends, somebody else's could be smuggled in.
bool is_framing(const std::string& name) {
    constexpr std::array<std::string_view, 8> names{
        "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"};
    return std::find(names.begin(), names.end(), name) != names.end() || name == "upgrade" ||
           name == "proxy-authorization" || name == "proxy-connection";
}

HttpHeaders headers_of(berth_pairs pairs) {
    if (pairs.count > most_headers) refuse("for a request with more than 256 headers");
    if (pairs.count > 0 && pairs.data == nullptr) refuse("for headers that are nowhere");
    HttpHeaders headers;
    for (std::uint64_t index = 0; index < pairs.count; ++index) {
        const auto& pair = pairs.data[index];
        const auto name = text_of(pair.name, longest_value, "header's name");
        if (!is_token(name)) refuse("for a header whose name holds impossible characters");
        if (is_framing(lower(name))) refuse("for the header " + std::string(name) + ", which it writes itself");
        const auto value = text_of(pair.value, longest_value, "header's value");
        const bool breaks = std::any_of(value.begin(), value.end(), [](char character) {
            const auto byte = static_cast<unsigned char>(character);
            return (byte < 0x20U && byte != '\t') || byte == 0x7FU;
        });
        if (breaks) refuse("for the header " + std::string(name) + " with a control character in its value");
        headers.emplace_back(std::string(name), std::string(value));
    }
    return headers;
}

std::vector<RetryAfterHeader> retry_after_of(berth_pairs pairs) {
    using Unit = RetryAfterHeader::Unit;
    if (pairs.count > most_headers || (pairs.count > 0 && pairs.data == nullptr))
        refuse("to look for more headers than there can be");
    std::vector<RetryAfterHeader> headers;
    for (std::uint64_t index = 0; index < pairs.count; ++index) {
        const auto name = text_of(pairs.data[index].name, longest_value, "header's name");
        const auto unit = text_of(pairs.data[index].value, longest_value, "unit");
        if (!is_token(name)) refuse("to look for a header whose name holds impossible characters");
        if (unit == "seconds") {
            headers.push_back({lower(name), Unit::seconds});
        } else if (unit == "milliseconds") {
            headers.push_back({lower(name), Unit::milliseconds});
        } else if (unit == "unix_seconds") {
            headers.push_back({lower(name), Unit::unix_seconds});
        } else {
            refuse("to read the header " + std::string(name) + " in a unit that it does not know");
        }
    }
    return headers;
}

void add_body(const berth_http_request& request, HttpRequestPlan& plan) {
    using Body = HttpRequestPlan::Body;
    const bool is_streamed = (request.flags & BERTH_HTTP_STREAMED_BODY) != 0;
    if (request.body.size > 0 && request.body.data == nullptr) refuse("to send a body that is nowhere");
    if (is_streamed) {
        if (request.body.data != nullptr) refuse("for one body as a whole and streamed");
        plan.body_kind = Body::streamed;
        if (request.body_length.present != 0) plan.body_length = request.body_length.value;
        if (plan.body_length && *plan.body_length > static_cast<std::uint64_t>(INT64_MAX))
            refuse("for a body of an impossible length");
    } else if (request.body.data != nullptr) {
        if (request.body.size > longest_body) refuse("to send more than 1 GiB at once; stream it");
        plan.body_kind = Body::whole;
        plan.body.assign(reinterpret_cast<const char*>(request.body.data), static_cast<std::size_t>(request.body.size));
    }
    if (plan.body_kind != Body::none && (plan.method == "GET" || plan.method == "HEAD"))
        refuse("for a " + plan.method + " with a body");
}

std::string socket_of(berth_str path) {
    constexpr auto longest = sizeof(sockaddr_un::sun_path) - 1;
    const auto text = text_of(path, longest, "Unix socket's path");
    if (text.empty()) return {};
    if (text.front() != '/' || text.find('\0') != std::string_view::npos)
        refuse("for a Unix socket whose path is not absolute");
    return std::string(text);
}

}  // namespace

HttpRequestPlan plan_of(const berth_http_request* incoming) {
    const auto request = admit(incoming);
    if (!request) refuse("without a request, or with a struct that is too short");
    if ((request->flags & ~known_flags) != 0) refuse("for something with flags that this host does not know");
    HttpRequestPlan plan;
    plan.method = text_of(request->method, longest_method, "method");
    if (!is_token(plan.method) || plan.method == "CONNECT") refuse("for a method that there is not");
    plan.url = url_of(request->url);
    plan.headers = headers_of(request->headers);
    add_body(*request, plan);
    if ((request->flags & BERTH_HTTP_REPEATABLE) != 0) plan.repeat = HttpRequestPlan::Repeat::allowed;
    if ((request->flags & BERTH_HTTP_UNINTERRUPTED) != 0) plan.cancel = HttpRequestPlan::Cancel::waits_for_answer;
    if (request->idle_ms.present != 0) {
        if (request->idle_ms.value <= 0) refuse("for a request that may never be idle");
        plan.idle_limit = Milliseconds(std::min(request->idle_ms.value, longest_idle_ms));
    }
    plan.unix_socket = socket_of(request->unix_socket);
    plan.retry_after = retry_after_of(request->retry_after_headers);
    return plan;
}

std::vector<std::string_view> secrets_of(const berth_http_request* incoming) {
    std::vector<std::string_view> values;
    const auto request = admit(incoming);
    if (!request || request->headers.data == nullptr) return values;
    for (std::uint64_t index = 0; index < std::min(request->headers.count, most_headers); ++index) {
        const auto& pair = request->headers.data[index];
        if (pair.name.data == nullptr || pair.value.data == nullptr) continue;
        const auto name = lower({pair.name.data, static_cast<std::size_t>(std::min(pair.name.size, longest_value))});
        const bool speaks_of_one = name == "authorization" || name == "cookie" || name == "x-api-key";
        if ((pair.flags & BERTH_PAIR_SECRET) == 0 && !speaks_of_one) continue;
        values.emplace_back(pair.value.data, static_cast<std::size_t>(std::min(pair.value.size, longest_value)));
    }
    return values;
}

std::string shown_address(std::string_view url) {
    const auto end = std::min(url.find_first_of("?#"), url.size());
    return std::string(url.substr(0, end));
}

bool is_in_the_clear(std::string_view url) noexcept {
    if (!url.starts_with("http://")) return false;
    const auto authority = parts_of(url).authority;
    const auto host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                                 : authority.substr(0, authority.find(':'));
    const bool is_numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return host != "localhost" && host != "[::1]" && !(is_numeric && host.starts_with("127."));
}

}  // namespace berth::inline host_v1

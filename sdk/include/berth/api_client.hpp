// A client of one HTTP API: base address, what every request carries, and a mapped error for every status that is not
// 2xx. What the paths and bodies mean is the plugin's business.
#ifndef BERTH_API_CLIENT_HPP
#define BERTH_API_CLIENT_HPP

#include <functional>
#include <utility>

#include "http.hpp"

namespace berth::inline sdk_v1 {

/// `text` as one part of a path or query: everything but letters, digits and -_.~ becomes %XX.
inline std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            encoded += c;
        else
            (encoded += '%').append({"0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]});
    }
    return encoded;
}

/// `/v1/things/a%20b` of {"v1", "things", "a b"}: a part never reaches into the next. Throws Code::protocol_error for an
/// empty part, and for "." and "..", which would name something else.
inline std::string url_path(std::initializer_list<std::string_view> parts) {
    std::string path;
    for (const std::string_view part : parts) {
        if (part.empty() || part == "." || part == "..")
            throw Error(Code::protocol_error, "\"" + std::string{part} + "\" can name nothing in an API's path");
        (path += '/') += percent_encoded(part);
    }
    return path;
}

/// One request of an API. `query` is encoded by the client; the path is not: use url_path for what is not yours.
struct ApiRequest {
    std::string method = "GET";
    std::string path;
    Variables query = {};
    Variables headers = {};
    std::optional<std::string> body = {};
    bool repeatable = false;  ///< As in HttpRequest, like the next four.
    bool uninterrupted = false;
    bool streamed_body = false;
    std::optional<std::uint64_t> body_length = {};
    std::optional<Duration> idle_timeout = {};
};

/// What an API is. Each function may be left out.
struct ApiDescription {
    std::string base_url;  ///< Without a slash at its end.
    /// Adds what every request carries: `request.headers.set("authorization", "Bearer " + host.secret(call, "/token"),
    /// true)`, with the mark for what is secret. Called for each request, so that a token that changed is seen.
    std::function<void(Call&, ApiRequest&)> prepare = {};
    /// What the backend says in an answer that is an error, in its own form of body; empty: it says nothing.
    std::function<std::string(const HttpResponse&)> message = {};
    /// What an answer stands for, where http_error would guess wrong.
    std::function<std::optional<Code>(const HttpResponse&)> code = {};
    /// Adds to an error what else the answer tells: a hint, the backend's own code.
    std::function<void(const HttpResponse&, Error&)> complete = {};
    Variables retry_after_headers = {};  ///< As in HttpRequest.
    std::size_t longest_answer = std::size_t{16} << 20;
};

/// An answer that is still coming. 2xx for certain.
struct OpenAnswer {
    Exchange exchange;
    HttpHead head;
};

/// Copy it freely. [any thread]
class ApiClient {
public:
    ApiClient(Http http, ApiDescription description) : http_(http), api_(std::move(description)) {}

    /// The whole answer, 2xx for certain; everything else is thrown.
    HttpResponse send(Call& call, ApiRequest request) const {
        api_request(call, request);
        HttpResponse response = http_.send(call, raw(request), api_.longest_answer);
        if (response.status < 200 || response.status > 299) throw error_of(request, response);
        return response;
    }
    /// The same with a body that is read as it comes. With `streamed_body` use begin() and answer_of() instead.
    OpenAnswer open(Call& call, ApiRequest request) const {
        Exchange exchange = begin(call, request);
        return answer_of(std::move(exchange), request);
    }
    /// Sends a request without waiting for its answer; a streamed body is then written through the exchange, another is
    /// moved out of `request`, which is kept for answer_of().
    Exchange begin(Call& call, ApiRequest& request) const {
        api_request(call, request);
        return http_.open(call, raw(request));
    }
    /// Waits for the head of what begin() gave; throws the mapped error when it is not 2xx.
    OpenAnswer answer_of(Exchange exchange, const ApiRequest& request) const {
        const HttpHead head = exchange.head();
        if (head.status >= 200 && head.status <= 299) return {std::move(exchange), head};
        HttpResponse response{head.status, Variables{head.headers}, head.retry_after, {}};
        char buffer[4096];
        while (response.body.size() < (std::size_t{64} << 10)) {
            const std::size_t got = exchange.read(buffer, sizeof buffer);
            if (got == 0) break;
            response.body.append(buffer, got);
        }
        throw error_of(request, response);
    }

    HttpResponse get(Call& call, std::string path, Variables query = {}) const {
        return send(call, {"GET", std::move(path), std::move(query), {}, {}, true});
    }
    HttpResponse post(Call& call, std::string path, std::string json) const {
        return send(call, {"POST", std::move(path), {}, {}, std::move(json)});
    }
    HttpResponse patch(Call& call, std::string path, std::string json) const {
        return send(call, {"PATCH", std::move(path), {}, {}, std::move(json)});
    }
    HttpResponse put(Call& call, std::string path, std::string json) const {
        return send(call, {"PUT", std::move(path), {}, {}, std::move(json), true});
    }
    HttpResponse remove(Call& call, std::string path, Variables query = {}) const {
        return send(call, {"DELETE", std::move(path), std::move(query), {}, {}, true});
    }

    /// What send() throws for an answer that is not 2xx: "POST /v1/things: 409, what the backend says".
    Error error_of(const ApiRequest& request, const HttpResponse& response) const {
        std::string said = api_.message ? api_.message(response) : std::string{};
        if (said.empty()) said = beginning(response.body);
        std::string message = request.method + " " + request.path + ": " + std::to_string(response.status);
        if (!said.empty()) message += ", " + said;
        const auto code = api_.code ? api_.code(response) : std::nullopt;
        Error error = http_error(response, std::move(message), code.value_or(http_code(response.status)));
        if (api_.complete) api_.complete(response, error);
        return error;
    }

private:
    void api_request(Call& call, ApiRequest& request) const {
        if (api_.prepare) api_.prepare(call, request);
        if (request.body && request.headers.find("content-type") == nullptr)
            request.headers.set("content-type", "application/json");
    }
    HttpRequest raw(ApiRequest& request) const {
        HttpRequest to{request.method, api_.base_url + request.path, request.headers,
                       std::exchange(request.body, std::nullopt)};
        char mark = to.url.find('?') == std::string::npos ? '?' : '&';
        for (const Variable& item : request.query) {
            (to.url += mark) += percent_encoded(item.name) + "=" + percent_encoded(item.value);
            mark = '&';
        }
        to.repeatable = request.repeatable;
        to.uninterrupted = request.uninterrupted;
        to.streamed_body = request.streamed_body;
        to.body_length = request.body_length;
        to.idle_timeout = request.idle_timeout;
        to.retry_after_headers = api_.retry_after_headers;
        return to;
    }
    /// For an answer in no form that anybody knows: what it begins with, on one line.
    static std::string beginning(std::string_view body) {
        std::string text{body.substr(0, 200)};
        for (char& c : text)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
        return text;
    }

    Http http_;
    ApiDescription api_;
};

}  // namespace berth::inline sdk_v1

#endif

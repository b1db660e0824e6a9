// The pure rooms of the http service: lines of an answer, when to come again, whether to try again, where a redirect
// leads, what a plugin may ask.
#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "service/http/addresses.hpp"
#include "service/http/answer_lines.hpp"
#include "service/http/repeat_rule.hpp"
#include "service/http/retry_after.hpp"
#include "service/http_options.hpp"
#include "service/http_request.hpp"

using namespace berth;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::system_clock::time_point noon{std::chrono::seconds{1'700'000'000}};

std::optional<Milliseconds> asked(const std::string& value, std::vector<RetryAfterHeader> also = {},
                                  const std::string& name = "retry-after") {
    return retry_after_of({{name, value}}, also, noon);
}

AnswerLines read(std::initializer_list<std::string_view> lines) {
    AnswerLines answer;
    for (const auto line : lines)
        (void)answer.take(line);
    return answer;
}

}  // namespace

TEST_CASE("Retry-After is seconds, or a date, or nothing") {
    CHECK(asked("3") == 3s);
    CHECK(asked(" 2.5 ") == 2500ms);
    CHECK(asked("0") == 0ms);
    CHECK(asked("Tue, 14 Nov 2023 22:13:30 GMT") == 10s);
    CHECK(asked("Tuesday, 14-Nov-23 22:13:30 GMT") == 10s);
    CHECK(asked("Tue Nov 14 22:13:30 2023") == 10s);
    CHECK(asked("Tue, 14 Nov 2023 22:13:10 GMT") == 0ms);
    CHECK(asked("99999999999999999999") == longest_retry_after);
    for (const char* nonsense : {"", "-1", "+1", "1e9", "0x10", "soon", "1 2", "nan", "inf", "1.2.3"})
        CHECK_MESSAGE(!asked(nonsense), nonsense);
}

TEST_CASE("vendors' headers are read in their units, and the longest wait wins") {
    using Unit = RetryAfterHeader::Unit;
    CHECK(asked("1500", {{"x-wait", Unit::milliseconds}}, "x-wait") == 1500ms);
    CHECK(asked("1700000007", {{"x-reset", Unit::unix_seconds}}, "x-reset") == 7s);
    CHECK(asked("1600000000", {{"x-reset", Unit::unix_seconds}}, "x-reset") == 0ms);
    CHECK_FALSE(asked("5", {}, "x-wait"));
    CHECK(retry_after_of({{"retry-after", "2"}, {"x-wait", "5"}}, {{"x-wait", Unit::seconds}}, noon) == 5s);
}

TEST_CASE("three attempts, further and further apart, and what the server asked for") {
    CHECK(wait_before_next({1, {}, 0}) == 400ms);
    CHECK(wait_before_next({1, {}, 0.5}) == 600ms);
    CHECK(wait_before_next({2, {}, 0}) == 800ms);
    CHECK_FALSE(wait_before_next({3, {}, 0}));
    CHECK(wait_before_next({1, 5s, 0}) == 5400ms);
    CHECK(wait_before_next({1, 20s, 0}));
    CHECK_FALSE(wait_before_next({1, 20'001ms, 0}));
    CHECK(is_passing(429));
    CHECK(is_passing(503));
    CHECK_FALSE(is_passing(501));
    CHECK_FALSE(is_passing(404));
}

TEST_CASE("lines of an answer become status and headers") {
    const auto answer = read({"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/2 404 \r\n", "Content-LENGTH: 12\r\n",
                              "X-Empty:\r\n", "x-a:  b c \t\r\n", "\r\n"});
    REQUIRE(answer.state() == AnswerLines::State::complete);
    CHECK(answer.head().status == 404);
    CHECK(answer.head().length == 12U);
    CHECK(answer.tells_its_end());
    REQUIRE(answer.head().headers.size() == 3);
    CHECK(answer.head().headers[1] == std::pair<std::string, std::string>("x-empty", ""));
    CHECK(answer.head().headers[2] == std::pair<std::string, std::string>("x-a", "b c"));
}

TEST_CASE("chunks have no length, and a body may tell nothing of its end") {
    const auto chunked =
        read({"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: gzip, Chunked\r\n", "Content-Length: 4\r\n", "\r\n"});
    CHECK_FALSE(chunked.head().length);
    CHECK(chunked.tells_its_end());
    CHECK_FALSE(read({"HTTP/1.0 200 OK\r\n", "\r\n"}).tells_its_end());
}

TEST_CASE("impossible lines are refused and stay refused") {
    const auto refused = [](std::initializer_list<std::string_view> lines) {
        auto answer = read(lines);
        CHECK(answer.state() == AnswerLines::State::malformed);
        CHECK_FALSE(answer.problem().empty());
        CHECK(answer.take("\r\n") == AnswerLines::State::malformed);
    };
    refused({"X: y\r\n"});
    refused({"\r\n"});
    refused({"HTTP/1.1\r\n"});
    refused({"HTTP/1.1 20 OK\r\n"});
    refused({"HTTP/1.1 099 OK\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", "no colon\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", "a b: c\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", "A: b\r\n", " folded\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", "Content-Length: -1\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", "Content-Length: 1\r\n", "Content-Length: 2\r\n"});
    refused({"HTTP/1.1 200 OK\r\n", std::string_view("A: b\0c\r\n", 8)});
    refused({"HTTP/1.1 200 OK\r\n", "A: b\rSet-Cookie: c\r\n"});
}

TEST_CASE("a redirect stays on its server or is none") {
    const std::string from = "https://api.example.org/v1/a?x=1";
    CHECK(redirect_within_origin(from, "/v2/b") == "https://api.example.org/v2/b");
    CHECK(redirect_within_origin(from, "c?y=2") == "https://api.example.org/v1/c?y=2");
    CHECK(redirect_within_origin(from, "https://api.example.org:443/z"));
    CHECK_FALSE(redirect_within_origin(from, "http://api.example.org/z"));
    CHECK_FALSE(redirect_within_origin(from, "//evil.example.org/z"));
    CHECK_FALSE(redirect_within_origin(from, "https://api.example.org:444/z"));
    CHECK_FALSE(redirect_within_origin(from, "https://user@api.example.org/z"));
    CHECK_FALSE(redirect_within_origin(from, "file:///etc/passwd"));
    CHECK_FALSE(redirect_within_origin(from, ""));
}

TEST_CASE("the proxy is the configuration's, else the environment's") {
    HttpConfiguration none;
    const EnvironmentVariables variables(EnvironmentVariables::Variables{{"https_proxy", "http://a:1"},
                                                                         {"HTTP_PROXY", "http://evil:1"},
                                                                         {"ALL_PROXY", "http://c:1"},
                                                                         {"NO_PROXY", "x.org"}});
    CHECK(choose_proxy("https://b/", none, variables).proxy == "http://a:1");
    CHECK(choose_proxy("https://b/", none, variables).no_proxy == "x.org");
    CHECK(choose_proxy("http://b/", none, variables).proxy == "http://c:1");
    HttpConfiguration straight;
    straight.proxy = "";
    CHECK(choose_proxy("https://b/", straight, variables).proxy.empty());
    HttpConfiguration own;
    own.proxy = "http://own:3128";
    own.no_proxy = {"a.org", "b.org"};
    CHECK(choose_proxy("http://b/", own, variables).proxy == "http://own:3128");
    CHECK(choose_proxy("http://b/", own, variables).no_proxy == "a.org,b.org");
    CHECK(choose_certificates(
              none, EnvironmentVariables(EnvironmentVariables::Variables{{"SSL_CERT_FILE", "/ca.pem"}})) == "/ca.pem");
}

TEST_CASE("what is shown of an address is no query and no fragment") {
    CHECK(shown_address("https://h:1/p?token=x#y") == "https://h:1/p");
    CHECK(shown_address("https://h#y") == "https://h");
    CHECK(is_in_the_clear("http://example.org/"));
    CHECK(is_in_the_clear("http://127.evil.org/"));
    CHECK_FALSE(is_in_the_clear("http://127.0.0.1:80/"));
    CHECK_FALSE(is_in_the_clear("http://[::1]:80/"));
    CHECK_FALSE(is_in_the_clear("http://localhost/"));
    CHECK_FALSE(is_in_the_clear("https://example.org/"));
}

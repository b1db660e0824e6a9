// Requests over TLS: who is trusted and who is not, and HTTP/2 where the server offers it.
#include <string>
#include <vector>

#include "http_support.hpp"
#include "server_process.hpp"

using namespace berth_test;

namespace {

/// tests/support/tls_server.py.
class TlsServer {
public:
    enum class Speaks { http_1, http_2 };
    TlsServer(const Certificate& certificate, Speaks speaks)
        : process_(BERTH_TLS_SERVER, speaks == Speaks::http_2
                                         ? std::vector<std::string>{certificate.file(), certificate.key(), "h2"}
                                         : std::vector<std::string>{certificate.file(), certificate.key()}) {}
    [[nodiscard]] std::string url(const std::string& path, const std::string& host = "localhost") const {
        return "https://" + host + ":" + process_.port() + path;
    }

private:
    ServerProcess process_;
};

struct Answered {
    int status = 0;
    std::string body;
    berth_status end = BERTH_OK;
};

Answered get(Services& services, const std::string& url) {
    Running running(services);
    Exchange exchange(running, Request("GET", url));
    const auto status = exchange.head();
    auto body = status > 0 ? exchange.rest() : std::string();
    return {status, std::move(body), exchange.result};
}

}  // namespace

TEST_CASE("a server that cannot prove who it is gets nothing, and nothing is tried twice") {
    const Certificate certificate;
    const Certificate other;
    const TlsServer server(certificate, TlsServer::Speaks::http_1);
    const auto fails = [&](Services& services, const std::string& url) {
        Running running(services);
        Exchange exchange(running, Request("POST", url));
        CHECK(exchange.head() == -BERTH_UNAVAILABLE);
        const auto error = running.error();
        CHECK_MESSAGE(error.diagnostic() == "BERTH-S-08", std::string(error.what()));
        CHECK(error.fields().outcome == Outcome::none);
        CHECK(error.fields().message.find("attempts") == std::string::npos);
    };
    Services nobody;
    fails(nobody, server.url("/ok"));
    Services another(other.trusted());
    fails(another, server.url("/ok"));
    // The right authority, but another name than the certificate's.
    Services trusting(certificate.trusted());
    fails(trusting, server.url("/ok", "other.localhost"));
    CHECK(get(trusting, server.url("/ok")).body == "ok");
    CHECK(get(trusting, server.url("/ok", "127.0.0.1")).body == "ok");
    Services by_variable({},
                         EnvironmentVariables(EnvironmentVariables::Variables{{"SSL_CERT_FILE", certificate.file()}}));
    CHECK(get(by_variable, server.url("/version")).body == "1.1");
}

TEST_CASE("certificates that cannot be read are no reason to do without") {
    const Certificate certificate;
    const TlsServer server(certificate, TlsServer::Speaks::http_1);
    HttpConfiguration http;
    http.ca_file = certificate.file() + ".missing";
    Services services(http);
    Running running(services);
    Exchange exchange(running, Request("GET", server.url("/ok")));
    CHECK(exchange.head() == -BERTH_INTERNAL);
    CHECK(running.error().diagnostic() == "BERTH-S-12");
}

TEST_CASE("HTTP/2 is spoken where the server offers it, large bodies and cut ones included") {
    const Certificate certificate;
    const TlsServer server(certificate, TlsServer::Speaks::http_2);
    Services services(certificate.trusted());
    CHECK(get(services, server.url("/version")).body == "2");
    const auto big = get(services, server.url("/big"));
    CHECK(big.body.size() == std::size_t{8} << 20U);
    CHECK(big.end == BERTH_END);
    const auto cut = get(services, server.url("/cut"));
    // How much of it comes before the news of the end is the library's affair.
    CHECK(cut.end == BERTH_UNAVAILABLE);
    CHECK(get(services, server.url("/refused")).status == -BERTH_UNAVAILABLE);
    CHECK(get(services, server.url("/goaway")).body == "ok");
    CHECK(get(services, server.url("/version")).body == "2");
}

TEST_CASE("bodies go out over HTTP/2 as they go out over HTTP/1.1") {
    const Certificate certificate;
    Services services(certificate.trusted());
    for (const auto speaks : {TlsServer::Speaks::http_1, TlsServer::Speaks::http_2}) {
        const TlsServer server(certificate, speaks);
        Running running(services);
        const std::string part(300'000, 'p');
        Request request("POST", server.url("/echo"));
        request.flags(BERTH_HTTP_STREAMED_BODY);
        request.raw.body_length = {10 * part.size(), 1};
        Exchange exchange(running, request);
        for (int turn = 0; turn < 10; ++turn)
            CHECK(exchange.write(part) == BERTH_OK);
        CHECK(exchange.finish() == BERTH_OK);
        CHECK(exchange.head() == 200);
        CHECK(exchange.rest().size() == 10 * part.size());
        CHECK(exchange.result == BERTH_END);
    }
}

TEST_CASE("one reader that stands still holds up nobody who shares its connection") {
    const Certificate certificate;
    const TlsServer server(certificate, TlsServer::Speaks::http_2);
    Services services(certificate.trusted());
    Running standing(services);
    Exchange slow(standing, Request("GET", server.url("/big")));
    CHECK(slow.head() == 200);
    for (int turn = 0; turn < 20; ++turn)
        CHECK(get(services, server.url("/ok")).body == "ok");
    CHECK(slow.rest().size() == std::size_t{8} << 20U);
    CHECK(slow.result == BERTH_END);
}

// Requests over TLS: who is trusted and who is not, and HTTP/2 where the server offers it.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/file_descriptor.hpp"
#include "http_support.hpp"

using namespace berth_test;

namespace {

void run(const std::string& command) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): a test's own words, before it has a thread
    REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

/// A certificate that nobody but a test trusts, for localhost and 127.0.0.1.
class Certificate {
public:
    Certificate() {
        std::string pattern = (std::filesystem::temp_directory_path() / "berth-tls.XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
            "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
            key() + " -out " + file() + " 2>/dev/null");
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string file() const { return directory_ + "/certificate.pem"; }
    [[nodiscard]] std::string key() const { return directory_ + "/key.pem"; }
    [[nodiscard]] HttpConfiguration trusted() const {
        HttpConfiguration http;
        http.ca_file = file();
        return http;
    }

private:
    std::string directory_;
};

/// tests/support/tls_server.py as a child; it ends with its standard input.
class TlsServer {
public:
    enum class Speaks { http_1, http_2 };
    TlsServer(const Certificate& certificate, Speaks speaks) {
        auto to_it = make_pipe();
        auto from_it = make_pipe();
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::dup2(to_it.read_end.get(), 0);
            ::dup2(from_it.write_end.get(), 1);
            ::execl(BERTH_TLS_SERVER, BERTH_TLS_SERVER, certificate.file().c_str(), certificate.key().c_str(),
                    speaks == Speaks::http_2 ? "h2" : nullptr, nullptr);
            ::_exit(127);
        }
        from_it.write_end.reset();
        life_ = std::move(to_it.write_end);
        std::string text;
        char byte = 0;
        while (::read(from_it.read_end.get(), &byte, 1) == 1 && byte != '\n')
            text += byte;
        REQUIRE_MESSAGE(!text.empty(), "the server did not start; python3-h2 is needed");
        port_ = text;
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer() {
        life_.reset();
        int status = 0;
        ::waitpid(child_, &status, 0);
    }
    [[nodiscard]] std::string url(const std::string& path, const std::string& host = "localhost") const {
        return "https://" + host + ":" + port_ + path;
    }

private:
    FileDescriptor life_;
    pid_t child_ = -1;
    std::string port_;
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

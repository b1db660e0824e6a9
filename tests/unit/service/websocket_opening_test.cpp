// Servers that do not open a WebSocket when they are asked for one, in every way: the error says which, where and why in
// bounded words, and tells no secret.
#include <fstream>

#include "websocket_support.hpp"

using namespace berth_test;

namespace {

constexpr std::string_view secret = "hunter2hunter2";

/// The error that a plugin sees when the server says this instead of the right answer.
Error error_of(const std::function<void(ServerConnection&, const ReceivedRequest&)>& says,
               std::chrono::milliseconds connect_timeout = 10s) {
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        says(connection, *request);
        connection.wait_for_end();  // the connection must not stay
    });
    HttpConfiguration http;
    http.connect_timeout = connect_timeout;
    Services services(http);
    Running running(services);
    Socket socket(running, Request("GET", server.url("/follow?token=" + std::string(secret)),
                                   {{"Authorization", secret, BERTH_PAIR_SECRET}}));
    CHECK(socket.opened != BERTH_OK);
    auto error = running.error();
    const auto& message = error.fields().message;
    CHECK_MESSAGE(message.find("127.0.0.1:" + std::to_string(server.port()) + "/follow") != std::string::npos, message);
    CHECK_MESSAGE(message.find(secret) == std::string::npos, message);
    CHECK_MESSAGE(message.size() < 800, message);
    return error;
}

Error error_of(const std::string& answer) {
    return error_of([&](ServerConnection& connection, const ReceivedRequest&) { connection.send(answer); });
}

bool says(const Error& error, std::string_view words) {
    return error.fields().message.find(words) != std::string::npos;
}

/// A certificate whose days, or whose names, are not those of the server.
class OddCertificate {
public:
    OddCertificate(const std::string& name, const std::string& from, const std::string& until) {
        const auto folder = kept_.file().substr(0, kept_.file().rfind('/'));
        std::ofstream(folder + "/ca.cnf")
            << "[ca]\ndefault_ca=d\n[d]\ndatabase=" << folder << "/index\nnew_certs_dir=" << folder
            << "\nserial=" << folder << "/serial\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n"
            << "[p]\ncommonName=supplied\n[x]\nbasicConstraints=CA:TRUE\nsubjectAltName=DNS:" << name << "\n";
        std::ofstream(folder + "/index").flush();
        std::ofstream(folder + "/serial") << "01\n";
        run_or_fail(
            "cd " + folder + " && openssl req -new -key key.pem -subj /CN=" + name +
            " -out odd.csr 2>/dev/null && openssl ca -batch -selfsign -config ca.cnf -in odd.csr -keyfile key.pem "
            "-startdate " +
            from + " -enddate " + until + " -notext -out certificate.pem 2>/dev/null");
    }
    [[nodiscard]] const Certificate& certificate() const { return kept_; }

private:
    Certificate kept_;
};

}  // namespace

TEST_CASE("another answer has its code by its status, and its own words in bounds") {
    const auto refused = error_of(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 55\r\n\r\n"
        "{\"message\":\"token hunter2hunter2\n is \x1b[31m not known\"}..");
    CHECK(refused.code() == Code::auth_failed);
    CHECK(refused.diagnostic() == "BERTH-S-13");
    CHECK(says(refused, "it answered 401"));
    CHECK(says(refused, "is \\x1b[31m not known"));
    CHECK(refused.fields().outcome == Outcome::none);
    CHECK(refused.fields().upstream_code == "401");

    const auto large = error_of("HTTP/1.1 403 Forbidden\r\nContent-Length: 900000\r\n\r\n" + std::string(900'000, 'w'));
    CHECK(large.code() == Code::auth_failed);
    CHECK(says(large, "www..."));
    CHECK(error_of("HTTP/1.1 403 No\r\nContent-Length: 99999999999999999\r\n\r\nwhy").code() == Code::auth_failed);
    const auto chunked =
        error_of("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno su\r\n4\r\nch l\r\n0\r\n\r\n");
    CHECK(chunked.code() == Code::not_found);
    CHECK(says(chunked, "no such l"));

    const auto redirect = error_of("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    CHECK(redirect.code() == Code::protocol_error);
    CHECK(says(redirect, "it answered 302"));
}

TEST_CASE("a refusal whose body never ends is told all the same") {
    const auto error = error_of([](ServerConnection& connection, const ReceivedRequest&) {
        connection.send("HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 1000\r\n\r\nthe first words");
    });
    CHECK(error.code() == Code::unavailable);
    CHECK(says(error, "the first words"));
    CHECK(error.fields().retry_after == 3s);
}

TEST_CASE("an answer that is almost right opens nothing") {
    const auto error_with = [](const std::string& from, const std::string& to) {
        return error_of([&](ServerConnection& connection, const ReceivedRequest& request) {
            auto answer = opening_answer(request);
            answer.replace(answer.find(from), from.size(), to);
            connection.send(answer + frame(0x81, "too early"));
        });
    };
    const auto malformed = [&](const Error& error, std::string_view words) {
        CHECK(error.code() == Code::protocol_error);
        CHECK(error.diagnostic() == "BERTH-S-11");
        CHECK(says(error, words));
    };
    malformed(error_with("Upgrade: websocket\r\n", ""), "something else than a WebSocket");
    malformed(error_with("Upgrade: websocket", "Upgrade: h2c"), "something else than a WebSocket");
    malformed(error_with("Connection: Upgrade\r\n", ""), "does not say that the connection is switched");
    malformed(error_with("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x"), "Sec-WebSocket-Accept");
    malformed(error_with("Connection: Upgrade", "Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate"),
              "extensions");
    malformed(error_with("HTTP/1.1", "HTTP/9.1"), "no WebSocket");
}

TEST_CASE("heads of megabytes, without an end, and cut ones are told apart") {
    CHECK(error_of("HTTP/1.1 101 x\r\n" + std::string(2'000'000, 'h')).code() == Code::protocol_error);
    std::string many = "HTTP/1.1 101 x\r\n";
    while (many.size() < 3'000'000)
        many += "X-Header: of which there are many\r\n";
    CHECK(error_of(many).code() == Code::protocol_error);
    const auto cut = error_of([](ServerConnection& connection, const ReceivedRequest&) {
        connection.send("HTTP/1.1 101 Switching");
        connection.shut_down();
    });
    CHECK(cut.code() == Code::unavailable);
    CHECK(cut.diagnostic() == "BERTH-S-07");
    CHECK(error_of([](ServerConnection& connection, const ReceivedRequest&) { connection.reset(); }).diagnostic() ==
          "BERTH-S-07");
    const auto slow = error_of(
        [](ServerConnection& connection, const ReceivedRequest&) { connection.send("HTTP/1.1 101 Switching"); }, 200ms);
    CHECK(slow.diagnostic() == "BERTH-S-07");
    CHECK(says(slow, "took too long"));
    const auto interim = error_of([](ServerConnection& connection, const ReceivedRequest&) {
        while (connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")) {
        }
    });
    CHECK(interim.code() == Code::protocol_error);
}

TEST_CASE("hints before the answer are passed over, and frames right behind it are heard") {
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + opening_answer(*request) +
                        frame(0x81, "at once"));
        connection.wait_for_end();
    });
    Services services;
    Running running(services);
    Socket socket(running, Request("GET", server.url("/")));
    REQUIRE(socket.opened == BERTH_OK);
    REQUIRE(socket.receive() == BERTH_OK);
    CHECK(socket.content == "at once");
}

TEST_CASE("what the service agrees on with a server is nothing for a plugin to say") {
    Services services;
    for (const std::string_view name : {"Sec-WebSocket-Key", "sec-websocket-version", "SEC-WEBSOCKET-EXTENSIONS"}) {
        Running running(services);
        Socket socket(running, Request("GET", "ws://127.0.0.1:1/", {{name, "x"}}));
        CHECK(socket.opened == BERTH_CONTRACT);
        CHECK(running.breach().find("writes itself") != std::string::npos);
    }
}

TEST_CASE("certificates of another name, and of other days, prove nothing") {
    const auto refused = [](const OddCertificate& odd, std::string_view words) {
        const SocketServer server(odd.certificate());
        Services services(odd.certificate().trusted());
        Running running(services);
        Socket socket(running, Request("GET", server.url("/echo?token=" + std::string(secret))));
        CHECK(socket.opened == BERTH_UNAVAILABLE);
        const auto error = running.error();
        CHECK(error.diagnostic() == "BERTH-S-08");
        CHECK_MESSAGE(says(error, words), error.fields().message);
        CHECK(says(error, "localhost:" + server.port() + "/echo"));
        CHECK_FALSE(says(error, secret));
    };
    refused(OddCertificate("localhost", "20200101000000Z", "20200201000000Z"), "expired");
    refused(OddCertificate("localhost", "20900101000000Z", "20910101000000Z"), "not yet valid");
    refused(OddCertificate("example.org", "20200101000000Z", "20900101000000Z"), "not for that name");
}

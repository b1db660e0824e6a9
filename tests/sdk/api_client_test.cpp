// The client of one API, lines of an answer cut anywhere, and polling, over scripted HTTP.
#include <doctest/doctest.h>
#include <poll.h>

#include "scripted_plugin.hpp"

using namespace berth;
using testing::FakeCall;
using testing::FakeHost;
using testing::Instance;

namespace {

std::optional<Error> in_call(FakeHost& host, const std::function<void(Call&)>& act) {
    Script script;
    script.destroy = [&](Call& call, std::string_view) { act(call); };
    Instance instance{host};
    return instance.destroy("one").error;
}

ApiClient client_of(FakeHost& host) {
    ApiDescription api;
    api.base_url = "https://b.example/api";
    api.prepare = [&host](Call& call, ApiRequest& request) {
        request.headers.set("authorization", "Bearer " + Host{&host}.secret(call, "/token"), true);
        request.query.set("team", "a b");
    };
    api.message = [](const HttpResponse& response) {
        return response.body.rfind("says ", 0) == 0 ? response.body.substr(5) : std::string{};
    };
    api.code = [](const HttpResponse& response) {
        return response.status == 402 ? std::optional{Code::resource_exhausted} : std::nullopt;
    };
    return {Host{&host}.http(), api};
}

std::vector<std::string> split(const std::vector<std::string>& pieces, std::size_t most = 100) {
    LineSplitter lines{most};
    std::vector<std::string> found;
    const auto take = [&] {
        while (const auto line = lines.next())
            found.emplace_back(*line);
    };
    for (const std::string& piece : pieces) {
        lines.feed(piece);
        take();
    }
    lines.finish();
    take();
    return found;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("every request carries what the API asks for, with the secret marked") {
    FakeHost host;
    host.secret("/token", "s3cret-value");
    host.http().on("POST", "/api/v1/things/a%20b").reply(201, "{}");
    host.http().on("GET", "/api/v1/things").reply(200, "[]");
    host.http().on("DELETE", "/api/v1/things/x").reply(204);
    CHECK_FALSE(in_call(host, [&](Call& call) {
        const ApiClient api = client_of(host);
        CHECK(api.post(call, url_path({"v1", "things", "a b"}), "{\"a\":1}").body == "{}");
        CHECK(api.get(call, "/v1/things", {{"limit", "5&6"}}).body == "[]");
        CHECK(api.remove(call, "/v1/things/x").status == 204);
    }));
    const auto& sent = host.http().requests;
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].url == "https://b.example/api/v1/things/a%20b?team=a%20b");
    CHECK(*sent[0].headers.find("content-type") == "application/json");
    CHECK(*sent[0].headers.find("authorization") == "Bearer s3cret-value");
    CHECK_FALSE(sent[0].repeatable);
    CHECK(sent[1].url == "https://b.example/api/v1/things?limit=5%266&team=a%20b");
    CHECK(sent[1].repeatable);
    CHECK(sent[2].repeatable);
}

TEST_CASE("a status that is no success is an error with what the backend says") {
    FakeHost host;
    host.secret("/token", "s3cret-value");
    host.http()
        .on("POST", "/api/x")
        .reply(402, "says the month is used up")
        .reply(409, "<html>\nno json</html>")
        .reply(503);
    const auto failure = [&] {
        return *in_call(host, [&](Call& call) { (void)client_of(host).post(call, "/x", "{}"); });
    };
    const Error paid = failure();
    CHECK(paid.code() == Code::resource_exhausted);
    CHECK(paid.message() == "POST /x: 402, the month is used up");
    CHECK(paid.upstream_code() == "402");
    CHECK(paid.outcome() == Outcome::none);
    const Error taken = failure();
    CHECK(taken.code() == Code::conflict);
    CHECK(taken.message() == "POST /x: 409, <html> no json</html>");
    const Error down = failure();
    CHECK(down.code() == Code::unavailable);
    CHECK(down.outcome() == Outcome::unknown);
}

TEST_CASE("an answer that is read as it comes fails by its head alone") {
    FakeHost host;
    host.secret("/token", "s3cret-value");
    host.http().on("GET", "/api/log").reply(404, "says gone").reply(200, "one\n\r\ntwo\r\nlast").slowly(2);
    CHECK(in_call(host, [&](Call& call) {
              (void)client_of(host).open(call, {"GET", "/log"});
          })->code() == Code::not_found);
    CHECK_FALSE(in_call(host, [&](Call& call) {
        LineReader lines{client_of(host).open(call, {"GET", "/log"}).exchange};
        Lines found;
        while (!lines.ended())
            if (const auto line = lines.try_next()) {
                found.emplace_back(*line);
            } else if (!lines.ended()) {
                pollfd ready{lines.fd(), POLLIN, 0};
                REQUIRE(poll(&ready, 1, 1000) == 1);
            }
        CHECK(found == Lines{"one", "two", "last"});
    }));
    CHECK(host.left_open() == 0);
}

TEST_CASE("a body that breaks off gives its whole lines and then fails") {
    FakeHost host;
    host.secret("/token", "s3cret-value");
    host.http().on("GET", "/api/log").reply(200, "one\ntw").cut();
    Lines found;
    const auto error = in_call(host, [&](Call& call) {
        LineReader lines{client_of(host).open(call, {"GET", "/log"}).exchange};
        while (const auto line = lines.next())
            found.emplace_back(*line);
    });
    CHECK(found == Lines{"one"});
    REQUIRE(error);
    CHECK(error->code() == Code::unavailable);
}

TEST_CASE("lines are the same wherever the bytes are cut") {
    const std::string text = "a\n\nbb\r\nccc\r\r\n\rd\n\xc3\xa4";
    const Lines whole{"a", "", "bb", "ccc\r", "\rd", "\xc3\xa4"};
    CHECK(split({text}) == whole);
    for (std::size_t first = 0; first <= text.size(); ++first)
        for (std::size_t second = first; second <= text.size(); ++second)
            CHECK(split({text.substr(0, first), text.substr(first, second - first), text.substr(second)}) == whole);
    CHECK(split({}) == Lines{});
    CHECK(split({"\n"}) == Lines{""});
}

TEST_CASE("a line that is too long is refused before it fills the memory") {
    CHECK(split({std::string(100, 'x') + "\r\n"}) == Lines{std::string(100, 'x')});
    CHECK_THROWS_AS(split({std::string(101, 'x') + "\n"}), Error);
    LineSplitter lines{100};
    lines.feed(std::string(60, 'x'));
    CHECK_FALSE(lines.next());
    lines.feed(std::string(60, 'x'));
    CHECK_THROWS_AS((void)lines.next(), Error);
}

TEST_CASE("poll_until looks until it is so, or until its limit") {
    FakeHost host;
    int looks = 0;
    const PollPace pace{Duration{1}, Duration{2}, Duration{60'000}};
    CHECK_FALSE(in_call(host, [&](Call& call) {
        const auto found = poll_until(
            call, "it", pace, [&]() -> std::optional<int> { return ++looks == 5 ? std::optional{42} : std::nullopt; });
        CHECK(found == 42);
    }));
    CHECK(looks == 5);
    const auto late = in_call(host, [&](Call& call) {
        (void)poll_until(call, "the sandbox being ready", {Duration{1}, Duration{1}, Duration{3}},
                         [] { return false; });
    });
    REQUIRE(late);
    CHECK(late->code() == Code::timeout);
    CHECK(late->message() == "the sandbox being ready did not happen within 3 ms");
}

TEST_CASE("a cancel ends poll_until at once") {
    FakeHost host;
    int looks = 0;
    const auto error = in_call(host, [&](Call& call) {
        (void)poll_until(call, "it", {Duration{3'600'000}, Duration{3'600'000}, Duration{3'600'000}}, [&] {
            ++looks;
            FakeCall::from(call.raw()).push({EventKind::resize, {}, 0, 1, 1});
            FakeCall::from(call.raw()).cancel();
            return false;
        });
    });
    REQUIRE(error);
    CHECK(error->code() == Code::cancelled);
    CHECK(looks == 1);
}

TEST_CASE("waiting keeps the events that come meanwhile") {
    FakeHost host;
    CHECK_FALSE(in_call(host, [&](Call& call) {
        FakeCall::from(call.raw()).signal(10);
        call.wait(Duration{2});
        const auto event = call.next_event();
        REQUIRE(event);
        CHECK(event->signal == 10);
    }));
}

TEST_CASE("a part that would name something else makes no path") {
    for (const char* part : {"", ".", ".."})
        CHECK_THROWS_AS((void)url_path({"v1", part}), berth::Error);
    CHECK(url_path({"...", "a/.."}) == "/.../a%2F..");
}

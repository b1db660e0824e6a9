// Who moves the requests of a host: the threads that wait for them, one at a time, and for those that nobody waits for a
// thread of the host's own. Whoever comes, goes or is cancelled, every answer arrives.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <thread>

#include "fake_call.hpp"
#include "http_support.hpp"
#include "service/http/channel.hpp"

using namespace berth_test;

namespace {

/// Answers each request when it is told to, by its path, which it gives back.
class PatientServer {
public:
    [[nodiscard]] std::string url(std::string_view path) const { return server_.url(path); }
    void wait_until_asked(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_ >= count; });
    }
    void allow(const std::string& path) {
        const std::lock_guard lock(mutex_);
        allowed_.push_back(path);
        changed_.notify_all();
    }

private:
    void serve(ServerConnection& connection) {
        while (const auto request = connection.request()) {
            const auto path = request->line.substr(request->line.find(' ') + 1);
            const auto name = path.substr(0, path.find(' '));
            {
                std::unique_lock lock(mutex_);
                ++asked_;
                changed_.notify_all();
                changed_.wait(lock,
                              [&] { return std::find(allowed_.begin(), allowed_.end(), name) != allowed_.end(); });
            }
            connection.answer(200, name);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t asked_ = 0;
    std::vector<std::string> allowed_;
    ScriptedServer server_{[this](ServerConnection& connection, std::size_t) { serve(connection); }};
};

/// A thread that waits for the answer to one request.
class Waiter {
public:
    Waiter(Services& services, const std::string& url) : running(services) {
        thread_ = std::thread([this, url] {
            Exchange exchange(running, Request("GET", url));
            status = exchange.head();
            if (status == 200) body = exchange.rest();
        });
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        if (thread_.joinable()) thread_.join();
    }
    void join() { thread_.join(); }

    Running running;
    int status = 0;
    std::string body;

private:
    std::thread thread_;
};

/// Gives the lead to everybody and moves nothing.
class IdleMover final : public Mover {
public:
    bool take_lead(Channel& /*channel*/) override { return true; }
    void move(std::optional<Clock::time_point> /*until*/) noexcept override {
        sleeping.raise();
        woken.wait();
    }
    void leave(Channel& /*channel*/) noexcept override {}
    void wake() noexcept override { woken.raise(); }

    Signal sleeping;
    Signal woken;
};

}  // namespace

TEST_CASE("who leads is woken by what another thread does to its request") {
    IdleMover mover;
    Channel channel({}, mover);
    FakeCall call;
    HttpStep step = HttpStep::done;
    std::thread leader([&] { step = channel.head(call); });
    mover.sleeping.wait();
    channel.failed({HttpFailure::Kind::idle, HttpFailure::Sent::maybe, {}, 1});
    leader.join();
    CHECK(step == HttpStep::failed);
}

TEST_CASE("who leads sleeps no longer than somebody else's request allows") {
    PatientServer server;
    Services services;
    {
        // Two connections that lie ready: what is sent on them wakes nobody here.
        Waiter one(services, server.url("/first"));
        Waiter other(services, server.url("/first"));
        server.wait_until_asked(2);
        server.allow("/first");
    }
    Waiter leader(services, server.url("/a"));
    server.wait_until_asked(3);
    Running running(services, {}, 30s);
    running.call.cancel(CancelReason::deadline);
    REQUIRE(running.raw()->begin_cleanup(running.raw(), 5000) == 5000);
    Request request("GET", server.url("/b"));
    request.raw.idle_ms = {100, 1};
    Exchange exchange(running, request);
    CHECK(exchange.head() == -BERTH_UNAVAILABLE);  // and not cancelled, at the end of the window
    server.allow("/a");
    server.allow("/b");
}

TEST_CASE("who leads and has got its answer leaves the others to somebody") {
    // Whichever of the three leads, it leaves at some time while others wait.
    for (const auto& order : {std::vector<std::string>{"/a", "/b", "/c"}, {"/c", "/b", "/a"}, {"/b", "/c", "/a"}}) {
        PatientServer server;
        Services services;
        std::map<std::string, std::unique_ptr<Waiter>> waiters;
        for (const auto* path : {"/a", "/b", "/c"}) {
            waiters[path] = std::make_unique<Waiter>(services, server.url(path));
            server.wait_until_asked(waiters.size());
        }
        for (const auto& path : order) {
            server.allow(path);
            waiters[path]->join();
            CHECK(waiters[path]->status == 200);
            CHECK(waiters[path]->body == path);
        }
    }
}

TEST_CASE("a cancel takes the one who leads away, and the others get their answers") {
    for (const std::string cancelled : {"/a", "/b"}) {
        PatientServer server;
        Services services;
        Waiter first(services, server.url("/a"));
        server.wait_until_asked(1);
        Waiter second(services, server.url("/b"));
        server.wait_until_asked(2);
        auto& gone = cancelled == "/a" ? first : second;
        auto& left = cancelled == "/a" ? second : first;
        gone.running.call.cancel(CancelReason::caller);
        gone.join();
        CHECK(gone.status == -BERTH_CANCELLED);
        server.allow("/a");
        server.allow("/b");
        left.join();
        CHECK(left.status == 200);
    }
}

TEST_CASE("fifty threads ask at once, again and again, and each gets its own answers") {
    ScriptedServer server([](ServerConnection& connection, std::size_t) {
        while (const auto request = connection.request())
            connection.answer(200, request->line + request->body);
    });
    Services services;
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 50; ++thread) {
        threads.emplace_back([&, thread] {
            Running running(services);
            for (int turn = 0; turn < 20; ++turn) {
                const auto path = "/" + std::to_string(thread) + "/" + std::to_string(turn);
                const auto body = std::string(static_cast<std::size_t>(turn) * 100, 'b');
                Exchange exchange(running, Request("POST", server.url(path)).body(body));
                if (exchange.head() == 200 && exchange.rest() == "POST " + path + " HTTP/1.1" + body) ++right;
                exchange.close();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(right == 50 * 20);
}

TEST_CASE("a request that nobody waits for is sent all the same, and so are those behind it") {
    PatientServer server;
    Services services;
    Running running(services);
    Exchange first(running, Request("GET", server.url("/a")));
    server.wait_until_asked(1);
    Exchange second(running, Request("GET", server.url("/b")));
    server.wait_until_asked(2);
    server.allow("/a");
    server.allow("/b");
    CHECK(second.head() == 200);
    CHECK(first.head() == 200);
}

TEST_CASE("a body that was written whole goes on its way while its plugin does something else") {
    Signal arrived;
    ScriptedServer server([&](ServerConnection& connection, std::size_t) {
        const auto request = connection.request();
        CHECK(request->body.size() == 200'000);
        arrived.raise();
        connection.answer(200, "took it");
    });
    Services services;
    Running running(services);
    Exchange exchange(running, Request("POST", server.url()).flags(BERTH_HTTP_STREAMED_BODY));
    CHECK(exchange.write(std::string(200'000, 'x')) == BERTH_OK);
    CHECK(exchange.finish() == BERTH_OK);
    arrived.wait();
    CHECK(exchange.head() == 200);
}

TEST_CASE("a plugin that waits in a poll of its own is told, whoever leads") {
    PatientServer server;
    Services services;
    Running running(services);
    Exchange polled(running, Request("GET", server.url("/polled")));
    std::string got;
    CHECK(polled.try_read(got) == BERTH_AGAIN);
    Waiter waiter(services, server.url("/waited"));
    server.wait_until_asked(2);
    server.allow("/waited");
    waiter.join();
    CHECK(waiter.status == 200);
    // Now nobody else is there.
    server.allow("/polled");
    berth_status status = BERTH_AGAIN;
    while (status != BERTH_END && status >= 0) {
        pollfd readable{polled.descriptor(), POLLIN, 0};
        REQUIRE(::poll(&readable, 1, 10'000) == 1);
        status = polled.try_read(got);
    }
    CHECK(got == "/polled");
}

TEST_CASE("who leads and finds no room for what comes stands in nobody's way") {
    const std::string large(std::size_t{4} << 20U, 'l');
    ScriptedServer server([&large](ServerConnection& connection, std::size_t) {
        while (const auto request = connection.request())
            connection.answer(200, request->line.starts_with("GET /large") ? large : std::string("small"));
    });
    Services services;
    Running running(services);
    Exchange full(running, Request("GET", server.url("/large")));
    CHECK(full.head() == 200);  // and reads nothing: the buffers fill
    for (int turn = 0; turn < 20; ++turn) {
        Waiter waiter(services, server.url("/small"));
        waiter.join();
        CHECK(waiter.body == "small");
    }
    CHECK(full.rest() == large);
    CHECK(full.result == BERTH_END);
}

TEST_CASE("the end of a host finds a request that nobody waits for") {
    PatientServer server;
    Services services;
    Running running(services);
    Exchange exchange(running, Request("GET", server.url("/a")));
    server.wait_until_asked(1);
    server.allow("/a");
    exchange.close();
}

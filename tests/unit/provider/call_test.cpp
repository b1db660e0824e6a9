// One call in flight: events, cancel, clean-up window, descriptors.
#include "provider/call.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

using namespace berth;
using namespace std::chrono_literals;

namespace {

bool readable(int descriptor) {
    pollfd entry{descriptor, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

TEST_CASE("numbers of calls differ") {
    const Call one({.method = "get"});
    const Call other({.method = "get"});
    CHECK(one.number() != other.number());
    CHECK(one.number() != 0);
}

TEST_CASE("numbers of calls differ whichever threads make them") {
    constexpr std::size_t each = 250;
    std::array<std::vector<std::uint64_t>, 4> made;
    std::vector<std::thread> threads;
    for (auto& numbers : made) {
        threads.emplace_back([&numbers] {
            for (std::size_t count = 0; count < each; ++count)
                numbers.push_back(Call({.method = "get"}).number());
        });
    }
    std::set<std::uint64_t> all;
    for (std::size_t index = 0; index < made.size(); ++index) {
        threads[index].join();
        all.insert(made[index].begin(), made[index].end());
    }
    CHECK(all.size() == made.size() * each);
}

TEST_CASE("the first cancel counts and is one event") {
    Call call({.method = "create"});
    CHECK_FALSE(call.cancelled());
    CHECK_FALSE(call.stopped());
    call.cancel(CancelReason::deadline);
    call.cancel(CancelReason::caller);
    CHECK(call.cancelled());
    CHECK(call.stopped());
    CHECK(call.cancel_reason() == CancelReason::deadline);
    const auto event = call.next_event();
    REQUIRE(event);
    CHECK(event->kind == CallEvent::Kind::cancel);
    CHECK(event->reason == CancelReason::deadline);
    CHECK_FALSE(call.next_event());
}

TEST_CASE("the clean-up window opens once, only after a cancel, and never beyond the cap") {
    Call call({.method = "create", .cleanup_cap = 5s});
    CHECK(call.begin_cleanup(1s) == 0ms);
    CHECK_FALSE(call.cleanup_until());
    call.cancel(CancelReason::caller);
    CHECK(call.begin_cleanup(0ms) == 0ms);
    CHECK(call.begin_cleanup(-1s) == 0ms);
    CHECK(call.begin_cleanup(1h) == 5s);
    CHECK(call.cleanup_until());
    CHECK(call.cancelled());
    CHECK_FALSE(call.stopped());
    CHECK(call.begin_cleanup(1s) == 0ms);
}

TEST_CASE("after the clean-up window the call is stopped again") {
    Call call({.method = "create", .cleanup_cap = 1ms});
    call.cancel(CancelReason::caller);
    REQUIRE(call.begin_cleanup(1h) == 1ms);
    while (Call::Clock::now() < *call.cleanup_until())
        std::this_thread::yield();
    CHECK(call.stopped());
}

TEST_CASE("the descriptor is readable exactly while an event waits") {
    Call call({.method = "execute_stream"});
    call.signal(SIGHUP);
    const int descriptor = call.events_descriptor();
    REQUIRE(descriptor >= 0);
    CHECK(call.events_descriptor() == descriptor);
    CHECK(readable(descriptor));
    REQUIRE(call.next_event());
    CHECK_FALSE(readable(descriptor));
    call.detach();
    CHECK(readable(descriptor));
    call.resize(1, 2);
    REQUIRE(call.next_event());
    CHECK(readable(descriptor));
    REQUIRE(call.next_event());
    CHECK_FALSE(readable(descriptor));
}

TEST_CASE("what waits is bounded: a newer size replaces the older, a waiting signal is not queued twice") {
    Call call({.method = "execute_stream"});
    call.signal(SIGINT);
    for (std::uint32_t row = 1; row <= 1000; ++row) {
        call.resize(row, 80);
        call.signal(SIGINT);
        call.signal(SIGTERM);
        call.detach();
    }
    call.signal(0);
    call.signal(65);
    std::vector<CallEvent> events;
    while (const auto event = call.next_event())
        events.push_back(*event);
    REQUIRE(events.size() == 4);
    CHECK(events[0].signal == SIGINT);
    CHECK(events[1].kind == CallEvent::Kind::resize);
    CHECK(events[1].rows == 1000);
    CHECK(events[2].signal == SIGTERM);
    CHECK(events[3].kind == CallEvent::Kind::detach);
}

TEST_CASE("a method that listens to nothing is still woken for its end") {
    Call call({.method = "execute"});
    call.listen(Call::Listening::endings);
    call.signal(SIGUSR1);
    call.resize(1, 1);
    CHECK_FALSE(call.event_waiting());
    SUBCASE("by SIGTERM") {
        call.signal(SIGTERM);
    }
    SUBCASE("by SIGKILL") {
        call.signal(SIGKILL);
    }
    SUBCASE("by a cancel") {
        call.cancel(CancelReason::shutdown);
    }
    CHECK(call.event_waiting());
}

TEST_CASE("the handler runs after the event is there, on the thread that said it") {
    Call call({.method = "execute_stream"});
    std::atomic<int> waiting_seen{0};
    std::thread::id ran_on;
    call.on_event([&] {
        ran_on = std::this_thread::get_id();
        if (call.event_waiting()) ++waiting_seen;
    });
    std::thread::id said_on;
    std::thread sayer([&] {
        said_on = std::this_thread::get_id();
        call.signal(SIGINT);
    });
    sayer.join();
    CHECK(waiting_seen == 1);
    CHECK(ran_on == said_on);
}

TEST_CASE("caller and method may use a call at once") {
    Call call({.method = "execute_stream", .cleanup_cap = 1h});
    std::thread caller([&call] {
        for (int round = 0; round < 200; ++round) {
            call.signal(1 + round % 60);
            call.resize(static_cast<std::uint32_t>(round), 1);
        }
        call.cancel(CancelReason::caller);
    });
    bool cancel_seen = false;
    while (!cancel_seen) {
        pollfd entry{call.events_descriptor(), POLLIN, 0};
        REQUIRE(::poll(&entry, 1, 10'000) == 1);
        while (const auto event = call.next_event())
            cancel_seen = cancel_seen || event->kind == CallEvent::Kind::cancel;
    }
    CHECK(call.begin_cleanup(1s) == 1s);
    CHECK_FALSE(call.stopped());
    caller.join();
}

TEST_CASE("progress reaches the person who waits") {
    std::string seen;
    Call call({.method = "create", .progress = [&seen](std::string_view what, std::uint64_t done, std::uint64_t total) {
                   seen = std::string(what) + " " + std::to_string(done) + "/" + std::to_string(total);
               }});
    call.progress("layers", 2, 5);
    CHECK(seen == "layers 2/5");
    Call silent({.method = "create"});
    silent.progress("layers", 2, 5);
}

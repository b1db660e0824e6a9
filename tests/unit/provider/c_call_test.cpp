// A call as the plugin sees it.
#include "provider/c_call.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "support.hpp"

using namespace berth;
using namespace berth_test;
using namespace std::chrono_literals;

namespace {

ErrorFields reported(CCall& call) {
    auto records = call.take_records();
    REQUIRE(records.reported);
    return records.reported->fields;
}

}  // namespace

TEST_CASE("the C call shows number, deadline and cancel") {
    const auto deadline = Call::Clock::now() + 1h;
    FacedCall faced({.method = "get", .deadline = deadline});
    auto* const c = faced.face.face();
    CHECK(c->size == sizeof(berth_call));
    CHECK(c->number == faced.call.number());
    CHECK(c->deadline_ns == deadline.time_since_epoch().count());
    CHECK(c->cancelled(c) == 0);
    CHECK(c->begin_cleanup(c, 100) == 0);
    faced.call.cancel(CancelReason::caller);
    CHECK(c->cancelled(c) == 1);
    CHECK(c->begin_cleanup(c, 100) == 100);
    CHECK(c->begin_cleanup(c, 100) == 0);
    CHECK(c->stdin_fd(c) == -1);

    FacedCall without_deadline;
    CHECK(without_deadline.face.face()->deadline_ns == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("events arrive one by one, and the descriptor polls") {
    FacedCall faced({.method = "execute_stream"});
    auto* const c = faced.face.face();
    berth_event event{};
    event.size = sizeof event;
    CHECK(c->next_event(c, &event) == BERTH_AGAIN);
    faced.call.signal(2);
    faced.call.resize(40, 100);
    faced.call.detach();
    faced.call.cancel(CancelReason::shutdown);
    pollfd entry{c->events_fd(c), POLLIN, 0};
    CHECK(::poll(&entry, 1, 0) == 1);
    REQUIRE(c->next_event(c, &event) == BERTH_OK);
    CHECK(event.kind == BERTH_EVENT_SIGNAL);
    CHECK(event.signal == 2);
    REQUIRE(c->next_event(c, &event) == BERTH_OK);
    CHECK(event.kind == BERTH_EVENT_RESIZE);
    CHECK(event.rows == 40);
    CHECK(event.columns == 100);
    REQUIRE(c->next_event(c, &event) == BERTH_OK);
    CHECK(event.kind == BERTH_EVENT_DETACH);
    REQUIRE(c->next_event(c, &event) == BERTH_OK);
    CHECK(event.kind == BERTH_EVENT_CANCEL);
    CHECK(event.reason == BERTH_CANCEL_SHUTDOWN);
    CHECK(c->next_event(c, &event) == BERTH_AGAIN);
    CHECK(::poll(&entry, 1, 0) == 0);
}

TEST_CASE("an event without room is a breach and not lost") {
    FacedCall faced({.method = "execute_stream"});
    auto* const c = faced.face.face();
    faced.call.signal(2);
    berth_event event{};
    event.size = sizeof event - 8;
    CHECK(c->next_event(c, &event) == BERTH_CONTRACT);
    CHECK(c->next_event(c, nullptr) == BERTH_CONTRACT);
    CHECK(breach_of(faced.face) == "BERTH-R-56");
    CHECK(faced.call.event_waiting());
}

TEST_CASE("fail copies everything, answers its own code, and the last one counts") {
    FacedCall faced;
    auto* const c = faced.face.face();
    auto first = error(BERTH_CONFLICT, "first");
    CHECK(c->fail(c, &first) == BERTH_CONFLICT);
    {
        const std::string message = "no such sandbox";
        const berth_pair details[] = {{text("exit_code"), text("7"), 0}, {text("token"), text("canary"), 1}};
        auto second = error(BERTH_NOT_FOUND, message);
        second.hint = text("look again");
        second.outcome = BERTH_OUTCOME_NONE;
        second.details = {details, 2};
        second.index = {3, 1};
        second.path = text("/a\xff");
        second.retry_after_ms = {250, 1};
        second.upstream_code = text("E404");
        second.upstream_request_id = text("req-1");
        CHECK(c->fail(c, &second) == BERTH_NOT_FOUND);
    }
    const auto fields = reported(faced.face);
    CHECK(fields.message == "no such sandbox");
    CHECK(fields.hint == "look again");
    CHECK(fields.outcome == Outcome::none);
    REQUIRE(fields.details.size() == 2);
    CHECK(fields.details[0] == std::pair<std::string, std::string>("exit_code", "7"));
    CHECK(fields.details[1] == std::pair<std::string, std::string>("token", "***"));
    CHECK(fields.index == 3U);
    CHECK(fields.path == "/a\xff");
    CHECK(fields.retry_after == 250ms);
    CHECK(fields.upstream_code == "E404");
    CHECK(fields.upstream_request_id == "req-1");
}

TEST_CASE("a hostile error is cut and made printable, never refused") {
    FacedCall faced;
    auto* const c = faced.face.face();
    std::string long_text(100'000, 'x');
    long_text.replace(4095, 2, "\xc3\xa4");  // a character across the limit
    const std::string huge(1'000'000, 'y');
    std::vector<berth_pair> details(1000, berth_pair{text("n"), text(huge), 0});
    auto full = error(BERTH_INTERNAL, long_text);
    full.hint = text("bad \xff hint");
    full.outcome = 99;
    full.details = {details.data(), details.size()};
    full.upstream_code = {nullptr, 500};
    full.retry_after_ms = {-1, 1};
    CHECK(c->fail(c, &full) == BERTH_INTERNAL);
    const auto fields = reported(faced.face);
    CHECK(fields.message == std::string(4095, 'x') + "... (cut)");
    CHECK(fields.hint == "bad \\xff hint");
    CHECK(fields.outcome == Outcome::unknown);
    CHECK(fields.details.size() == 64);
    CHECK(fields.details[0].second.size() == 64 * 1024);
    CHECK(fields.upstream_code.empty());
    CHECK_FALSE(fields.retry_after);
}

TEST_CASE("an error that is none is a breach, and one that says OK is no success") {
    FacedCall faced;
    auto* const c = faced.face.face();
    auto short_one = error(BERTH_NOT_FOUND, "x");
    short_one.size = sizeof short_one - 8;
    CHECK(c->fail(c, &short_one) == BERTH_CONTRACT);
    CHECK(c->fail(c, nullptr) == BERTH_CONTRACT);
    auto fine = error(BERTH_OK, "all is well");
    CHECK(c->fail(c, &fine) == BERTH_INTERNAL);
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE("secrets never reach an error, also not across a cut") {
    FacedCall faced({.method = "create"}, {"variable-canary"});
    faced.log->secrets().add("token-canary");
    auto* const c = faced.face.face();
    std::string message(4090, 'x');
    message += "token-canary and variable-canary";
    auto full = error(BERTH_INTERNAL, message);
    full.hint = text("try token-canary");
    full.path = text("/tmp/variable-canary");
    const berth_pair detail{text("stderr"), text("curl -H token-canary"), 0};
    full.details = {&detail, 1};
    full.upstream_code = text("variable-canary");
    CHECK(c->fail(c, &full) == BERTH_INTERNAL);
    const auto fields = reported(faced.face);
    CHECK(fields.message.find("canary") == std::string::npos);
    CHECK(fields.message.find("toke") == std::string::npos);
    CHECK(fields.hint == "try ***");
    CHECK(fields.path == "/tmp/***");
    CHECK(fields.details[0].second == "curl -H ***");
    CHECK(fields.upstream_code == "***");
}

TEST_CASE("progress is printable, cut and without secrets") {
    std::string seen;
    std::uint64_t seen_done = 0;
    FacedCall faced({.method = "create", .progress = [&](std::string_view what, std::uint64_t done, std::uint64_t) {
                         seen = what;
                         seen_done = done;
                     }});
    faced.log->secrets().add("token-canary");
    auto* const c = faced.face.face();
    c->progress(c, text("\x1b[2Jpulling token-canary"), 3, 9);
    CHECK(seen == "\\x1b[2Jpulling ***");
    CHECK(seen_done == 3);
    c->progress(c, berth_str{nullptr, 17}, 4, 0);
    CHECK(seen.empty());
}

TEST_CASE("an exception of the host's own code becomes a number and ends the call") {
    constexpr Diagnostic disk_full{"BERTH-F-98", Code::resource_exhausted};
    FacedCall faced;
    CHECK(faced.face.guard([&]() -> berth_status { throw Error(disk_full, "disk full"); }) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(faced.face.guard([&]() -> berth_status { throw std::runtime_error("second"); }) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(faced.face.host_state() == BERTH_RESOURCE_EXHAUSTED);
    const auto records = faced.face.take_records();
    REQUIRE(records.host_failure);
    CHECK(records.host_failure->diagnostic() == "BERTH-F-98");

    FacedCall surprised;
    CHECK(surprised.face.guard([]() -> berth_status { throw 42; }) == BERTH_INTERNAL);
    CHECK(surprised.face.take_records().host_failure->code() == Code::internal);

    FacedCall full;
    CHECK(full.face.guard([]() -> berth_status { throw std::bad_alloc(); }) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(full.face.take_records().host_failure->code() == Code::resource_exhausted);
}

TEST_CASE("what services say during a clean-up does not replace why the call fails") {
    constexpr Diagnostic unreachable{"BERTH-S-98", Code::unavailable};
    FacedCall faced({.method = "create"});
    auto* const c = faced.face.face();
    CHECK(faced.face.failed(Error(unreachable, "an attempt")) == BERTH_UNAVAILABLE);
    CHECK(faced.face.failed(Error(unreachable, "the reason")) == BERTH_UNAVAILABLE);
    CHECK(c->begin_cleanup(c, 0) == 0);
    CHECK(faced.face.failed(Error(unreachable, "the deletion failed, too")) == BERTH_UNAVAILABLE);
    auto undo_failed = error(BERTH_UNAVAILABLE, "a request to the backend was not sent");
    undo_failed.flags = BERTH_ERROR_PASSED;
    CHECK(c->fail(c, &undo_failed) == BERTH_UNAVAILABLE);
    const auto records = faced.face.take_records();
    REQUIRE(records.passed);
    CHECK(records.passed->error.fields().message == "the reason");
    REQUIRE(records.passed_in_cleanup);
    CHECK(records.passed_in_cleanup->error.fields().message == "the deletion failed, too");
    REQUIRE(records.reported);
    CHECK(records.reported->adds_to_passed);
}

TEST_CASE("cancelled may be asked from any thread while the call is cancelled") {
    FacedCall faced;
    auto* const c = faced.face.face();
    std::thread asker([c] {
        while (c->cancelled(c) == 0)
            std::this_thread::yield();
    });
    faced.call.cancel(CancelReason::caller);
    asker.join();
    CHECK(c->cancelled(c) == 1);
}

TEST_CASE("a door lets in one thread at a time") {
    FacedCall faced;
    Door door;
    constexpr int each = 20'000;
    int entries = 0;  // as much as it counts without a lock of its own
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int count = 0; count < each; ++count) {
                (void)door.enter(faced.face, [&entries]() -> berth_status {
                    ++entries;
                    return BERTH_OK;
                });
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(entries == 4 * each);
}

TEST_CASE("a door is shut when whoever is inside has left, and lets in nobody afterwards") {
    FacedCall faced;
    Door door;
    std::promise<void> is_inside;
    std::promise<void> may_leave;
    std::atomic<bool> has_left{false};
    std::thread insider([&] {
        (void)door.enter(faced.face, [&]() -> berth_status {
            is_inside.set_value();
            may_leave.get_future().wait();
            has_left = true;
            return BERTH_OK;
        });
    });
    is_inside.get_future().wait();
    // One that comes meanwhile gets in before it is shut, or hears that it is.
    std::array<std::atomic<pid_t>, 2> waiting{};
    std::thread second([&] {
        waiting[0] = ::gettid();
        const auto status = door.enter(faced.face, []() -> berth_status { return BERTH_OK; });
        CHECK((status == BERTH_OK || status == BERTH_CONTRACT));
    });
    std::thread closer([&] {
        waiting[1] = ::gettid();
        door.close();
        CHECK(has_left);
    });
    for (const auto& thread : waiting) {
        while (thread == 0 || !sleeps(thread))
            std::this_thread::yield();
    }
    may_leave.set_value();
    for (auto* thread : {&insider, &second, &closer})
        thread->join();
    door.close();
    CHECK(door.enter(faced.face, []() -> berth_status { return BERTH_OK; }) == BERTH_CONTRACT);
}

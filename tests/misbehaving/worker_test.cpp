// Plugins that would take a host with them, in workers: each costs its own calls and gets the exact words, and after it the
// good one beside it still serves and nothing is left.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "worker_case.hpp"

using namespace misbehaving;

TEST_CASE("a worker that aborts in create: the call hears it, the next one gets a new worker") {
    Case with("abort_in_create");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)create_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-W-01");
    CHECK(error.code() == Code::unavailable);
    CHECK(error.fields().outcome == Outcome::unknown);
    CHECK(says(error, {"was killed by signal 6 (Aborted)", "create", "abort_in_create"}));
    CHECK(get_one(*provider).id == "one");
}

TEST_CASE("what may be repeated is tried once more, and then it is told") {
    for (const std::string name : {"null_call", "stack_overflow"}) {
        CAPTURE(name);
        Case with(name);
        const auto provider = with.open();
        const auto error = failure_of([&] { (void)get_one(*provider); });
        CHECK(error.diagnostic() == "BERTH-W-01");
#ifndef BERTH_SANITIZED  // a sanitizer may tell of it, and end the process itself
        CHECK(says(error, {"was killed by signal 11 (Segmentation fault)"}));
#endif
        Call call({.method = "is_ready"});
        CHECK(provider->is_ready(call, "one"));
    }
}

TEST_CASE("a worker that dies too often is not started any more") {
    Case with("abort_in_create");
    const auto provider = with.open();
    std::string last;
    for (int round = 0; round < 6 && last != "BERTH-W-07"; ++round)
        last = failure_of([&] { (void)create_one(*provider); }).diagnostic();
    CHECK(last == "BERTH-W-07");
    CHECK(says(failure_of([&] { (void)get_one(*provider); }), {"is not started any more", "died 5 times"}));
}

TEST_CASE("open ends the process") {
    Case with("exit_in_open");
    const auto error = failure_of([&] { (void)with.open(); });
    CHECK(error.diagnostic() == "BERTH-W-01");
    CHECK(says(error, {"ended with exit code 7", "open"}));
}

TEST_CASE("open never returns") {
    Case with("hang_in_open");
    const auto error = failure_of([&] { (void)with.open_until(200ms); });
    CHECK(error.diagnostic() == "BERTH-W-02");
    CHECK(error.code() == Code::timeout);
    CHECK(says(error, {"did not return from open after its deadline"}));
}

TEST_CASE("execute hangs, and hears no cancel or does not heed it") {
    for (const std::string name : {"hang_in_execute", "hang_in_cancel"}) {
        CAPTURE(name);
        Case with(name);
        const auto provider = with.open();
        Call call({.method = "execute"});
        Receiver receiver;
        cancelled_soon(call, CancelReason::deadline, [&] {
            const auto error = failure_of([&] { (void)provider->execute(call, "one", {}, receiver); });
            CHECK(error.diagnostic() == "BERTH-W-02");
            CHECK(error.code() == Code::timeout);
            CHECK(error.fields().outcome == Outcome::unknown);
            CHECK(says(error, {"did not return from execute after its deadline"}));
        });
        CHECK(get_one(*provider).id == "one");
    }
}

TEST_CASE("a plugin that takes a moment to give up is left alone") {
    Case with("slow_cancel");
    const auto provider = with.open();
    for (int round = 0; round < 2; ++round) {
        Call call({.method = "get"});
        cancelled_soon(call, CancelReason::caller, [&] {
            // Its own answer, not the end of its worker.
            CHECK(failure_of([&] { (void)provider->get(call, "one"); }).diagnostic() == "BERTH-R-09");
        });
    }
}

TEST_CASE("what a plugin prints goes to the log and nowhere else") {
    Case with("prints");
    const auto provider = with.open();
    CHECK(get_one(*provider).id == "one");
    provider->get_logs(*std::make_unique<Call>(Call::Options{.method = "get_logs"}), "one", {}, Provider::Follow::no,
                       [](std::string_view) {});
    CHECK_NOTHROW(get_one(*provider));
    while (!with.lines.has("this is no place for words"))
        std::this_thread::yield();
}

TEST_CASE("a sink that is used when its method has returned takes nothing, and nobody crashes") {
    {
        Case with("uses_sink_later");
        const auto provider = with.open();
        for (int round = 0; round < 20; ++round)
            CHECK(get_one(*provider).id == "one");
    }
    Case with("writes_later");
    const auto provider = with.open();
    for (int round = 0; round < 20; ++round) {
        Call call({.method = "execute"});
        Receiver receiver;
        try {
            if (provider->execute(call, "one", {}, receiver).exit_code != 0) FAIL("another exit code");
        } catch (const Error& error) {
            // The late words came before the end was there and after: two threads in one sink break rule C5.
            CHECK(error.diagnostic() == "BERTH-R-55");
        }
    }
}

TEST_CASE("threads that are never joined end with the worker") {
    Case with("leaks_threads");
    const auto provider = with.open();
    CHECK(get_one(*provider).id == "one");
}

#ifndef BERTH_SANITIZED
TEST_CASE("ten gigabytes are not there") {
    Case with("eats_memory");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)get_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-R-50");
    CHECK(says(error, {"bad_alloc"}));
}
#endif

TEST_CASE("children of a plugin end with its worker") {
    Case with("forks");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)create_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-W-01");
}

TEST_CASE("a worker without its sockets is killed") {
    Case with("closes_everything");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)create_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-W-03");
    CHECK(says(error, {"closed the sockets to its host"}));
    CHECK(get_one(*provider).id == "one");
}

TEST_CASE("what a worker babbles is not listened to") {
    Case with("babbles");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)create_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-W-03");
    CHECK(says(error, {"broke the protocol of workers"}));
    CHECK(get_one(*provider).id == "one");
}

TEST_CASE("directory, mask, locale and environment of the host stay its own") {
    const auto before = std::filesystem::current_path();
    const std::string path = std::getenv("PATH");
    {
        Case with("changes_surroundings");
        const auto provider = with.open();
        CHECK(get_one(*provider).id == "one");
    }
    CHECK(std::filesystem::current_path() == before);
    CHECK(std::getenv("PATH") == path);
}

TEST_CASE("a file that does something when it is loaded does it to a worker") {
    struct Expected {
        std::string name;
        std::string diagnostic;
        std::string words;
    };
    for (const auto& [name, diagnostic, words] :
         {Expected{"crashes_when_loaded", "BERTH-W-01", "was killed by signal 6 (Aborted)"},
          Expected{"exits_when_loaded", "BERTH-W-01", "ended with exit code 3"},
          Expected{"traps", "BERTH-W-01", "ended with exit code 99"}}) {
        CAPTURE(name);
        Case with(name);
        const auto error = failure_of([&] { (void)with.open(); });
        CHECK(error.diagnostic() == diagnostic);
        CHECK(says(error, {words}));
    }
    Case with("hangs_when_loaded");
    const auto error = failure_of([&] { (void)with.open_until(200ms); });
    CHECK(error.diagnostic() == "BERTH-W-05");
    CHECK(says(error, {"did not finish loading"}));
}

TEST_CASE("a library of its own, of the same names as the host's") {
    Case with("other_openssl");
    const auto provider = with.open();
    CHECK(get_one(*provider).id == "one");
}

TEST_CASE("breaches of the contract get the same words from a worker") {
    struct Expected {
        std::string name;
        std::string diagnostic;
    };
    for (const auto& [name, diagnostic] :
         {Expected{"throws", "BERTH-R-50"}, Expected{"ok_without_result", "BERTH-R-51"},
          Expected{"fails_without_saying", "BERTH-R-52"}, Expected{"sink_number", "BERTH-R-53"},
          Expected{"unknown_number", "BERTH-R-54"}, Expected{"name_not_utf8", "BERTH-R-56"},
          Expected{"id_with_dots", "BERTH-R-57"}}) {
        CAPTURE(name);
        Case with(name);
        const auto provider = with.open();
        Call list({.method = "list"});
        const auto error =
            failure_of([&] { name == "id_with_dots" ? (void)provider->list(list) : (void)get_one(*provider); });
        CHECK(error.diagnostic() == diagnostic);
    }
    for (const auto& [name, diagnostic] :
         {Expected{"lacks_required", "BERTH-P-24"}, Expected{"provides_more", "BERTH-P-25"},
          Expected{"open_throws", "BERTH-R-50"}, Expected{"open_fails", "BERTH-R-19"}}) {
        CAPTURE(name);
        Case with(name);
        CHECK(failure_of([&] { (void)with.open(); }).diagnostic() == diagnostic);
    }
    Case with("ends_twice");
    const auto provider = with.open();
    Call call({.method = "execute"});
    Receiver receiver;
    CHECK(failure_of([&] { (void)provider->execute(call, "one", {}, receiver); }).diagnostic() == "BERTH-R-55");
}

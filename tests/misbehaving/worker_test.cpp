// Plugins that would take a host with them, in workers: each costs its own calls and gets the exact words, and after it the
// good one beside it still serves and nothing is left.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "case.hpp"
#include "dangers.hpp"

using namespace misbehaving;

namespace {

/// What the worker printed last, as the error has it.
std::string last_words(const Error& error) {
    for (const auto& [name, value] : error.fields().details)
        if (name == "stderr") return value;
    return {};
}

}  // namespace

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

TEST_CASE("what was destroyed by a worker that died over it is destroyed") {
    Case with("dies_when_done");
    const auto provider = with.open();
    std::ofstream(dangers::place_of_sandbox(::getpid())) << "a sandbox";
    Call first({.method = "destroy"});
    CHECK_NOTHROW(provider->destroy(first, "one"));
    Call second({.method = "destroy"});
    CHECK(failure_of([&] { provider->destroy(second, "one"); }).code() == Code::not_found);
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
    const auto error = failure_of([&] { (void)with.open_past_deadline(); });
    CHECK(error.diagnostic() == "BERTH-W-02");
    CHECK(error.code() == Code::timeout);
    CHECK(says(error, {"did not return from open after its deadline"}));
}

TEST_CASE("execute hangs, and hears no cancel or does not heed it") {
    for (const std::string name : {"hang_in_execute", "hang_in_cancel"}) {
        CAPTURE(name);
        Case with(name);
        const auto provider = with.open();
        Call call(heard_by(with.lines, "execute"));
        Receiver receiver;
        given_up_in_the_middle(with.lines, call, CancelReason::deadline, [&] {
            const auto error = failure_of([&] { (void)provider->execute(call, "one", {}, receiver); });
            CHECK(error.diagnostic() == "BERTH-W-02");
            CHECK(error.code() == Code::timeout);
            CHECK(error.fields().outcome == Outcome::unknown);
            CHECK(says(error, {"did not return from execute after its deadline"}));
        });
        CHECK(get_one(*provider).id == "one");
    }
}

TEST_CASE("what a plugin prints goes to the log and nowhere else") {
    Case with("prints");
    const auto provider = with.open();
    CHECK(get_one(*provider).id == "one");
    provider->get_logs(*std::make_unique<Call>(Call::Options{.method = "get_logs"}), "one", {}, Provider::Follow::no,
                       [](std::string_view) {});
    CHECK_NOTHROW(get_one(*provider));
    with.lines.wait_for("it wrote: this is no place for words");
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

TEST_CASE("what a thread of a plugin throws is the end of its worker, and its last words are told") {
    Case with("thread_throws");
    const auto provider = with.open();
    const auto error = failure_of([&] { (void)get_one(*provider); });
    CHECK(error.diagnostic() == "BERTH-W-01");
    CHECK(says(error, {"was killed by signal 6 (Aborted)"}));
    CHECK(last_words(error).find("thrown where nobody catches") != std::string::npos);
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
    const auto error = failure_of([&] { (void)with.open_past_deadline(); });
    CHECK(error.diagnostic() == "BERTH-W-05");
    CHECK(says(error, {"did not finish loading"}));
}

TEST_CASE("what only a worker can say of a plugin, and says wrongly") {
    Case with("speaks_for_worker");
    const auto error = failure_of([&] { (void)with.open(); });
    CHECK(error.diagnostic() == "BERTH-W-08");
    CHECK(error.code() == Code::protocol_error);
    CHECK(says(error, {"its worker says that the plugin has not create, and its manifest says the opposite"}));
}

TEST_CASE("functions of the plugin with the names of the host's libraries are the plugin's own") {
    for (const auto way : {Way::in_process, Way::worker}) {
        Case with("other_openssl", way);
        const auto provider = with.open();
        CHECK(get_one(*provider).id == "one");
        // Whoever looks for such a function in this process finds the host's or none.
        void* const found = ::dlsym(RTLD_DEFAULT, "SSL_CTX_new");
        Dl_info info{};
        const bool is_the_plugins = found != nullptr && ::dladdr(found, &info) != 0 &&
                                    std::string_view(info.dli_fname).starts_with(with.path().string());
        CHECK_FALSE(is_the_plugins);
    }
}

TEST_CASE("a library that a plugin brings, of the same name as the host's own, stays in its worker") {
    Case with("links_openssl", Way::worker, OTHER_OPENSSL);
    const auto provider = with.open();
    CHECK(get_one(*provider).name == "OpenSSL of somebody else");
    std::ifstream maps("/proc/self/maps");
    const std::string mapped((std::istreambuf_iterator<char>(maps)), {});
    CHECK(mapped.find(with.path().string()) == std::string::npos);
}

TEST_CASE("what is wrong with a file gets the same words from a worker") {
    struct Expected {
        std::string name;
        std::string diagnostic;
        std::string words;
    };
    for (const auto& [name, diagnostic, words] :
         {Expected{"lacks_required", "BERTH-P-24", "2 of the 11 required methods"},
          Expected{"provides_more", "BERTH-P-25", "the manifest provides create_snapshot and restore_snapshot"},
          Expected{"provides_fewer", "BERTH-P-25", "the table has get_logs, the manifest does not say so"},
          Expected{"no_entry", "BERTH-P-21", "does not export"},
          Expected{"entry_throws", "BERTH-P-22", "threw an exception"},
          Expected{"missing_library", "BERTH-P-18", "libberth_absent.so"},
          Expected{"undefined_symbol", "BERTH-P-19", "berth_absent_symbol"}}) {
        CAPTURE(name);
        Case with(name);
        const auto error = failure_of([&] { (void)with.open(); });
        CHECK(error.diagnostic() == diagnostic);
        CHECK(says(error, {words}));
    }
}

// Plugins that load and then break the contract in a call: each gets its own number and the same words from a worker as in
// this process, and the good one beside it works.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "case.hpp"

using namespace misbehaving;

namespace {

class NoSink final : public FileSink {
public:
    void begin(const FileEntry&) override {}
    void write(std::string_view) override {}
    void commit() override { is_committed = true; }
    void skip(const FileEntry&, std::string_view) override {}
    bool is_committed = false;
};

using Act = void (*)(Provider&);

void get(Provider& provider) {
    (void)get_one(provider);
}

void list(Provider& provider) {
    (void)list_all(provider);
}

void execute(Provider& provider) {
    (void)execute_one(provider);
}

void download(Provider& provider) {
    Call call({.method = "download_files"});
    NoSink sink;
    const std::vector<std::string> paths{"/workspace/file"};
    struct Check {
        NoSink& sink;
        ~Check() { CHECK_FALSE(sink.is_committed); }
    } check{sink};
    provider.download_files(call, "one", paths, sink);
}

/// One plugin, what is asked of it, and what whoever asked is told.
struct Breach {
    std::string name;
    Act act;
    std::string diagnostic;
    Code code;
    Outcome outcome;
    std::string words;
};

const std::vector<Breach> breaches{
    {"throws", &get, "BERTH-R-50", Code::internal, Outcome::unknown,
     "the plugin threw an exception: thrown across the contract"},
    {"throws_number", &get, "BERTH-R-50", Code::internal, Outcome::unknown,
     "the plugin threw an exception: something that is no std::exception"},
    {"fails_without_saying", &get, "BERTH-R-52", Code::unavailable, Outcome::unknown,
     "the plugin failed with UNAVAILABLE and did not say why"},
    {"ok_without_result", &get, "BERTH-R-51", Code::protocol_error, Outcome::unknown,
     "the plugin returned OK without a result: it did not say what the sandbox is like"},
    {"ok_without_result", &execute, "BERTH-R-51", Code::protocol_error, Outcome::unknown,
     "the plugin returned OK without a result: it did not say how the process ended"},
    {"ends_twice", &execute, "BERTH-R-55", Code::protocol_error, Outcome::done,
     "the plugin put out bytes after the process had ended"},
    {"leaves_file_open", &download, "BERTH-R-55", Code::protocol_error, Outcome::unknown,
     "the plugin began a file entry and never committed it"},
    {"unknown_number", &get, "BERTH-R-54", Code::internal, Outcome::unknown,
     "the plugin returned the unknown error number 77"},
    {"sink_number", &get, "BERTH-R-53", Code::protocol_error, Outcome::unknown,
     "the plugin returned the number 1003, which belongs to sinks, sources and services"},
    {"id_with_dots", &list, "BERTH-R-57", Code::protocol_error, Outcome::unknown,
     "the plugin gave the sandbox id \"../one\", expected 1-128 of [A-Za-z0-9._-], not \".\" or \"..\""},
    {"name_not_utf8", &get, "BERTH-R-56", Code::protocol_error, Outcome::unknown,
     "the plugin gave a malformed name of a sandbox: not UTF-8"},
};

std::string name_of(Way way) {
    return way == Way::worker ? "in a worker" : "in this process";
}

}  // namespace

TEST_CASE("a good plugin does what it says, from a real file") {
    for (const auto way : {Way::in_process, Way::worker}) {
        CAPTURE(name_of(way));
        Case with("good", way);
        const auto provider = with.open();
        CHECK(provider->offer().has_method("get_logs"));
        CHECK(provider->offer().has_method("berth.snapshots/1"));
        CHECK_FALSE(provider->offer().has_method("create_snapshot"));
        CHECK(create_one(*provider).idempotency_key == "key");
        CHECK(get_one(*provider).id == "one");
        CHECK(list_all(*provider).size() == 1);
        CHECK(execute_one(*provider).exit_code == 0);
        Call call({.method = "get"});
        CHECK(provider->is_ready(call, "one"));
        CHECK_FALSE(provider->is_ready(call, "two"));
        CHECK_FALSE(provider->get_resource_usage(call, "one").cpu_percent);
        std::string log;
        provider->get_logs(call, "one", {}, Provider::Follow::no, [&log](std::string_view part) { log += part; });
        CHECK(log.find("created") != std::string::npos);
        const auto unknown = failure_of([&] { (void)provider->get(call, "two"); });
        CHECK(unknown.diagnostic() == "BERTH-R-02");
        CHECK(unknown.fields().outcome == Outcome::none);
        CHECK(provider->list_snapshots(call).empty());
    }
}

TEST_CASE("a breach of the contract is told in the same words, wherever the plugin runs") {
    for (const auto& breach : breaches) {
        for (const auto way : {Way::in_process, Way::worker}) {
            CAPTURE(breach.name);
            CAPTURE(name_of(way));
            Case with(breach.name, way);
            const auto provider = with.open();
            const auto error = failure_of([&] { breach.act(*provider); });
            CHECK(error.diagnostic() == breach.diagnostic);
            CHECK(error.code() == breach.code);
            CHECK(error.fields().outcome == breach.outcome);
            CHECK(error.fields().message == breach.words);
            CHECK(error.fields().provider == breach.name);
        }
    }
}

TEST_CASE("a plugin that cannot be opened says why, wherever it runs") {
    for (const auto way : {Way::in_process, Way::worker}) {
        CAPTURE(name_of(way));
        {
            Case with("open_throws", way);
            const auto error = failure_of([&] { (void)with.open(); });
            CHECK(error.diagnostic() == "BERTH-R-50");
            CHECK(says(error, {"thrown across the contract", "open", "provider open_throws"}));
        }
        Case with("open_fails", way);
        const auto error = failure_of([&] { (void)with.open(); });
        CHECK(error.diagnostic() == "BERTH-R-19");
        CHECK(says(error, {"the token has expired"}));
    }
}

TEST_CASE("a plugin that takes a moment to give up is left alone") {
    for (const auto way : {Way::in_process, Way::worker}) {
        CAPTURE(name_of(way));
        Case with("slow_cancel", way);
        const auto provider = with.open();
        for (int round = 0; round < 2; ++round) {
            Call call(heard_by(with.lines, "get"));
            const auto get_it = [&] {
                // Its own answer, not the end of its worker.
                CHECK(failure_of([&] { (void)provider->get(call, "one"); }).diagnostic() == "BERTH-R-09");
            };
            given_up_in_the_middle(with.lines, call, CancelReason::caller, get_it);
        }
    }
}

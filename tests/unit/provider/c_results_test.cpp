// What plugins put: hostile sizes, counts and texts, checked before they are read.
#include "provider/c_results.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "provider/c_read.hpp"
#include "provider/diagnostics.hpp"
#include "support.hpp"

using namespace berth;
using namespace berth_test;

namespace {

constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();

/// The number of the breach that reading `full` is, or "".
std::string breach_number(const berth_sandbox_info& full, const InfoRules& rules = {"acme", {}, nullptr, {}}) {
    try {
        (void)read_info(&full, rules);
    } catch (const Breach& breach) {
        return std::string(breach.diagnostic());
    }
    return {};
}

struct Fixture {
    berth_environment env = environment();
    berth_sandbox_info full = info("box", env);
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a whole info comes across") {
    const berth_pair labels[] = {{text("team"), text("core"), 0}, {text("empty"), text(""), 0}};
    berth_usage usage{};
    usage.size = sizeof usage;
    usage.cpu_percent = {250.5, 1};
    full.labels = {labels, 2};
    full.usage = &usage;
    full.flags = BERTH_SANDBOX_PERSISTENT;
    full.network = BERTH_NETWORK_NONE;
    full.last_used_at_ms = {1'790'000'001'000, 1};
    full.name = text("my box");
    full.error_text = text("bad \xff");
    env.cwd = text("/work\xff");
    env.timeout_ms = {0, 1};
    const auto read_back = read_info(&full, {"acme", "box", nullptr, {}});
    CHECK(read_back.provider == "acme");
    CHECK(read_back.labels == Variables{{"team", "core"}, {"empty", ""}});
    CHECK(read_back.usage->cpu_percent == 250.5);
    CHECK(read_back.persistent);
    CHECK(read_back.network == NetworkMode::none);
    CHECK(read_back.last_used_at->time_since_epoch().count() == 1'790'000'001'000);
    CHECK_FALSE(read_back.expires_at);
    CHECK(read_back.name == "my box");
    CHECK(read_back.error == "bad \\xff");
    CHECK(read_back.environment.cwd == "/work\xff");
    CHECK(read_back.environment.timeout == Milliseconds(0));
    CHECK_FALSE(read_back.environment.cpu_limit);
}

TEST_CASE_FIXTURE(Fixture, "a state that is not known reads as error, no state at all is a breach") {
    full.state = 99;
    CHECK(read_info(&full, {"acme", {}, nullptr, {}}).state == SandboxState::error);
    full.state = 0;
    CHECK(breach_number(full) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "malformed infos are breaches, and nothing is read beyond what was checked") {
    const berth_pair twice[] = {{text("A"), text("1"), 0}, {text("A"), text("2"), 0}};
    const berth_pair bad_name[] = {{text("1A"), text("1"), 0}};
    const berth_pair with_nul[] = {{text("A"), text(std::string_view("a\0b", 3)), 0}};
    const berth_pair long_value[] = {{text("A"), {"x", huge}, 0}};
    const berth_pair no_data[] = {{text("A"), {nullptr, 8}, 0}};
    const berth_pair not_text[] = {{text("a"), text("\xff"), 0}};
    berth_usage usage{};
    usage.size = sizeof usage;
    SUBCASE("shorter than version 1.0") {
        full.size = sizeof full - 8;
    }
    SUBCASE("size 0") {
        full.size = 0;
    }
    SUBCASE("no environment") {
        full.environment = nullptr;
    }
    SUBCASE("an environment too short") {
        env.size = 8;
    }
    SUBCASE("an id without data") {
        full.id = {nullptr, 4};
    }
    SUBCASE("a name that is not UTF-8") {
        full.name = text("\xff");
    }
    SUBCASE("a name that is too long") {
        full.name = {"x", huge};
    }
    SUBCASE("unknown network") {
        full.network = 5;
    }
    SUBCASE("time before 1970") {
        full.created_at_ms = -1;
    }
    SUBCASE("time after 9999") {
        full.expires_at_ms = {std::numeric_limits<std::int64_t>::max(), 1};
    }
    SUBCASE("a count without data") {
        full.labels = {nullptr, 3};
    }
    SUBCASE("a count that no memory has") {
        full.labels = {twice, huge};
    }
    SUBCASE("labels that are not text") {
        full.labels = {not_text, 1};
    }
    SUBCASE("one label twice") {
        full.labels = {twice, 2};
    }
    SUBCASE("one variable twice") {
        env.env = {twice, 2};
    }
    SUBCASE("no name of a variable") {
        env.env = {bad_name, 1};
    }
    SUBCASE("NUL in a value") {
        env.env = {with_nul, 1};
    }
    SUBCASE("a value that no memory has") {
        env.env = {long_value, 1};
    }
    SUBCASE("a value without data") {
        env.env = {no_data, 1};
    }
    SUBCASE("negative timeout") {
        env.timeout_ms = {-1, 1};
    }
    SUBCASE("a limit that is no number") {
        env.cpu_limit = {std::nan(""), 1};
    }
    SUBCASE("a negative limit") {
        env.cpu_limit = {-1, 1};
    }
    SUBCASE("a usage that is no number") {
        usage.cpu_percent = {std::numeric_limits<double>::infinity(), 1};
        full.usage = &usage;
    }
    SUBCASE("a usage too short") {
        usage.size = 8;
        full.usage = &usage;
    }
    CHECK(breach_number(full) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "many pairs of bearable size are too many together") {
    const std::string value(1024 * 1024, 'v');
    std::vector<std::string> names;
    std::vector<berth_pair> pairs;
    for (int index = 0; index < 16; ++index)
        names.push_back("N" + std::to_string(index));
    for (const auto& name : names)
        pairs.push_back({text(name), text(value), 0});
    env.env = {pairs.data(), pairs.size()};
    CHECK(breach_number(full) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "no message about a variable shows its value") {
    const berth_pair with_nul[] = {{text("A"), text(std::string_view("canary\0b", 8)), 0}};
    env.env = {with_nul, 1};
    try {
        (void)read_info(&full, {"acme", {}, nullptr, {}});
        FAIL("it was taken");
    } catch (const Breach& breach) {
        CHECK(std::string(breach.what()).find("canary") == std::string::npos);
    }
}

TEST_CASE_FIXTURE(Fixture, "another idempotency key than the one given is a breach, none is filled in") {
    const InfoRules rules{"acme", {}, nullptr, "key-1"};
    CHECK(read_info(&full, rules).idempotency_key == "key-1");
    full.idempotency_key = text("key-2");
    CHECK(breach_number(full, rules) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "an info is taken even after a cancel, and the plugin hears of the cancel") {
    FacedCall faced;
    InfoSink sink(faced.face, {"acme", {}, nullptr, {}});
    auto* const c = sink.face();
    faced.call.cancel(CancelReason::caller);
    CHECK(c->put(c, &full) == BERTH_CANCELLED);
    CHECK(sink.close().has_value());
    CHECK(c->put(c, &full) == BERTH_CONTRACT);
}

TEST_CASE_FIXTURE(Fixture, "a handler that fails ends the call with its error") {
    FacedCall faced;
    InfoSink sink(faced.face, {"acme", {}, nullptr, {}}, [](const SandboxInfo&) {
        throw Error(Diagnostic{"BERTH-E-98", Code::unavailable}, "journal");
    });
    auto* const c = sink.face();
    CHECK(c->put(c, &full) == BERTH_UNAVAILABLE);
    CHECK(faced.face.take_records().host_failure->diagnostic() == "BERTH-E-98");
}

TEST_CASE_FIXTURE(Fixture, "free text of a sandbox is shown without known secrets") {
    FacedCall faced;
    faced.log->secrets().add("token-canary");
    const berth_pair facts[] = {{text("url"), text("https://token-canary@x"), 0}};
    full.facts = {facts, 1};
    full.error_text = text("bad token-canary");
    InfoSink sink(faced.face, {"acme", {}, nullptr, {}});
    auto* const c = sink.face();
    REQUIRE(c->put(c, &full) == BERTH_OK);
    const auto& taken = sink.close();
    CHECK(taken->facts[0].second == "https://***@x");
    CHECK(taken->error == "bad ***");
}

TEST_CASE("is_ready is answered by 0 or 1") {
    FacedCall faced;
    ReadySink sink(faced.face);
    auto* const c = sink.face();
    CHECK(c->put(c, 1) == BERTH_OK);
    CHECK(c->put(c, 0) == BERTH_OK);
    CHECK(c->put(c, 2) == BERTH_CONTRACT);
    CHECK(sink.close() == false);
    CHECK(c->put(c, 1) == BERTH_CONTRACT);
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE("is_ready without an answer, or after an object of the host has failed, is none") {
    FacedCall faced;
    ReadySink unanswered(faced.face);
    CHECK(unanswered.close() == std::nullopt);
    ReadySink sink(faced.face);
    (void)faced.face.host_failed(Error(provider_diagnostics::malformed, "the host's own trouble"));
    CHECK(sink.face()->put(sink.face(), 1) == static_cast<berth_status>(Code::protocol_error));
    CHECK(sink.close() == std::nullopt);
}

TEST_CASE("variables come one by one, each name once") {
    FacedCall faced;
    VariablesSink sink(faced.face);
    auto* const c = sink.face();
    const berth_pair pair{text("A"), text("1"), 0};
    CHECK(c->put(c, &pair) == BERTH_OK);
    CHECK(c->put(c, &pair) == BERTH_CONTRACT);
    CHECK(c->put(c, nullptr) == BERTH_CONTRACT);
    CHECK(sink.close() == Variables{{"A", "1"}});
}

TEST_CASE("logs stop at a cancel") {
    FacedCall faced;
    std::string seen;
    BytesSink sink(faced.face, [&seen](std::string_view part) { seen += part; });
    auto* const c = sink.face();
    CHECK(c->write(c, bytes("a")) == BERTH_OK);
    CHECK(c->write(c, {nullptr, 9}) == BERTH_CONTRACT);
    faced.call.cancel(CancelReason::caller);
    CHECK(c->write(c, bytes("b")) == BERTH_CANCELLED);
    CHECK(seen == "a");
}

TEST_CASE("a snapshot's id is bounded and well-formed") {
    FacedCall faced;
    IdSink sink(faced.face);
    auto* const c = sink.face();
    const std::string much(5000, 'a');
    CHECK(c->write(c, bytes(much)) == BERTH_CONTRACT);
    CHECK(c->write(c, bytes("..")) == BERTH_OK);
    (void)sink.close();
    CHECK(breach_of(faced.face) == "BERTH-R-57");
}

TEST_CASE("snapshots are sorted, and one that comes twice is a breach") {
    FacedCall faced;
    SnapshotSink sink(faced.face, "acme");
    auto* const c = sink.face();
    berth_snapshot_info snapshot{};
    snapshot.size = sizeof snapshot;
    snapshot.id = text("b");
    snapshot.created_at_ms = 7;
    snapshot.size_bytes = {10, 1};
    CHECK(c->put(c, &snapshot) == BERTH_OK);
    snapshot.id = text("a");
    CHECK(c->put(c, &snapshot) == BERTH_OK);
    snapshot.sandbox_id = text("not/an/id");
    CHECK(c->put(c, &snapshot) == BERTH_CONTRACT);
    CHECK(c->put(c, nullptr) == BERTH_CONTRACT);
    auto& snapshots = sink.close();
    REQUIRE(snapshots.size() == 2);
    CHECK(snapshots[0].id == "a");
    CHECK(snapshots[0].provider == "acme");
    CHECK(snapshots[1].size_bytes == 10U);
}

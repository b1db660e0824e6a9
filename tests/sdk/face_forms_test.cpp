// The other forms a class may take: in berth::Locked, results instead of sinks, snapshots; and the three helpers.
#include <doctest/doctest.h>

#include <atomic>
#include <berth/provider.hpp>
#include <berth/testing.hpp>
#include <cmath>
#include <set>
#include <thread>

using namespace berth;
using namespace std::chrono_literals;
using testing::FakeHost;
using testing::Instance;

namespace {

/// Counts without a lock of its own how often its methods run, and how many at once.
class Plain {
public:
    Plain(Host, const Settings&) {}
    SandboxInfo create(Call&, const SandboxConfig&, FileSource&) { throw Error(Code::unsupported, "not in this test"); }
    SandboxInfo get(Call&, std::string_view id) {
        const int inside = ++inside_;
        if (inside > most_) most_ = inside;
        std::this_thread::yield();
        --inside_;
        ++count_;
        SandboxInfo info;
        info.id = id;
        info.state = SandboxState::ready;
        info.created_at = now();
        info.facts.set("count", std::to_string(count_));
        info.facts.set("most", std::to_string(most_));
        return info;
    }
    std::vector<SandboxInfo> list(Call& call) { return {get(call, "a"), get(call, "b")}; }
    void destroy(Call&, std::string_view) {}
    ProcessEnd execute(Call& call, std::string_view, const Process&, ProcessSink& sink) {
        const int count = call.locked([&] { return count_; });
        (void)sink.output(Stream::out, std::to_string(count));
        return ProcessEnd::exited(0);
    }
    ProcessEnd execute_stream(Call& call, std::string_view id, const Process& process, ProcessSink& sink) {
        return execute(call, id, process, sink);
    }
    void upload_files(Call&, std::string_view, FileSource&) {}
    void download_files(Call&, std::string_view, Paths, FileSink&) {}
    Usage get_resource_usage(Call&, std::string_view) { return {}; }
    bool is_ready(Call&, std::string_view) { return true; }
    SandboxInfo restart(Call& call, std::string_view id) {
        return call.locked([&] { return get(call, id); });
    }
    std::string create_snapshot(Call&, std::string_view id, std::string_view name) {
        return std::string{id} + "-" + std::string{name};
    }
    void restore_snapshot(Call&, std::string_view, std::string_view snapshot) {
        if (snapshot != "one-s") throw Error(Code::snapshot_not_found, "no such snapshot");
    }
    std::string get_logs(Call&, std::string_view, const LogOptions&) { return "log\n"; }
    std::vector<SnapshotInfo> list_snapshots(Call&) { return {{"one-s", "s", "one", Time{5ms}, 7, {}}}; }
    void delete_snapshot(Call&, std::string_view snapshot) {
        if (snapshot != "one-s") throw Error(Code::snapshot_not_found, "no such snapshot");
    }

private:
    std::atomic<int> inside_{0};  // atomic to be counted right even where the lock is missing
    std::atomic<int> most_{0};
    int count_ = 0;
};

/// Others offer less, so that their lists of methods have other lengths.
struct WithoutLogs : Plain {
    void get_logs() = delete;
};
struct WithoutSnapshot : Plain {
    void create_snapshot() = delete;
};
struct WithoutRestore : Plain {
    void restore_snapshot() = delete;
};
struct WithoutList : Plain {
    void list_snapshots() = delete;
};
struct WithoutAny : WithoutList {
    void get_logs() = delete;
    void create_snapshot() = delete;
    void restore_snapshot() = delete;
};

/// Whether a note behind it would begin where a reader looks for it; the text has no space too many.
template <class T>
constexpr bool note_is_exact() {
    constexpr auto note = berth::detail::provides_note<T>();
    return sizeof note.content == (note.content_size + 3) / 4 * 4 && note.content[note.content_size - 1] != ' ' &&
           note.content[note.content_size - 1] != 0;
}
static_assert(note_is_exact<Plain>() && note_is_exact<WithoutLogs>() && note_is_exact<WithoutSnapshot>() &&
              note_is_exact<WithoutRestore>() && note_is_exact<WithoutList>() && note_is_exact<WithoutAny>());

/// Views on a request for the helpers.
struct Request {
    berth_environment environment = berth::detail::sized<berth_environment>();
    berth_sandbox_config config = berth::detail::sized<berth_sandbox_config>();
    berth_process process = berth::detail::sized<berth_process>();
    Request() {
        config.environment = process.environment = &environment;
        config.idempotency_key = berth::detail::text("k");
        process.command = berth::detail::text("true");
    }
    void accepts() const {
        check_sandbox_config(SandboxConfig{config});
        check_process(Process{process});
    }
    /// The message of the refusal, of whichever check refuses first.
    std::string refusal() const {
        try {
            accepts();
        } catch (const Error& error) {
            CHECK(error.code() == Code::invalid_argument);
            CHECK(error.outcome() == Outcome::none);
            return error.message();
        }
        return "accepted";
    }
};

}  // namespace

BERTH_PLUGIN(Locked<Plain>, R"({"name": "plain", "version": "1.0.0"})")

TEST_CASE("in berth::Locked one method runs at a time, and streams reach the members under the lock") {
    FakeHost host;
    Instance plain{host};
    std::vector<std::thread> threads;
    for (int n = 0; n < 4; ++n)
        threads.emplace_back([&] {
            for (int turn = 0; turn < 200; ++turn)
                (void)plain.get("one");
        });
    for (std::thread& thread : threads)
        thread.join();
    const auto last = plain.get("one");
    CHECK(*last->facts.find("count") == "801");
    CHECK(*last->facts.find("most") == "1");
    CHECK(plain.execute("one", {"count"}).out == "801");
    CHECK(plain.restart("one").ok());  // locked() within a locked method
}

TEST_CASE("a stream that lasts does not keep a destroy waiting") {
    FakeHost host;
    Instance plain{host};
    testing::ProcessRequest request{"count"};
    bool destroyed = false;
    request.on_output = [&](testing::FakeCall&, Stream, std::string_view) {
        std::thread{[&] { destroyed = plain.destroy("one").ok(); }}.join();
    };
    CHECK(plain.execute_stream("one", request).end);
    CHECK(destroyed);
}

TEST_CASE("results instead of sinks, and the extension for snapshots") {
    FakeHost host;
    Instance plain{host};
    CHECK(plain.list()->size() == 2);
    CHECK(plain.get_logs("one").result == "log\n");
    CHECK(*plain.create_snapshot("one", "s") == "one-s");
    CHECK(plain.restore_snapshot("one", "one-s").ok());
    CHECK(plain.restore_snapshot("one", "x").error->code() == Code::snapshot_not_found);
    const auto snapshots = plain.list_snapshots();
    REQUIRE(snapshots->size() == 1);
    CHECK(snapshots.result[0].name == "s");
    CHECK(snapshots.result[0].sandbox_id == "one");
    CHECK(snapshots.result[0].created_at == Time{5ms});
    CHECK(snapshots.result[0].size_bytes == 7u);
    CHECK_FALSE(snapshots.result[0].expires_at);
    CHECK(plain.delete_snapshot("one-s").ok());
    CHECK(plain.delete_snapshot("x").error->code() == Code::snapshot_not_found);
    CHECK(plain.describe()->empty());
    const berth_plugin& plugin = *berth_plugin_v1(0);
    CHECK(plugin.get_extension(berth::detail::text("com.acme.gpu/1")) == nullptr);
    const bool sets_environment = plugin.methods->set_environment_variables != nullptr;
    CHECK_FALSE(sets_environment);
}

TEST_CASE("the helpers accept what is well-formed and name what is not") {
    CHECK(Request{}.refusal() == "accepted");
    const auto with = [](auto change) {
        Request request;
        change(request);
        return request.refusal();
    };
    using berth::detail::text;
    berth_pair pair{text("1A"), text(""), 0};
    const auto env = [&](Request& r) { r.environment.env = {&pair, 1}; };
    CHECK(with(env).find("environment variable must match") != std::string::npos);
    pair = {text("A_1"), text(std::string_view{"a\0b", 3}), 0};
    CHECK(with(env).find("NUL") != std::string::npos);
    pair.value = text("\xff any byte");
    CHECK(with(env) == "accepted");
    CHECK(with([](Request& r) { r.environment.timeout_ms = {-1, 1}; }) == "timeout must not be negative");
    CHECK(with([](Request& r) { r.environment.timeout_ms = {0, 1}; }) == "accepted");
    CHECK(with([](Request& r) { r.environment.cpu_limit = {NAN, 1}; }).find("cpu_limit") == 0);
    CHECK(with([](Request& r) { r.environment.cpu_limit = {800, 1}; }) == "accepted");
    CHECK(with([](Request& r) { r.config.ttl_ms = {-5, 1}; }) == "ttl must not be negative");
    CHECK(with([](Request& r) { r.config.name = text("a\nb"); }).find("control") != std::string::npos);
    const std::string long_name(129, 'x');
    CHECK(with([&](Request& r) { r.config.name = text(long_name); }).find("128") != std::string::npos);
    CHECK(with([](Request& r) { r.process.command = text(" \t"); }) == "command must not be empty or blank");
    CHECK(with([](Request& r) {
              r.process.flags = BERTH_PROCESS_LIVE_STDIN;
              r.process.input = berth::detail::bytes("");
          }).find("exclude") != std::string::npos);
}

TEST_CASE("ids are well-formed, and differ") {
    std::set<std::string> ids;
    for (int n = 0; n < 1000; ++n) {
        const std::string id = make_id();
        CHECK(id.substr(0, 8) == "sandbox_");
        CHECK(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
        CHECK(id.size() - id.rfind('_') == 10);
        ids.insert(id);
    }
    CHECK(ids.size() == 1000);
    CHECK(make_id("x").substr(0, 2) == "x_");
}

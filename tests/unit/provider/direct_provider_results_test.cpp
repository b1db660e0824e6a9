// What a provider gives back of what its plugin answers: checked, or one error.
#include "provider/direct_provider.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "support.hpp"

using namespace berth;
using namespace berth_test;

namespace {

struct Fixture {
    FakePlugin plugin;
    Call call{{.method = "get"}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "secrets of a request are masked in infos and errors") {
    SandboxConfig config;
    config.environment.env = {{"TOKEN", "canary-1"}, {"PLAIN", "shown"}};
    config.secret_env = {"TOKEN"};
    bool fails = false;
    plugin.create = [&fails](berth_call* c, const berth_sandbox_config* request, berth_file_source*,
                             berth_info_sink* sink) {
        auto env = environment();
        const berth_pair pairs[] = {{text("TOKEN"), text("canary-1"), 0},
                                    {text("PLAIN"), text("shown"), 0},
                                    {text("OTHER"), text("canary-2"), BERTH_PAIR_SECRET}};
        env.env = {pairs, 3};
        auto full = info("box", env);
        const berth_pair facts[] = {{text("url"), text("https://x/canary-3"), BERTH_PAIR_SECRET}};
        full.facts = {facts, 1};
        (void)sink->put(sink, &full);
        if (!fails) return berth_status{BERTH_OK};
        const auto value = request->environment->env.data[1].value;
        const std::string message = "exec: " + std::string(value.data, value.size);
        auto failure = error(BERTH_INTERNAL, message);
        return c->fail(c, &failure);
    };
    const auto provider = plugin.open();
    NoFiles files;
    const auto made = provider->create(call, config, files, {});
    CHECK(made.environment.env == Variables{{"OTHER", "***"}, {"PLAIN", "shown"}, {"TOKEN", "***"}});
    CHECK(made.secret_env == std::set<std::string>{"OTHER", "TOKEN"});
    CHECK(made.facts[0].second == "***");
    fails = true;
    const auto failure = error_of([&] { (void)provider->create(call, config, files, {}); });
    CHECK(std::string(failure.what()).find("canary") == std::string::npos);
    CHECK(failure.fields().message == "exec: ***");
}

TEST_CASE_FIXTURE(Fixture, "an exception of a plugin without a word of the secret it holds") {
    plugin.get = [](berth_call*, berth_str, berth_info_sink*) -> berth_status {
        throw std::runtime_error("login with token-canary failed");
    };
    const EnvironmentVariables variables(EnvironmentVariables::Variables{{"ACME_TOKEN", "token-canary"}});
    Settings settings;
    settings.secrets["/token"] = {SecretSource::Kind::variable, "ACME_TOKEN", "${env:ACME_TOKEN}", "berth.yaml:3:5"};
    plugin.on_open = [](const berth_host* host, berth_call* c) {
        berth_bytes_sink sink{sizeof sink, 0, nullptr,
                              [](berth_bytes_sink*, berth_bytes) -> berth_status { return BERTH_OK; }};
        CHECK(host->secrets->get(host, c, text("/token"), &sink) == BERTH_OK);
        host->log(host, BERTH_LOG_INFO, text("using token-canary"));
        return BERTH_OK;
    };
    const auto provider = plugin.open(settings, variables);
    const auto failure = error_of([&] { (void)provider->get(call, "box"); });
    CHECK(failure.diagnostic() == "BERTH-R-50");
    CHECK(failure.fields().message == "the plugin threw an exception: login with *** failed");
    plugin.lines.wait_for("using ***");
    CHECK(plugin.lines.all().find("canary") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a thing that is not an exception may be thrown, too") {
    plugin.destroy = [](berth_call*, berth_str) -> berth_status { throw 42; };
    const auto provider = plugin.open();
    const auto failure = error_of([&] { provider->destroy(call, "box"); });
    CHECK(failure.diagnostic() == "BERTH-R-50");
    CHECK(failure.fields().sandbox == "box");
}

TEST_CASE_FIXTURE(Fixture, "ids are checked on the way back") {
    const auto provider = plugin.open();
    std::string id;
    SUBCASE("dots") {
        id = "..";
    }
    SUBCASE("a path") {
        id = "a/b";
    }
    SUBCASE("nothing") {
        id = "";
    }
    SUBCASE("too long") {
        id = std::string(129, 'a');
    }
    SUBCASE("another one than was asked for") {
        id = "other";
    }
    plugin.get = answers_for(id);
    CHECK(error_of([&] { (void)provider->get(call, "box"); }).diagnostic() == "BERTH-R-57");
    CHECK(error_of([&] { (void)provider->restart(call, "box"); }).diagnostic() == "BERTH-R-57");
}

TEST_CASE_FIXTURE(Fixture, "a list is sorted by time and id, and a sandbox that comes twice is refused") {
    std::vector<std::pair<std::int64_t, std::string>> given = {{5, "b"}, {9, "a"}, {5, "a1"}};
    plugin.list = [&given](berth_call*, berth_info_sink* sink) {
        const auto env = environment();
        for (const auto& [time, id] : given) {
            auto full = info(id, env);
            full.created_at_ms = time;
            if (const auto status = sink->put(sink, &full); status != BERTH_OK) return status;
        }
        return berth_status{BERTH_OK};
    };
    const auto provider = plugin.open();
    std::vector<std::string> ids;
    for (const auto& one : provider->list(call))
        ids.push_back(one.id);
    CHECK(ids == std::vector<std::string>{"a1", "b", "a"});
    given.emplace_back(77, "b");
    CHECK(error_of([&] { (void)provider->list(call); }).diagnostic() == "BERTH-R-58");
    given.clear();
    CHECK(provider->list(call).empty());
}

TEST_CASE_FIXTURE(Fixture, "a list that fails shows none") {
    plugin.list = [](berth_call* c, berth_info_sink* sink) {
        const auto env = environment();
        const auto full = info("box", env);
        (void)sink->put(sink, &full);
        auto failure = error(BERTH_UNAVAILABLE, "page 2 did not come");
        return c->fail(c, &failure);
    };
    const auto provider = plugin.open();
    CHECK(error_of([&] { (void)provider->list(call); }).diagnostic() == "BERTH-R-20");
}

TEST_CASE_FIXTURE(Fixture, "OK without a result is refused for every method that has one") {
    const auto provider = plugin.open();
    NoFiles files;
    Receiver receiver;
    const auto number = [](auto&& function) { return std::string(error_of(function).diagnostic()); };
    CHECK(number([&] { (void)provider->create(call, {}, files, {}); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->get(call, "a"); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->restart(call, "a"); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->execute(call, "a", {}, receiver); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->execute_stream(call, "a", {}, receiver); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->get_resource_usage(call, "a"); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->is_ready(call, "a"); }) == "BERTH-R-51");
    CHECK(number([&] { (void)provider->create_snapshot(call, "a", "name"); }) == "BERTH-R-51");
    CHECK_NOTHROW(provider->destroy(call, "a"));
    CHECK_NOTHROW(provider->upload_files(call, "a", files));
    CHECK(provider->get_environment_variables(call, "a").empty());
    CHECK(provider->list_snapshots(call).empty());
}

TEST_CASE_FIXTURE(Fixture, "OK without taking every file is refused") {
    plugin.create = [](berth_call*, const berth_sandbox_config*, berth_file_source*, berth_info_sink* sink) {
        const auto env = environment();
        const auto full = info("box", env);
        return sink->put(sink, &full);
    };
    const auto provider = plugin.open();
    OneFile left_at_upload;
    OneFile left_at_create;
    const auto failure = error_of([&] { provider->upload_files(call, "box", left_at_upload); });
    CHECK(failure.diagnostic() == "BERTH-R-51");
    CHECK(failure.fields().message.find("\"/workspace/a.txt\"") != std::string::npos);
    CHECK(error_of([&] { (void)provider->create(call, {}, left_at_create, {}); }).diagnostic() == "BERTH-R-51");
}

TEST_CASE_FIXTURE(Fixture, "an upload is taken entry by entry") {
    std::string content;
    plugin.upload_files = [&content](berth_call*, berth_str, berth_file_source* source) {
        berth_file_entry entry{};
        entry.size = sizeof entry;
        while (source->next(source, &entry) == BERTH_OK) {
            content += std::string(entry.path.data, entry.path.size) + "=";
            char buffer[2];
            std::uint64_t got = 0;
            while (source->read(source, buffer, sizeof buffer, &got) == BERTH_OK)
                content.append(buffer, std::min<std::size_t>(got, sizeof buffer));
            source->done(source, entry.operation);
            return berth_status{source->next(source, &entry) == BERTH_END ? BERTH_OK : BERTH_INTERNAL};
        }
        return berth_status{BERTH_INTERNAL};
    };
    const auto provider = plugin.open();
    OneFile file;
    // A source may give at most what there is room for.
    class Small final : public FileSource {
    public:
        std::optional<FileEntry> next() override {
            if (std::exchange(given_, true)) return std::nullopt;
            FileEntry entry;
            entry.path = "/a";
            return entry;
        }
        std::size_t read(std::span<std::byte> buffer) override {
            const auto count = std::min(buffer.size(), rest_.size());
            std::copy_n(reinterpret_cast<const std::byte*>(rest_.data()), count, buffer.begin());
            rest_.remove_prefix(count);
            return count;
        }
        bool rewind() override { return false; }
        int pipe() override { return -1; }
        void done(std::uint64_t) override {}

    private:
        std::string_view rest_ = "abcde";
        bool given_ = false;
    } small;
    provider->upload_files(call, "box", small);
    CHECK(content == "/a=abcde");
}

TEST_CASE_FIXTURE(Fixture, "other values come back checked") {
    plugin.get_resource_usage = [](berth_call*, berth_str, berth_usage_sink* sink) {
        berth_usage usage{};
        usage.size = sizeof usage;
        usage.memory_bytes = {4096, 1};
        return sink->put(sink, &usage);
    };
    plugin.is_ready = [](berth_call*, berth_str, berth_ready_sink* sink) { return sink->put(sink, 1); };
    plugin.create_snapshot = [](berth_call*, berth_str, berth_str name, berth_bytes_sink* sink) {
        (void)sink->write(sink, bytes("snap-"));
        return sink->write(sink, {reinterpret_cast<const std::uint8_t*>(name.data), name.size});
    };
    plugin.get_environment_variables = [](berth_call*, berth_str, berth_pairs_sink* sink) {
        const berth_pair pair{text("KEY"), text("va\nlue"), 0};
        return sink->put(sink, &pair);
    };
    plugin.get_logs = [](berth_call*, berth_str, const berth_log_options* options, berth_bytes_sink* sink) {
        CHECK(options->flags == BERTH_LOG_FOLLOW);
        CHECK(options->lines.value == 3);
        CHECK(options->since_ms.present == 0);
        (void)sink->write(sink, bytes("one\n"));
        return sink->write(sink, bytes("two\n"));
    };
    const auto provider = plugin.open();
    const auto usage = provider->get_resource_usage(call, "a");
    CHECK(usage.memory_bytes == 4096U);
    CHECK_FALSE(usage.cpu_percent);
    CHECK(provider->is_ready(call, "a"));
    CHECK(provider->create_snapshot(call, "a", "monday") == "snap-monday");
    CHECK(error_of([&] { (void)provider->create_snapshot(call, "a", "mon/day"); }).diagnostic() == "BERTH-R-57");
    CHECK(provider->get_environment_variables(call, "a") == Variables{{"KEY", "va\nlue"}});
    std::string log;
    provider->get_logs(call, "a", {3, {}}, Provider::Follow::yes, [&](std::string_view part) { log += part; });
    CHECK(log == "one\ntwo\n");
}

TEST_CASE_FIXTURE(Fixture, "a method that the plugin does not have is UNSUPPORTED without entering it") {
    const auto provider = plugin.open();
    const auto failure = error_of([&] { provider->restore_snapshot(call, "a", "s"); });
    CHECK(failure.code() == Code::unsupported);
    CHECK(failure.fields().outcome == Outcome::none);
}

// Plugins that load and then break the contract in a call: each gets its own number, and the good one beside it works.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "plugin_directory.hpp"
#include "provider/direct_provider.hpp"

using namespace berth;
using namespace misbehaving;

namespace {

class Receiver final : public ProcessReceiver {
public:
    void started(std::optional<std::int64_t>) override {}
    Taken output(OutputStream, std::string_view bytes) override {
        seen += bytes;
        return Taken::taken;
    }
    std::string seen;
};

class NoFiles final : public FileSource {
public:
    std::optional<FileEntry> next() override { return std::nullopt; }
    std::size_t read(std::span<std::byte>) override { return 0; }
    bool rewind() override { return false; }
    int pipe() override { return -1; }
    void done(std::uint64_t) override {}
};

std::unique_ptr<Provider> opened(const Catalog& catalog, const std::string& name, const std::string& copies) {
    const auto& loaded = load_plugin(file_named(catalog, name + ".so"), TrustRules::of_this_process(), copies);
    Call call({.method = "open"});
    return open_direct_provider(call, loaded,
                                {name, {}, {}, std::make_shared<Log>(LogLevel::error, Log::Handler()), {}});
}

template <typename Function>
Error failure_of(Function&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return {Diagnostic{"BERTH-R-00", Code::internal}, "unreachable"};
}

/// What `act` gets from the bad plugin; the good one beside it must do the same act well.
template <typename Act>
Error failure_beside_good(const std::string& name, const Act& act) {
    const PluginDirectory directory{name};
    const auto catalog = directory.read();
    const auto bad = opened(catalog, name, directory.copies());
    const auto error = failure_of([&] { act(*bad); });
    const auto good = opened(catalog, "good", directory.copies());
    CHECK_NOTHROW(act(*good));
    CHECK(error.fields().provider == name);
    return error;
}

void get_one(Provider& provider) {
    Call call({.method = "get"});
    const auto info = provider.get(call, "one");
    CHECK(info.id == "one");
}

void list_all(Provider& provider) {
    Call call({.method = "list"});
    const auto infos = provider.list(call);
    CHECK(infos.size() == 1);
}

void execute_one(Provider& provider) {
    Call call({.method = "execute"});
    Receiver receiver;
    const auto end = provider.execute(call, "one", {}, receiver);
    CHECK(end.exit_code == 0);
    CHECK(receiver.seen == "hello\n");
}

}  // namespace

TEST_CASE("a good plugin does what it says, from a real file") {
    const PluginDirectory directory{};
    const auto catalog = directory.read();
    const auto provider = opened(catalog, "good", directory.copies());
    CHECK(provider->offer().has_method("get_logs"));
    CHECK(provider->offer().has_method("berth.snapshots/1"));
    CHECK_FALSE(provider->offer().has_method("create_snapshot"));
    Call call({.method = "create"});
    NoFiles files;
    SandboxConfig config;
    config.idempotency_key = "key-1";
    CHECK(provider->create(call, config, files, {}).idempotency_key == "key-1");
    get_one(*provider);
    list_all(*provider);
    execute_one(*provider);
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

TEST_CASE("open throws") {
    const PluginDirectory directory{"open_throws"};
    const auto error = failure_of([&] { (void)opened(directory.read(), "open_throws", directory.copies()); });
    CHECK(error.diagnostic() == "BERTH-R-50");
    CHECK(says(error, {"thrown across the contract", "open", "provider open_throws"}));
}

TEST_CASE("open fails and says why") {
    const PluginDirectory directory{"open_fails"};
    const auto error = failure_of([&] { (void)opened(directory.read(), "open_fails", directory.copies()); });
    CHECK(error.diagnostic() == "BERTH-R-19");
    CHECK(says(error, {"the token has expired"}));
}

TEST_CASE("a method throws") {
    const auto error = failure_beside_good("throws", get_one);
    CHECK(error.diagnostic() == "BERTH-R-50");
    CHECK(error.code() == Code::internal);
    CHECK(says(error, {"thrown across the contract", "get, throws/one"}));
}

TEST_CASE("an error without a word of fail") {
    const auto error = failure_beside_good("fails_without_saying", get_one);
    CHECK(error.diagnostic() == "BERTH-R-52");
    CHECK(error.code() == Code::unavailable);
    CHECK(error.fields().outcome == Outcome::unknown);
}

TEST_CASE("OK without a result") {
    CHECK(failure_beside_good("ok_without_result", get_one).diagnostic() == "BERTH-R-51");
    const auto error = failure_beside_good("ok_without_result", execute_one);
    CHECK(error.diagnostic() == "BERTH-R-51");
    CHECK(error.code() == Code::protocol_error);
    CHECK(error.fields().outcome == Outcome::unknown);
}

TEST_CASE("a process that ends twice, with output in between") {
    const auto error = failure_beside_good("ends_twice", execute_one);
    CHECK(error.diagnostic() == "BERTH-R-55");
    CHECK(error.code() == Code::protocol_error);
    CHECK(error.fields().outcome == Outcome::done);
}

TEST_CASE("an error number that nobody knows") {
    const auto error = failure_beside_good("unknown_number", get_one);
    CHECK(error.diagnostic() == "BERTH-R-54");
    CHECK(error.code() == Code::internal);
    CHECK(says(error, {"77"}));
}

TEST_CASE("a number that belongs to sinks") {
    const auto error = failure_beside_good("sink_number", get_one);
    CHECK(error.diagnostic() == "BERTH-R-53");
    CHECK(error.code() == Code::protocol_error);
    CHECK(says(error, {"1003"}));
}

TEST_CASE("an id that is a path") {
    const auto error = failure_beside_good("id_with_dots", list_all);
    CHECK(error.diagnostic() == "BERTH-R-57");
    CHECK(says(error, {"\"../one\""}));
}

TEST_CASE("a name that is no text") {
    const auto error = failure_beside_good("name_not_utf8", get_one);
    CHECK(error.diagnostic() == "BERTH-R-56");
    CHECK(says(error, {"name of a sandbox", "not UTF-8"}));
}

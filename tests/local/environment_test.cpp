// The variables of a sandbox: layers, changes that are whole or not at all, secrets that stay secret.
#include "local/environment.hpp"

#include "room.hpp"

using namespace room;

namespace {

rooms::Record record_with(std::vector<rooms::NamedValue> variables) {
    rooms::Record record;
    record.environment = std::move(variables);
    return record;
}

const rooms::NamedValue* find(const std::vector<rooms::NamedValue>& all, std::string_view name) {
    for (const rooms::NamedValue& value : all) {
        if (value.name == name) {
            return &value;
        }
    }
    return nullptr;
}

}  // namespace

TEST_CASE("defaults lie under the sandbox's own variables and are none of them") {
    rooms::Record record = record_with({{"HOME", "/elsewhere"}, {"A", "1"}});
    CHECK(find(rooms::whole_environment(record), "HOME")->value == "/elsewhere");
    CHECK(find(rooms::whole_environment(record), "PATH") != nullptr);
    CHECK(record.environment.size() == 2);
    rooms::change_environment(record, {}, {"HOME"});
    CHECK(find(rooms::whole_environment(record), "HOME")->value == "/home/sandbox");
}

TEST_CASE("a change merges and unsets") {
    rooms::Record record = record_with({{"KEPT", "1"}, {"CHANGED", "2"}, {"GONE", "3"}});
    rooms::change_environment(record, {{"CHANGED", ""}, {"NEW", "a b\n\xff"}}, {"GONE", "NEVER_THERE"});
    CHECK(record.environment.size() == 3);
    CHECK(find(record.environment, "KEPT")->value == "1");
    CHECK(find(record.environment, "CHANGED")->value.empty());
    CHECK(find(record.environment, "NEW")->value == "a b\n\xff");
}

TEST_CASE("what was secret is secret for ever") {
    rooms::Record record = record_with({{"TOKEN", "t", true}, {"PLAIN", "p"}});
    rooms::change_environment(record, {{"TOKEN", "changed"}}, {});
    CHECK(find(record.environment, "TOKEN")->secret);
    rooms::change_environment(record, {}, {"TOKEN"});
    record = rooms::parse_record(rooms::to_text(record)).value();
    rooms::change_environment(record, {{"TOKEN", "again"}, {"PLAIN", "q"}}, {});
    CHECK(find(record.environment, "TOKEN")->secret);
    CHECK_FALSE(find(record.environment, "PLAIN")->secret);
}

TEST_CASE("128 KiB are the limit, counted as the kernel does; shrinking is always allowed") {
    rooms::Record record = record_with({{"A", "1"}});
    const std::size_t room = rooms::most_environment_bytes - 4 - 3;  // A=1, and B= with its end
    rooms::change_environment(record, {{"B", std::string(room, 'x')}}, {});
    const rooms::Failure failure = failure_of([&] { rooms::change_environment(record, {{"C", ""}, {"A", "2"}}, {}); });
    CHECK(failure.code == BERTH_RESOURCE_EXHAUSTED);
    CHECK(failure.outcome == BERTH_OUTCOME_NONE);
    CHECK(find(record.environment, "A")->value == "1");
    CHECK(record.environment.size() == 2);
    rooms::Record large = record_with({{"L", std::string(200'000, 'x')}, {"M", std::string(200'000, 'x')}});
    rooms::change_environment(large, {}, {"M"});
    CHECK(large.environment.size() == 1);
}

TEST_CASE("set variables reach later processes, not running ones, and outlive a restart") {
    Provider provider;
    rooms::CreateRequest request;
    request.environment = {{"FIRST", "given"}};
    const std::string id = provider.create(request);
    TestCaller caller;
    TestSink sink;
    sink.on_output = [&] {
        if (sink.out == "up\n") {
            provider.sandboxes.set_environment(id, {{"FIRST", "changed"}, {"SECOND", "new"}}, {}, provider.caller);
            caller.signal(SIGUSR1);
        }
    };
    (void)provider.sandboxes.run(
        id, Provider::shell("trap 'echo $FIRST$SECOND; exit' USR1; echo up; while :; do sleep 0.01; done"), caller,
        sink);
    CHECK(sink.out == "up\ngiven\n");
    CHECK(provider.run(id, "echo $FIRST$SECOND").out == "changednew\n");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, "echo $FIRST$SECOND").out == "changednew\n");
    rooms::RunRequest own = Provider::shell("echo $FIRST$SECOND");
    own.environment = {{"SECOND", "own"}};
    CHECK(provider.run(id, own).out == "changedown\n");
    CHECK(provider.sandboxes.environment(id).size() == 2);
}

TEST_CASE("changes from many sides at once are all there afterwards") {
    Provider provider;
    const std::string id = provider.create();
    std::vector<std::thread> threads;
    for (int side = 0; side < 4; ++side) {
        threads.emplace_back([&, side] {
            rooms::Sandboxes own(provider.settings());
            TestCaller caller;
            for (int i = 0; i < 25; ++i) {
                const std::string name = "V" + std::to_string(side) + "_" + std::to_string(i);
                own.set_environment(id, {{name, "x"}}, {}, caller);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(provider.sandboxes.environment(id).size() == 100);
}

TEST_CASE("a change that waits for a restart can be cancelled") {
    Provider provider;
    const std::string id = provider.create();
    const rooms::Descriptor lock(::open(provider.sandboxes.get(id).state_path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(rooms::try_lock(lock));
    TestCaller caller;
    std::thread later([&] { caller.cancel(); });
    CHECK(failure_of([&] {
              provider.sandboxes.set_environment(id, {{"A", "1"}}, {}, caller);
          }).code == BERTH_CANCELLED);
    later.join();
    CHECK(provider.sandboxes.environment(id).empty());
}

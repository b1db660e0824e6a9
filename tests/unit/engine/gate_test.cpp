// Two queues for each provider, first come first served; some methods pass both.
#include "engine/gate.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "fake_provider.hpp"

using namespace berth_test;

namespace {

struct Calls {
    CallRegistry registry;
    Watchdog watchdog;
    std::unique_ptr<ActiveCall> make(std::optional<Milliseconds> deadline = {}) {
        ActiveCall::Setup setup;
        setup.method = Method::create;
        setup.deadline = deadline;
        return std::make_unique<ActiveCall>(registry, watchdog, std::move(setup));
    }
};

}  // namespace

TEST_CASE("the third of two waits, and gets the place that comes free") {
    Calls calls;
    Gate gate(2, 1);
    const auto call = calls.make();
    auto first = gate.enter(Queue::calls, *call);
    const auto second = gate.enter(Queue::calls, *call);
    Signal through;
    std::thread third([&] {
        const auto own = calls.make();
        const auto place = gate.enter(Queue::calls, *own);
        through.raise();
    });
    CHECK(eventually([&] { return gate.waiting(Queue::calls) == 1; }));
    first = {};
    CHECK(through.wait());
    third.join();
    CHECK(gate.waiting(Queue::calls) == 0);
}

TEST_CASE("streams and short calls do not hold each other up, and some pass") {
    Calls calls;
    Gate gate(1, 1);
    const auto call = calls.make();
    const auto stream = gate.enter(Queue::streams, *call);
    const auto short_call = gate.enter(Queue::calls, *call);
    CHECK_NOTHROW((void)gate.enter(Queue::passes, *call));
}

TEST_CASE("whoever waits can be cancelled, and then nothing was done") {
    Calls calls;
    Gate gate(1, 1);
    const auto holder = calls.make();
    const auto place = gate.enter(Queue::calls, *holder);
    const auto waiter = calls.make();
    std::thread canceller([&] {
        (void)eventually([&] { return gate.waiting(Queue::calls) == 1; });
        waiter->call().cancel(CancelReason::caller);
    });
    const auto error = failure_of([&] { return gate.enter(Queue::calls, *waiter); });
    canceller.join();
    CHECK(error.code() == Code::cancelled);
    CHECK(error.fields().outcome == Outcome::none);
    CHECK(gate.waiting(Queue::calls) == 0);
}

TEST_CASE("waiting counts against the deadline") {
    Calls calls;
    Gate gate(1, 1);
    const auto holder = calls.make();
    const auto place = gate.enter(Queue::calls, *holder);
    const auto waiter = calls.make(Milliseconds{5});
    const auto error = failure_of([&] { return gate.enter(Queue::calls, *waiter); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.fields().message == "not finished within 5ms");
    CHECK(error.fields().outcome == Outcome::none);
}

TEST_CASE("a host lets through as many as it is told, and destroy past all of them") {
    Setting setting;
    setting.provider().max_streams = 1;
    setting.provider().max_concurrency = 1;
    Signal destroyed;
    setting.script->execute = [&](Call&, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        receiver.started(1);
        CHECK(destroyed.wait());
        return ProcessEnd{ProcessEnd::Kind::killed, 0, 9, {}};
    };
    setting.script->destroy = [&](Call&, std::string_view) { destroyed.raise(); };
    const auto host = setting.start();
    std::thread running([&] { CHECK(host->execute(sandbox, command("sleep")).exit_code == 137); });
    CHECK(eventually([&] { return setting.script->entered == 1; }));
    CHECK(host->get(sandbox).id == "box");
    CHECK(host->is_ready(sandbox));
    host->destroy(sandbox);
    running.join();
}

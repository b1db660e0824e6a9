// Calls are cancelled at their deadline, or when nothing moves; never earlier, and never after they are gone.
#include "engine/watchdog.hpp"

#include <doctest/doctest.h>

#include "fake_provider.hpp"

using namespace berth_test;

namespace {

Call::Options method() {
    Call::Options options;
    options.method = "create";
    return options;
}

}  // namespace

TEST_CASE("a call is cancelled at its deadline, with that reason") {
    Watchdog watchdog;
    Call call(method());
    const auto watch = watchdog.until(call, Call::Clock::now());
    CHECK(eventually([&] { return call.cancelled(); }));
    CHECK(call.cancel_reason() == CancelReason::deadline);
}

TEST_CASE("an earlier deadline that comes later is not missed") {
    Watchdog watchdog;
    Call late(method());
    Call early(method());
    const auto one = watchdog.until(late, Call::Clock::now() + std::chrono::hours(1));
    const auto other = watchdog.until(early, Call::Clock::now() + std::chrono::milliseconds(1));
    CHECK(eventually([&] { return early.cancelled(); }));
    CHECK_FALSE(late.cancelled());
}

TEST_CASE("a call whose watch has ended is left alone") {
    Watchdog watchdog;
    Call call(method());
    Call other(method());
    { const auto watch = watchdog.until(call, Call::Clock::now() + std::chrono::milliseconds(2)); }
    const auto watch = watchdog.until(other, Call::Clock::now() + std::chrono::milliseconds(4));
    CHECK(eventually([&] { return other.cancelled(); }));
    CHECK_FALSE(call.cancelled());
}

TEST_CASE("patience ends when nothing moves, and begins anew with each touch") {
    Watchdog watchdog;
    Call still(method());
    Call moving(method());
    const auto quiet = watchdog.while_moving(still, Milliseconds{20});
    const auto busy = watchdog.while_moving(moving, Milliseconds{3'600'000});
    const auto steps = watchdog.while_moving(moving, Milliseconds{10'000});
    CHECK(eventually([&] {
        steps.touch();
        return still.cancelled();
    }));
    CHECK_FALSE(moving.cancelled());
}

TEST_CASE("many watches come and go on many threads") {
    Watchdog watchdog;
    std::vector<std::thread> threads;
    for (int index = 0; index < 4; ++index) {
        threads.emplace_back([&] {
            for (int round = 0; round < 300; ++round) {
                Call call(method());
                const auto watch = watchdog.until(call, Call::Clock::now() + std::chrono::microseconds(round));
                if (round % 3 == 0) CHECK(eventually([&] { return call.cancelled(); }));
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
}

TEST_CASE("the default deadline of a method, of the configuration, of the call") {
    Setting setting;
    std::optional<Call::Clock::time_point> deadline;
    setting.script->get = [&](Call& call, std::string_view id) {
        deadline = call.deadline();
        SandboxInfo info;
        info.id = id;
        return info;
    };
    const auto within = [&](Milliseconds least, Milliseconds most) {
        const auto left = *deadline - Call::Clock::now();
        return left > least && left <= most;
    };
    (void)setting.start()->get(sandbox);
    CHECK(within(Milliseconds{10'000}, Milliseconds{30'000}));
    setting.provider().deadlines["get"] = Milliseconds{7'200'000};
    (void)setting.start()->get(sandbox);
    CHECK(within(Milliseconds{7'000'000}, Milliseconds{7'200'000}));
    (void)setting.start()->get(sandbox, {Milliseconds{3'600'000}, {}, {}});
    CHECK(within(Milliseconds{3'500'000}, Milliseconds{3'600'000}));
    setting.provider().deadlines["get"] = std::nullopt;
    (void)setting.start()->get(sandbox);
    CHECK_FALSE(deadline);
    CHECK(failure_of([&] {
              return setting.start()->get(sandbox, {Milliseconds{0}, {}, {}});
          }).code() == Code::invalid_argument);
}

TEST_CASE("the deadline of a process is its timeout, its graces and half a minute, or none") {
    Setting setting;
    std::optional<Call::Clock::time_point> deadline;
    setting.script->execute = [&](Call& call, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        deadline = call.deadline();
        receiver.started(1);
        return ProcessEnd{};
    };
    const auto host = setting.start();
    (void)host->execute(sandbox, command("true"));
    CHECK_FALSE(deadline);
    auto process = command("true");
    process.environment.timeout = Milliseconds{3'600'000};
    (void)host->execute(sandbox, process);
    REQUIRE(deadline);
    const auto left = *deadline - Call::Clock::now();
    CHECK(left > Milliseconds{3'600'000});
    CHECK(left <= Milliseconds{3'600'000 + 2'000 + 200 + 30'000});
}

TEST_CASE("a plugin's CANCELLED is a TIMEOUT when it was the deadline that cancelled") {
    Setting setting;
    setting.script->create = [](Call& call, const SandboxConfig&, FileSource&,
                                const Provider::InfoHandler&) -> SandboxInfo {
        wait_for_cancel(call);
        throw provider_error(Code::cancelled, "gave up");
    };
    const auto host = setting.start();
    const auto error = failure_of([&] { return host->create({}, {Milliseconds{5}, {}, {}}); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.diagnostic() == "BERTH-E-15");
    CHECK(error.fields().message == "not finished within 5ms");
    CHECK(error.fields().operation == "create");
}

// Restarts of one sandbox at the same time are one restart, and nobody hangs on somebody who gave up.
#include "engine/restart_join.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "fake_provider.hpp"

using namespace berth_test;

namespace {

struct Restarts {
    CallRegistry registry;
    Watchdog watchdog;
    RestartJoin join;
    std::atomic<int> count{0};

    SandboxInfo run(const std::function<void(Call&)>& act, std::optional<Milliseconds> deadline = {}) {
        ActiveCall::Setup setup;
        setup.method = Method::restart;
        setup.deadline = deadline;
        ActiveCall call(registry, watchdog, std::move(setup));
        return join.run("fake/box", call, [&] {
            ++count;
            act(call.call());
            SandboxInfo info;
            info.id = "box";
            return info;
        });
    }
};

}  // namespace

TEST_CASE("eight who ask at once get the answer of one restart") {
    Restarts restarts;
    Signal go_on;
    const auto act = [&](Call&) { CHECK(go_on.wait()); };
    std::vector<std::thread> threads;
    std::atomic<int> answered{0};
    for (int index = 0; index < 8; ++index)
        threads.emplace_back([&] {
            if (restarts.run(act).id == "box") ++answered;
        });
    CHECK(eventually([&] { return restarts.join.waiting("fake/box") == 7; }));
    // One who waits may give up alone, and the others do not notice.
    CHECK(failure_of([&] { return restarts.run(act, Milliseconds{5}); }).code() == Code::timeout);
    CHECK(restarts.join.waiting("fake/box") == 7);
    go_on.raise();
    for (auto& thread : threads)
        thread.join();
    CHECK(answered == 8);
    CHECK(restarts.count == 1);
    CHECK(restarts.run(act).id == "box");
    CHECK(restarts.count == 2);
}

TEST_CASE("a failed restart fails for all who waited, one that was given up is taken over") {
    for (const auto code : {Code::unavailable, Code::cancelled}) {
        Restarts restarts;
        Signal go_on;
        std::thread leader([&] {
            CHECK(failure_of([&] {
                      return restarts.run([&](Call&) {
                          CHECK(go_on.wait());
                          throw provider_error(code, "no");
                      });
                  }).code() == code);
        });
        CHECK(eventually([&] { return restarts.count == 1; }));
        std::thread waiter([&] {
            const auto restart = [&] { return restarts.run([](Call&) {}); };
            if (code == Code::cancelled) {
                CHECK(restart().id == "box");
            } else {
                CHECK(failure_of(restart).code() == code);
            }
        });
        CHECK(eventually([&] { return restarts.join.waiting("fake/box") == 1; }));
        go_on.raise();
        leader.join();
        waiter.join();
        CHECK(restarts.count == (code == Code::cancelled ? 2 : 1));
    }
}

// When a dead worker may come again.
#include "worker/restart_rule.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("the first restart is at once, later ones after longer and longer pauses") {
    RestartRule rule;
    const auto start = RestartRule::Clock::time_point(1h);
    rule.died(start);
    CHECK(rule.may_start_at() == start);
    rule.died(start + 1s);
    CHECK(rule.may_start_at() == start + 1s + 100ms);
    rule.died(start + 2s);
    CHECK(rule.may_start_at() == start + 2s + 200ms);
    rule.died(start + 3s);
    CHECK(rule.may_start_at() == start + 3s + 400ms);
    CHECK_FALSE(rule.is_exhausted(start + 3s));
    rule.died(start + 4s);
    CHECK(rule.is_exhausted(start + 4s));
}

TEST_CASE("what is long ago is forgotten") {
    RestartRule rule;
    auto moment = RestartRule::Clock::time_point(1h);
    for (int death = 0; death < 20; ++death, moment += 61s) {
        rule.died(moment);
        CHECK(rule.may_start_at() == moment);
        CHECK_FALSE(rule.is_exhausted(moment));
    }
}

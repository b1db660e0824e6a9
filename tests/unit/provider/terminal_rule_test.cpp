// What a method's return comes to: each case once.
#include "provider/terminal_rule.hpp"

#include <doctest/doctest.h>

#include "provider/c_read.hpp"
#include "provider/diagnostics.hpp"
#include "support.hpp"

using namespace berth;

namespace {

constexpr Diagnostic service_failure{"BERTH-S-98", Code::auth_failed};
constexpr Diagnostic host_failure{"BERTH-F-98", Code::resource_exhausted};

MethodReturn returned(berth_status status, Answer answer = Answer::not_needed) {
    MethodReturn value;
    value.method = "execute";
    value.status = status;
    value.answer = answer;
    value.missing = "it did not say how the process ended";
    return value;
}

CallRecords::Reported said(berth_status code, std::string message, std::uint64_t order = 1) {
    CallRecords::Reported reported;
    reported.code = code;
    reported.fields.message = std::move(message);
    reported.fields.outcome = Outcome::none;
    reported.order = order;
    return reported;
}

Error breach() {
    return Breach(provider_diagnostics::wrong_order, "the plugin started one process twice");
}

void check(const Ruling& ruling, std::string_view number, Code code, std::string_view part_of_message) {
    REQUIRE(ruling.error);
    CHECK(ruling.error->diagnostic() == number);
    CHECK(ruling.error->code() == code);
    CAPTURE(ruling.error->fields().message);
    CHECK(ruling.error->fields().message.find(part_of_message) != std::string::npos);
}

}  // namespace

TEST_CASE("a recorded end is the result, and what comes after it is only logged") {
    CHECK_FALSE(judge(returned(BERTH_OK, Answer::conclusive)).error);
    CHECK(judge(returned(BERTH_OK, Answer::conclusive)).remarks.empty());

    auto failed_later = returned(BERTH_UNAVAILABLE, Answer::conclusive);
    failed_later.records.reported = said(BERTH_UNAVAILABLE, "connection lost");
    const auto ruling = judge(std::move(failed_later));
    CHECK_FALSE(ruling.error);
    REQUIRE(ruling.remarks.size() == 1);
    CHECK(ruling.remarks[0].find("UNAVAILABLE: connection lost") != std::string::npos);

    auto threw_later = returned(BERTH_OK, Answer::conclusive);
    threw_later.exception = "oops";
    CHECK_FALSE(judge(threw_later).error);
    CHECK(judge(threw_later).remarks.size() == 1);
}

TEST_CASE("an end told against the rules is PROTOCOL_ERROR, and the thing was done") {
    auto value = returned(BERTH_OK, Answer::conclusive);
    value.records.breach = breach();
    const auto ruling = judge(std::move(value));
    check(ruling, "BERTH-R-55", Code::protocol_error, "started one process twice");
    CHECK(ruling.error->fields().outcome == Outcome::done);
}

TEST_CASE("no end and an error is that error") {
    auto value = returned(BERTH_NOT_FOUND, Answer::missing);
    value.records.reported = said(BERTH_NOT_FOUND, "no such sandbox");
    const auto ruling = judge(std::move(value));
    check(ruling, "BERTH-R-02", Code::not_found, "no such sandbox");
    CHECK(ruling.error->fields().outcome == Outcome::none);
}

TEST_CASE("OK without a result is PROTOCOL_ERROR with outcome unknown") {
    const auto ruling = judge(returned(BERTH_OK, Answer::missing));
    check(ruling, "BERTH-R-51", Code::protocol_error,
          "returned OK without a result: it did not say how the process ended");
    CHECK(ruling.error->fields().outcome == Outcome::unknown);
}

TEST_CASE("OK is success where it needs nothing more, also after a fail") {
    auto value = returned(BERTH_OK);
    value.records.reported = said(BERTH_CONFLICT, "tried again and it worked");
    CHECK_FALSE(judge(std::move(value)).error);
    CHECK_FALSE(judge(returned(BERTH_OK, Answer::given)).error);
}

TEST_CASE("OK after a broken rule is PROTOCOL_ERROR") {
    auto value = returned(BERTH_OK, Answer::given);
    value.records.breach = breach();
    check(judge(std::move(value)), "BERTH-R-55", Code::protocol_error, "twice");
}

TEST_CASE("an exception is INTERNAL") {
    auto value = returned(BERTH_OK, Answer::given);
    value.exception = "vector::at";
    const auto ruling = judge(std::move(value));
    check(ruling, "BERTH-R-50", Code::internal, "threw an exception: vector::at");
    CHECK(ruling.error->fields().outcome == Outcome::unknown);
}

TEST_CASE("an unknown error number is INTERNAL with the number") {
    check(judge(returned(77)), "BERTH-R-54", Code::internal, "unknown error number 77");
    check(judge(returned(-3)), "BERTH-R-54", Code::internal, "unknown error number -3");
    auto value = returned(77);
    value.records.reported = said(77, "the moon is full");
    check(judge(std::move(value)), "BERTH-R-54", Code::internal, "77: the moon is full");
}

TEST_CASE("a number of sinks and services is PROTOCOL_ERROR") {
    check(judge(returned(BERTH_END)), "BERTH-R-53", Code::protocol_error, "1000");
    check(judge(returned(BERTH_INTERRUPTED)), "BERTH-R-53", Code::protocol_error, "1002");
    check(judge(returned(5000)), "BERTH-R-53", Code::protocol_error, "5000");
}

TEST_CASE("returning CONTRACT says which rule was broken") {
    auto value = returned(BERTH_CONTRACT, Answer::missing);
    value.records.breach = breach();
    check(judge(std::move(value)), "BERTH-R-55", Code::protocol_error, "twice");
    check(judge(returned(BERTH_CONTRACT, Answer::missing)), "BERTH-R-53", Code::protocol_error, "1004");
}

TEST_CASE("an error without fail keeps its code and gets a diagnostic of its own") {
    const auto ruling = judge(returned(BERTH_UNAVAILABLE));
    check(ruling, "BERTH-R-52", Code::unavailable, "failed with UNAVAILABLE and did not say why");
    CHECK(ruling.error->fields().outcome == Outcome::unknown);
}

TEST_CASE("a fail of another number does not explain the one that was returned") {
    auto value = returned(BERTH_UNAVAILABLE);
    value.records.reported = said(BERTH_NOT_FOUND, "no such volume");
    check(judge(std::move(value)), "BERTH-R-52", Code::unavailable,
          "what it said before was NOT_FOUND: no such volume");
}

TEST_CASE("what a service said is passed on when its number is returned without fail") {
    auto value = returned(BERTH_AUTH_FAILED);
    value.records.passed = CallRecords::Passed{Error(service_failure, "token.txt is empty", "fill it"), 2};
    value.records.reported = said(BERTH_AUTH_FAILED, "earlier words", 1);
    const auto ruling = judge(value);
    check(ruling, "BERTH-S-98", Code::auth_failed, "token.txt is empty");
    CHECK(ruling.error->fields().hint == "fill it");

    value.records.reported->order = 3;
    check(judge(value), "BERTH-R-19", Code::auth_failed, "earlier words");

    value.status = BERTH_NOT_FOUND;
    value.records.reported.reset();
    check(judge(value), "BERTH-R-52", Code::not_found, "did not say why");
}

TEST_CASE("what a service said before a clean-up is the reason, with the outcome that the plugin adds") {
    constexpr Diagnostic unreachable{"BERTH-S-97", Code::unavailable};
    auto value = returned(BERTH_UNAVAILABLE);
    value.records.passed = CallRecords::Passed{Error(unreachable, "the reason", "try later"), 1};
    value.records.passed_in_cleanup = CallRecords::Passed{Error(unreachable, "the deletion failed, too"), 2};
    check(judge(value), "BERTH-S-97", Code::unavailable, "the reason");

    value.records.reported = said(BERTH_UNAVAILABLE, "a request was not sent", 3);
    value.records.reported->fields.outcome = Outcome::unknown;
    value.records.reported->adds_to_passed = true;
    const auto ruling = judge(value);
    check(ruling, "BERTH-S-97", Code::unavailable, "the reason");
    CHECK(ruling.error->fields().hint == "try later");
    CHECK(ruling.error->fields().outcome == Outcome::unknown);

    // Nothing is known of the reason but what the plugin says.
    value.records.passed.reset();
    value.records.passed_in_cleanup.reset();
    check(judge(value), "BERTH-R-20", Code::unavailable, "a request was not sent");
}

TEST_CASE("a failure during a clean-up never replaces the plugin's own words, and explains what else nothing does") {
    auto value = returned(BERTH_AUTH_FAILED);
    value.records.reported = said(BERTH_AUTH_FAILED, "my own reason", 1);
    value.records.passed_in_cleanup = CallRecords::Passed{Error(service_failure, "the deletion failed, too"), 2};
    check(judge(value), "BERTH-R-19", Code::auth_failed, "my own reason");
    value.records.reported.reset();
    check(judge(value), "BERTH-S-98", Code::auth_failed, "the deletion failed, too");
}

TEST_CASE("a failure of the host's own sink ends the call, whatever the plugin makes of it") {
    auto value = returned(BERTH_OK, Answer::given);
    value.records.host_failure = Error(host_failure, "disk full");
    check(judge(value), "BERTH-F-98", Code::resource_exhausted, "disk full");

    value.status = BERTH_INTERNAL;
    value.records.reported = said(BERTH_INTERNAL, "copy failed, sandbox left behind");
    value.records.reported->fields.outcome = Outcome::done;
    const auto ruling = judge(value);
    check(ruling, "BERTH-F-98", Code::resource_exhausted, "disk full");
    CHECK(ruling.error->fields().outcome == Outcome::done);
    REQUIRE(ruling.error->fields().details.size() == 1);
    CHECK(ruling.error->fields().details[0].second == "INTERNAL: copy failed, sandbox left behind");

    value.answer = Answer::conclusive;
    CHECK(judge(value).error);
}

TEST_CASE("a broken rule explains an error that the plugin does not explain") {
    auto value = returned(BERTH_INTERNAL);
    value.records.breach = breach();
    check(judge(value), "BERTH-R-55", Code::protocol_error, "twice");
    value.records.reported = said(BERTH_INTERNAL, "my own reason");
    const auto ruling = judge(value);
    check(ruling, "BERTH-R-23", Code::internal, "my own reason");
    CHECK(ruling.remarks.size() == 1);
}

TEST_CASE("CANCELLED after the deadline is TIMEOUT") {
    auto value = returned(BERTH_CANCELLED);
    value.cancelled = CancelReason::deadline;
    value.records.reported = said(BERTH_CANCELLED, "undone");
    const auto ruling = judge(value);
    check(ruling, "BERTH-R-08", Code::timeout, "deadline (undone)");
    CHECK(ruling.error->fields().outcome == Outcome::none);

    value.cancelled = CancelReason::caller;
    check(judge(value), "BERTH-R-09", Code::cancelled, "undone");
}

TEST_CASE("a cancelled call needs no fail to be CANCELLED") {
    auto value = returned(BERTH_CANCELLED);
    value.cancelled = CancelReason::caller;
    check(judge(value), "BERTH-R-09", Code::cancelled, "cancelled");
    value.cancelled.reset();
    check(judge(value), "BERTH-R-52", Code::cancelled, "did not say why");
}

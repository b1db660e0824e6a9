// Exit codes of results and failures.
#include "cli/exit_code.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::cli;

namespace {

constexpr Diagnostic any{"BERTH-E-00", Code::internal};

Error failure(Code code, Outcome outcome, std::string operation) {
    ErrorFields fields;
    fields.message = "x";
    fields.outcome = outcome;
    fields.operation = std::move(operation);
    return {any, code, std::move(fields)};
}

}  // namespace

TEST_CASE("failures") {
    CHECK(exit_code_of(failure(Code::not_found, Outcome::none, "destroy")) == 125);
    CHECK(exit_code_of(failure(Code::timeout, Outcome::none, "create")) == 124);
    CHECK(exit_code_of(failure(Code::unavailable, Outcome::unknown, "execute_stream")) == 123);
    CHECK(exit_code_of(failure(Code::timeout, Outcome::unknown, "create")) == 123);
    CHECK(exit_code_of(failure(Code::timeout, Outcome::done, "create")) == 124);
}

TEST_CASE("a call that only reads has no unknown outcome") {
    CHECK(exit_code_of(failure(Code::unavailable, Outcome::unknown, "list")) == 125);
    CHECK(exit_code_of(failure(Code::timeout, Outcome::unknown, "get")) == 124);
}

TEST_CASE("a missing file is a definite answer") {
    CHECK(exit_code_of(failure(Code::file_not_found, Outcome::unknown, "upload_files")) == 125);
    CHECK(exit_code_of(failure(Code::resource_exhausted, Outcome::unknown, "upload_files")) == 123);
}

TEST_CASE("results") {
    ProcessResult result;
    CHECK(exit_code_of(result) == 0);
    result.exit_code = 7;
    result.status = ProcessStatus::failed;
    CHECK(exit_code_of(result) == 7);
    result.status = ProcessStatus::killed;
    result.signal = 9;
    result.exit_code = 137;
    CHECK(exit_code_of(result) == 137);
    result.status = ProcessStatus::timeout;
    CHECK(exit_code_of(result) == 124);
}

TEST_CASE("of several failures the unknown one counts most") {
    CHECK(worse_exit_code(0, 125) == 125);
    CHECK(worse_exit_code(125, 123) == 123);
    CHECK(worse_exit_code(123, 125) == 123);
    CHECK(worse_exit_code(124, 125) == 125);
    CHECK(worse_exit_code(125, 0) == 125);
}

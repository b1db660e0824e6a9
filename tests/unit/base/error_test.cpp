// What an error says, and when it may be repeated.
#include "base/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

using namespace berth;

namespace {
constexpr Diagnostic example{"BERTH-X-99", Code::unavailable};
}

TEST_CASE("an error is one line that says what, where and what to do") {
    ErrorFields fields;
    fields.message = "cannot open\nthe file";
    fields.hint = "check its owner";
    fields.path = "/a b\x1b";
    const auto error = Error(example, fields).with_place("local", "execute", "abc").with_location("berth.yaml:3:7");
    const std::string line = error.what();
    CHECK(line ==
          "berth.yaml:3:7: cannot open\\nthe file (execute, local/abc, path \"/a b\\x1b\"). Check its owner "
          "[BERTH-X-99]");
}

TEST_CASE("a place that is known is not overwritten") {
    const auto error = Error(example, "x").with_place("one", "get", "a").with_place("two", "list", "b");
    CHECK(error.fields().provider == "one");
    CHECK(error.fields().operation == "get");
}

TEST_CASE("only what certainly did not happen may be repeated") {
    ErrorFields fields;
    CHECK(Error(example, fields).retryable());
    fields.outcome = Outcome::unknown;
    CHECK_FALSE(Error(example, fields).retryable());
    CHECK_FALSE(Error(Diagnostic{"BERTH-X-98", Code::auth_failed}, "x").retryable());
}

TEST_CASE("errno values become the contract's file codes") {
    CHECK(code_of_errno(ENOENT) == Code::file_not_found);
    CHECK(code_of_errno(ENOSPC) == Code::resource_exhausted);
    CHECK(code_of_errno(EACCES) == Code::permission_denied);
    CHECK(code_of_errno(ELOOP) == Code::path_escape);
}

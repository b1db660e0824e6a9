// What must never be read by a person.
#include "service/known_secrets.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

using namespace berth;

TEST_CASE("a program that wants it so leaves no core dump once it knows a secret") {
    const auto dumpable_after = [](bool wanted) {
        const auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            KnownSecrets secrets;
            if (wanted) secrets.keep_out_of_core_dumps();
            if (::prctl(PR_GET_DUMPABLE) == 0) ::_exit(9);
            secrets.add("a secret");
            ::_exit(::prctl(PR_GET_DUMPABLE));
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        return WEXITSTATUS(status);
    };
    CHECK(dumpable_after(true) == 0);
    CHECK(dumpable_after(false) == 1);
}

TEST_CASE("every place of a secret is masked") {
    KnownSecrets secrets;
    CHECK(secrets.mask("a token-1 b") == "a token-1 b");
    secrets.add("token-1");
    secrets.add("p\nq\0r");
    secrets.add(std::string("bin\0ary", 7));
    CHECK(secrets.mask("token-1token-1 token-2") == "****** token-2");
    CHECK(secrets.mask(std::string("x bin\0ary y", 11)) == "x *** y");
    CHECK(secrets.found_in("has token-1"));
    CHECK_FALSE(secrets.found_in("has token-2"));
}

TEST_CASE("a secret that begins with another one is masked whole") {
    KnownSecrets secrets;
    secrets.add("abcd");
    secrets.add("abcdefgh");
    CHECK(secrets.mask("abcdefgh") == "***");
}

TEST_CASE("a value too short to be a secret is left alone") {
    KnownSecrets secrets;
    secrets.add("");
    secrets.add("abc");
    CHECK(secrets.mask("abc") == "abc");
}

TEST_CASE("the newest secrets are kept") {
    KnownSecrets secrets;
    secrets.add("often-used");
    for (std::size_t index = 0; index < KnownSecrets::most; ++index) {
        secrets.add("token-number-" + std::to_string(index));
        secrets.add("often-used");
    }
    CHECK(secrets.found_in("often-used"));
    CHECK_FALSE(secrets.found_in("token-number-0."));
    CHECK(secrets.found_in("token-number-" + std::to_string(KnownSecrets::most - 1)));
}

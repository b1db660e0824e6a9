// Nearest names, UTF-8 borders and printing of hostile text.
#include "base/text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace berth;

TEST_CASE("the nearest name is found for a slip and not for another word") {
    const std::vector<std::string> known{"timeout", "labels", "kill_grace"};
    CHECK(nearest_name("tiemout", known) == "timeout");
    CHECK(nearest_name("killgrace", known) == "kill_grace");
    CHECK_FALSE(nearest_name("zebra", known));
    CHECK_FALSE(nearest_name("", known));
}

TEST_CASE("UTF-8 is accepted only in its one shortest form") {
    CHECK(is_utf8("plain"));
    CHECK(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    CHECK_FALSE(is_utf8("\xff"));
    CHECK_FALSE(is_utf8("\xc0\x80"));          // overlong
    CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
    CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // past U+10FFFF
    CHECK_FALSE(is_utf8("\xe2\x82"));          // cut
}

TEST_CASE("a cut character is seen at the start and at the end") {
    CHECK(broken_utf8_prefix("\x82\xac rest") == 2);
    CHECK(broken_utf8_prefix("rest") == 0);
    CHECK(broken_utf8_suffix("rest \xe2\x82") == 2);
    CHECK(broken_utf8_suffix("rest \xe2\x82\xac") == 0);
    CHECK(broken_utf8_suffix("rest\xff") == 0);
}

TEST_CASE("what could drive a terminal is shown as an escape") {
    CHECK(printable("a\x1b[31m\n\xff") == "a\\x1b[31m\\n\\xff");
    CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
    CHECK(quoted(std::string_view("x y")) == "\"x y\"");
}

TEST_CASE("base64 pads as the standard says") {
    CHECK(base64("") == "");
    CHECK(base64("a") == "YQ==");
    CHECK(base64("ab") == "YWI=");
    CHECK(base64("abc") == "YWJj");
    CHECK(base64(std::string("\x00\xff", 2)) == "AP8=");
}

TEST_CASE("names of plugins and variables keep to their letters") {
    CHECK(is_name("local-2_x"));
    CHECK_FALSE(is_name("Local"));
    CHECK_FALSE(is_name("2x"));
    CHECK_FALSE(is_name(std::string(33, 'a')));
    CHECK(is_variable_name("_A9"));
    CHECK_FALSE(is_variable_name("9A"));
    CHECK_FALSE(is_variable_name("A-B"));
    CHECK_FALSE(is_variable_name(""));
}

TEST_CASE("what is written as a hash") {
    constexpr std::string_view of_abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CHECK(is_content_hash(of_abc));
    for (const auto wrong :
         {of_abc.substr(0, of_abc.size() - 1), of_abc.substr(7), std::string_view("sha256:"),
          std::string_view("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
          std::string_view("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")})
        CHECK_FALSE(is_content_hash(wrong));
}

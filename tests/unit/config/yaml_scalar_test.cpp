// What words without quotes mean, and which are refused because YAML's versions disagree.
#include "config/yaml_scalar.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace berth;

namespace {

YamlNode plain(std::string text) {
    YamlNode node;
    node.kind = YamlNode::Kind::plain;
    node.text = std::move(text);
    return node;
}

std::string meaning(std::string text) {
    const auto found = meaning_of(plain(std::move(text)));
    return found.problem.empty() ? found.value.dump() : "refused";
}

}  // namespace

TEST_CASE("numbers, truth and text as in YAML 1.2") {
    CHECK(meaning("5") == "5");
    CHECK(meaning("-5") == "-5");
    CHECK(meaning("+5") == "5");
    CHECK(meaning("0") == "0");
    CHECK(meaning("0x1F") == "31");
    CHECK(meaning("0o17") == "15");
    CHECK(meaning("2.5") == "2.5");
    CHECK(meaning("+.5") == "0.5");
    CHECK(meaning("1e3") == "1000.0");
    CHECK(meaning("-1.5E-1") == "-0.15");
    CHECK(meaning("true") == "true");
    CHECK(meaning("FALSE") == "false");
    for (const std::string word : {"yes", "no", "on", "off", "y", "tRue", "1_000", "12:30", "1.2.3", "e3", ".", "-",
                                   "+", "0x", "0o8", "5m", "1e", "1e+", "- 5"})
        CHECK(meaning(word) == "\"" + word + "\"");
}

TEST_CASE("what YAML versions read differently or JSON cannot hold is refused") {
    for (const char* word :
         {"0777", "-01", "00", ".inf", "-.INF", ".nan", "9223372036854775808", "1e999", "0x8000000000000000"})
        CHECK(meaning(word) == "refused");
    CHECK(meaning("9223372036854775807") == "9223372036854775807");
    CHECK(meaning("-9223372036854775808") == "-9223372036854775808");
}

TEST_CASE("a message shows what was found, but not all of it") {
    CHECK(found_text(plain("5")) == "the number 5");
    CHECK(found_text(plain("true")) == "true");
    CHECK(found_text(plain("a\x1b")) == "the text \"a\\x1b\"");
    CHECK(found_text(plain(std::string(100, 'x'))) == "the text \"" + std::string(40, 'x') + "\"...");
    CHECK(found_text(plain(std::string(39, 'x') + "\xC3\xA9zzz")) == "the text \"" + std::string(39, 'x') + "\"...");
    CHECK(found_kind(plain("s3cret")) == "text");
    CHECK(found_kind(YamlNode()) == "nothing");
}

// What is refused for its form alone, and that every value knows its place.
#include "config/yaml_document.hpp"

#include <doctest/doctest.h>

#include <string>

#include "config_support.hpp"

using namespace berth;

namespace {

std::string form_problems(const std::string& text) {
    Problems problems(test_file());
    const auto root = parse_yaml(text, problems);
    static_cast<void>(root);
    return places_of(problems.sorted());
}

YamlNode parsed(const std::string& text) {
    Problems problems(test_file());
    auto root = parse_yaml(text, problems);
    REQUIRE(places_of(problems.sorted()) == "");
    REQUIRE(root.has_value());
    return *std::move(root);
}

std::string at(Place place) {
    return std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int count = 0; count < times; ++count)
        result += text;
    return result;
}

}  // namespace

TEST_CASE("keys and values know their line and column, counted from one in characters") {
    const auto root = parsed("one: 1\nzw\xC3\xB6lf:   x\nlist:\n  - a\n  - {k: v}\n");
    REQUIRE(root.members.size() == 3);
    CHECK(at(root.members[0].key_place) == "1:1");
    CHECK(at(root.members[0].value.place) == "1:6");
    CHECK(at(root.members[1].value.place) == "2:10");
    CHECK(at(root.members[2].value.items[0].place) == "4:5");
    CHECK(at(root.members[2].value.items[1].members[0].key_place) == "5:6");
}

TEST_CASE("a value that is not written has the place of its key") {
    const auto root = parsed("a:\nb: ~\n");
    CHECK(root.members[0].value.kind == YamlNode::Kind::null);
    CHECK(at(root.members[0].value.place) == "1:1");
    CHECK(root.members[1].value.kind == YamlNode::Kind::null);
    CHECK(at(root.members[1].value.place) == "2:4");
}

TEST_CASE("quotes make text of anything") {
    const auto root = parsed("a: 5\nb: \"5\"\nc: '5'\nd: |\n  5\ne: \"\"\n");
    CHECK(root.members[0].value.kind == YamlNode::Kind::plain);
    for (std::size_t index = 1; index < 5; ++index)
        CHECK(root.members[index].value.kind == YamlNode::Kind::quoted);
}

TEST_CASE("a byte order mark moves no column") {
    CHECK(at(parsed("\xEF\xBB\xBF"
                    "a: b\n")
                 .members[0]
                 .value.place) == "1:4");
}

TEST_CASE("a key twice in one map is refused at its second place") {
    CHECK(form_problems("a: 1\nb: 2\na: 3\n") == "C-12 3:1");
    CHECK(form_problems("{a: 1, \"a\": 2}\n") == "C-12 1:8");
    CHECK(form_problems("x: {a: 1}\ny: {a: 1}\n") == "");
    CHECK(form_problems("a: 1\na: 2\na: 3\n") == "C-12 2:1, C-12 3:1");
}

TEST_CASE("merge keys are refused, a quoted << is a key like any other") {
    CHECK(form_problems("a: &a {x: 1}\nb:\n  <<: *a\n") == "C-09 3:3");
    CHECK(form_problems("\"<<\": 1\n") == "");
}

TEST_CASE("tags are refused wherever they stand") {
    CHECK(form_problems("a: !!str 5\nb: !x [1]\nc: !<tag:x,2000:y> {d: 1}\n!k e: 1\n") ==
          "C-10 1:4, C-10 2:4, C-10 3:4, C-10 4:1");
}

TEST_CASE("an alias repeats a value") {
    const auto root = parsed("a: &x {k: [1, 2]}\nb: *x\n");
    CHECK(root.members[1].value.members[0].value.items[1].text == "2");
}

TEST_CASE("an alias inside its own value is refused") {
    CHECK(form_problems("a: &a [1, *a]\n") == "C-08 1:11");
    CHECK(form_problems("a: &a {b: {c: *a}}\n") == "C-08 1:15");
}

TEST_CASE("an alias of nothing is no YAML") {
    CHECK(form_problems("a: *nobody\n") == "C-05 1:4");
}

TEST_CASE("aliases that stand for billions of values are stopped before they are written out") {
    std::string text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int level = 1; level < 12; ++level) {
        const auto name = std::to_string(level);
        text += "l" + name + ": &l" + name + " [" + repeated("*l" + std::to_string(level - 1) + ", ", 9) + "x]\n";
    }
    const auto found = form_problems(text);
    CHECK(found.substr(0, 5) == "C-07 ");
    CHECK(form_problems("a: &a " + std::string(100'000, 'x') + "\nb: [" + repeated("*a, ", 100) + "]\n") ==
          "C-07 2:161");
}

TEST_CASE("more values than a configuration can need are refused") {
    CHECK(form_problems("[" + repeated("x,", 25'000) + "x]\n") == "C-07 1:40000");
    CHECK(form_problems("[" + repeated("x,", 15'000) + "x]\n") == "");
}

TEST_CASE("depth is 64 at most, however it is written and however often") {
    CHECK(form_problems(repeated("[", 65) + repeated("]", 65)) == "C-06 1:65");
    CHECK(form_problems(repeated("{a: ", 65) + repeated("}", 65)) == "C-06 1:257");
    for (const int depth : {65, 1'000, 200'000}) {
        CHECK(form_problems(repeated("- ", depth)) == "C-06 1:129");
        // What is not closed may be a key yet, and then one more level each: the parser stops somewhat earlier.
        CHECK(form_problems(repeated("[", depth)).substr(0, 5) == "C-06 ");
        CHECK(form_problems(repeated("{a: ", depth)).substr(0, 5) == "C-06 ");
        CHECK(form_problems(repeated("? ", depth)).substr(0, 5) == "C-06 ");
    }
    CHECK(form_problems(repeated("[", 64) + repeated("]", 64)) == "");
    CHECK(form_problems(repeated(": ", 65)).find("C-06 ") != std::string::npos);
}

TEST_CASE("depth counts aliases written out") {
    const std::string deep = "a: &a " + repeated("[", 40) + repeated("]", 40) + "\n";
    CHECK(form_problems(deep + "b: " + repeated("[", 23) + "*a" + repeated("]", 23) + "\n") == "");
    CHECK(form_problems(deep + "b: " + repeated("[", 24) + "*a" + repeated("]", 24) + "\n") == "C-06 2:28");
}

TEST_CASE("more than one mebibyte is refused, exactly one is read") {
    const std::string head = "a: 1\n#";
    CHECK(form_problems(head + std::string(yaml_max_bytes - head.size(), 'x')) == "");
    CHECK(form_problems(head + std::string(yaml_max_bytes - head.size() + 1, 'x')) == "C-03");
}

TEST_CASE("a second document is refused") {
    CHECK(form_problems("a: 1\n---\nb: 2\n") == "C-11 2:1");
    CHECK(form_problems("---\na: 1\n...\n") == "");
    CHECK(form_problems("%YAML 1.2\n---\na: 1\n") == "");
}

TEST_CASE("only UTF-8 without control characters is text") {
    CHECK(form_problems("a: 1\nb: \xFF\n") == "C-04 2:4");
    CHECK(form_problems("\xC3\xA9: \xC3\x28\n") == "C-04 1:4");
    CHECK(form_problems("\xFE\xFF\x00"
                        "a") == "C-04 1:1");
    CHECK(form_problems(std::string("a: \0b\n", 6)) == "C-04 1:4");
    CHECK(form_problems("a: x\x04\n") == "C-04 1:5");
    CHECK(form_problems("a: \xED\xA0\x80\n") == "C-04 1:4");
    CHECK(form_problems("a:\t1\r\nb: 2\r\n") == "");
}

TEST_CASE("escapes cannot smuggle in what text may not hold") {
    CHECK(form_problems("a: \"x\\0y\"\n") == "C-04 1:4");
    CHECK(form_problems("a: \"\\ud800\"\n").substr(0, 5) == "C-05 ");
    CHECK(parsed("a: \"\\x1b\"\n").members[0].value.text == "\x1b");
}

TEST_CASE("what is no YAML has the place where the parser gave up") {
    CHECK(form_problems("a: [1, 2\nb: 3\n") == "C-05 2:2");
    CHECK(form_problems("a: b: c\n") == "C-05 1:5");
    CHECK(form_problems("a: 1\n  b: 2\n").substr(0, 5) == "C-05 ");
    CHECK(form_problems("a: \"x\"y\n").substr(0, 5) == "C-05 ");
}

TEST_CASE("a file that ends too early is no YAML, and its place is what was not complete") {
    for (const char* end : {"", "\n", "\n\n", " "}) {
        CHECK(form_problems("a: 1\nb: \"x" + std::string(end)) == "C-05 2:1");
        CHECK(form_problems("a: 1\nb: 'x" + std::string(end)) == "C-05 2:1");
        CHECK(form_problems("a: 1\nb: [x, y" + std::string(end)) == "C-05 2:4");
        CHECK(form_problems("a: 1\nb: {x: y" + std::string(end)) == "C-05 2:4");
    }
}

TEST_CASE("text to the end of the file is complete") {
    CHECK(parsed("a: |\n  x").members[0].value.text == "x\n");
    CHECK(parsed("a: |+\n  x\n\n").members[0].value.text == "x\n\n");
    CHECK(parsed("a: x\n  y").members[0].value.text == "x y");
    CHECK(parsed("a: b # comment").members[0].value.text == "b");
    CHECK(parsed("a: b\n...\n...\n").members[0].value.text == "b");
}

TEST_CASE("keys are text of 1 to 128 bytes") {
    CHECK(form_problems("[a, b]: 1\n") == "C-15 1:1");
    CHECK(form_problems("? {a: 1}\n: 1\n") == "C-15 1:3");
    CHECK(form_problems(": 1\n") == "C-15 1:1");
    CHECK(form_problems("\"\": 1\n") == "C-16 1:1");
    CHECK(form_problems(std::string(128, 'k') + ": 1\n") == "");
    CHECK(form_problems(std::string(129, 'k') + ": 1\n") == "C-16 1:1");
}

TEST_CASE("a hundred problems are enough for one reading") {
    Problems problems(test_file());
    const auto root = parse_yaml(repeated("a: 1\n", 5'000), problems);
    CHECK(root.has_value());
    CHECK(problems.sorted().size() == 100);
}

TEST_CASE("an empty file is a null") {
    CHECK(parsed("").kind == YamlNode::Kind::null);
    CHECK(parsed("# only a comment\n").kind == YamlNode::Kind::null);
}
